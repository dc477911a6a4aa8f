"""How long to wait before a process that died is started again. No I/O here."""

from typing import Final

LONG_LIFE_S: Final = 60.0
"""A process that lived longer died of something new: its place has no bad record."""

PAUSE_S: Final = (0.5, 30.0)
"""First and longest pause, in seconds."""


def deaths(before: int, *, lived_s: float) -> int:
    """How often in a row a place's process died young, after one that lived so long."""
    return 1 if lived_s > LONG_LIFE_S else before + 1


def pause_s(deaths_in_a_row: int) -> float:
    """Doubles from death to death, so that a fault that stays costs a start each half minute."""
    first_s, longest_s = PAUSE_S
    return min(longest_s, first_s * 2.0 ** min(deaths_in_a_row - 1, 16))
