"""Times and durations as people write them. No I/O."""

import re
from datetime import UTC, datetime
from typing import Final

UNITS_MS: Final = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def iso(at_ms: int | None) -> str | None:
    """Milliseconds since 1970 as `2026-11-23T04:05:06Z`; None stays None."""
    if at_ms is None:
        return None
    return datetime.fromtimestamp(at_ms // 1000, UTC).isoformat().replace("+00:00", "Z")


def duration_ms(text: str) -> int:
    """`7d`, `12h`, `30m`, `45s` or `0` in milliseconds. Raises ValueError."""
    if text == "0":
        return 0
    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration; write 7d, 12h, 30m, 45s or 0")
    return int(match[1]) * UNITS_MS[match[2]]


def duration(ms: int) -> str:
    """Milliseconds as `2d`, `3h`, `5m` or `7s`, in the largest unit that they fill.

    `duration_ms` reads it back; what is left over is dropped.
    """
    for unit, unit_ms in reversed(UNITS_MS.items()):
        if ms >= unit_ms:
            return f"{ms // unit_ms}{unit}"
    return "0"
