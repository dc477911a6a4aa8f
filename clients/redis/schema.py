"""Which stored data a program may work on. No I/O here.

`sg:{meta}:schema` holds the number of the layout that the data has; an installation without it was
made before the number was, and has 1. A program of number n reads and writes n and n-1, and it
writes the layout that the stored number names. So n-1 and n may run beside each other while the
one is replaced by the other, and n can be taken back. A start never raises the number: that is
allowed once no program of n-1 runs any more, for those refuse what is newer than they are.
"""

from typing import Final

from clients.redis import types

SCHEMA: Final = 1
"""The newest layout that this program knows."""

FIRST: Final = 1
"""The layout of an installation that does not name one."""


def check(stored: str | None, *, known: int = SCHEMA) -> int:
    """The number of the stored layout. Raises `IncompatibleData` when it is none of ours."""
    if stored is None:
        number = FIRST
    elif stored.isdecimal():
        number = int(stored)
    else:
        raise types.IncompatibleData("Redis names no schema that this program can read")
    if number > known:
        raise types.IncompatibleData(
            f"Redis holds data of schema {number}, this program knows {known} at most. "
            "Cure: run the newer bldng-scim, or restore the backup made before the upgrade"
        )
    if number < known - 1:
        raise types.IncompatibleData(
            f"Redis holds data of schema {number}, this program needs {known - 1} or {known}. "
            "Cure: upgrade through the releases between"
        )
    return number
