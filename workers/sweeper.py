"""Cleans up after big deletions: what a request left behind so that it could answer at once.

Several workers may sweep at the same time; each call does a little, so nobody waits for it.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from clients.redis.members import Members
from clients.redis.types import RedisUnavailable
from workers.means import Means

SWEEP_S: Final = 2.0
"""How long a partition without anything to sweep is left alone, in seconds."""


class Sweeper:
    """Sweeps the memberships of every partition."""

    def __init__(self, members: Members, partitions: Iterable[int], means: Means) -> None:
        self._members = members
        self._partitions = tuple(partitions)
        self._metrics = means.metrics
        self._dice = means.dice

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            for partition in self._partitions:
                await self._sweep(partition)
            await asyncio.sleep(SWEEP_S * (1 + self._dice() / 4))

    async def _sweep(self, partition: int) -> None:
        """Until the partition is clean; while Redis is away, until the next turn."""
        try:
            while await self._members.sweep(partition):
                continue
        except RedisUnavailable as error:
            self._metrics.redis_failed(error)
