"""Keeps the leases of what is in hand alive, and tells which were lost.

A beat that Redis does not answer extends nothing: the local deadline then stops new requests in
time, whatever became of the lease.
"""

import asyncio
from typing import Final

from clients.redis.queue import Queue
from clients.redis.types import RedisUnavailable
from workers.hands import Hand, Hands
from workers.means import Means

BEATS_PER_LEASE: Final = 3
"""Two beats may fail before a lease ends."""


class Heart:
    """Beats for all hands. `beaten_s` is when Redis last answered one, by `clock`."""

    def __init__(self, queue: Queue, hands: Hands, means: Means) -> None:
        self.beaten_s = float("-inf")
        self._queue = queue
        self._hands = hands
        self._pace = means.pace
        self._clock = means.clock
        self._log = means.log

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            await asyncio.sleep(self._pace.lease_s / BEATS_PER_LEASE)
            await self.beat()

    async def beat(self) -> None:
        """One beat: one call for each partition with something in hand."""
        async with asyncio.TaskGroup() as group:
            for partition, hands in self._hands.by_partition().items():
                group.create_task(self._beat(partition, hands))

    async def _beat(self, partition: int, hands: list[Hand]) -> None:
        before_s = self._clock()
        try:
            items = [hand.item for hand in hands]
            lost = await self._queue.beat(partition, items, self._pace.lease_ms)
        except RedisUnavailable as error:
            self._log.warning("beat_failed", partition=partition, kind=type(error).__name__)
            return
        self.beaten_s = self._clock()
        self._note(hands, {item.token for item in lost}, before_s + self._pace.lease_s)

    def _note(self, hands: list[Hand], lost: set[str], deadline_s: float) -> None:
        for hand in hands:
            if hand.item.token in lost:
                hand.lease.lost = True
            else:
                hand.lease.extend(deadline_s)
