"""How long to wait after a failure. No I/O here; the dice are an argument."""

from typing import Final

BACKOFF_FIRST_MS: Final = 2_000
"""Longest wait after the first counted failure."""
BACKOFF_MAX_MS: Final = 900_000
"""Longest wait after any failure: 15 minutes."""
THROTTLE_MIN_MS: Final = 1_000
THROTTLE_MAX_MS: Final = 900_000
THROTTLE_DEFAULT_MS: Final = 30_000
"""Bounds of a Retry-After, and what stands for one that is missing or cannot be read."""


def backoff_ms(failures: int, jitter: float) -> int:
    """The wait after so many counted failures: 2 s doubling to 15 min, half of it jitter."""
    doublings = min(max(failures, 1) - 1, 16)
    full_ms = min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS << doublings)
    return int(full_ms / 2 + jitter * full_ms / 2)


def throttle_ms(retry_after_s: float | None) -> int:
    """How long a tenant rests after a Retry-After."""
    if retry_after_s is None:
        return THROTTLE_DEFAULT_MS
    return int(min(max(retry_after_s * 1000, THROTTLE_MIN_MS), THROTTLE_MAX_MS))
