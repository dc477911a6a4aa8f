"""Whether Redis has room for more people and groups. No I/O here.

Redis refuses all that grows once it is full: renames and joining members too. So creates are
refused before that, and what is left is for changes of what is there.
"""

from typing import Final

from clients.telemetry import Metrics
from mappers.scim import errors

MARGIN: Final = 0.05
"""How far below the limit the memory must fall before creates are taken again."""


class Room:
    """Refuses creates from a share of used memory on until it is well below it.

    `limit` is that share of `maxmemory`; 1 or more leaves refusing to Redis itself.
    """

    def __init__(self, limit: float, metrics: Metrics) -> None:
        self._limit = limit
        self._gauge = metrics.redis_memory_ratio
        self._share = 0.0
        self._short = False

    def observe(self, share: float) -> None:
        """Redis was looked at."""
        self._share = share
        self._gauge.set(share)
        self._short = share > (self._limit - MARGIN if self._short else self._limit)

    def require(self) -> None:
        """Raise NearlyFull while there is no room for a new resource."""
        if self._short and self._limit < 1:
            raise errors.NearlyFull

    def warnings(self) -> list[str]:
        """What an operator should know; the process is ready all the same."""
        if not self._short or self._limit >= 1:
            return []
        left = f"{self._limit - MARGIN:.0%}"
        used = f"redis uses {self._share:.0%} of maxmemory"
        return [f"{used}: creates are refused until it is below {left}; raise maxmemory"]
