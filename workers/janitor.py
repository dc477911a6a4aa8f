"""The figures of a process that somebody has to look up or measure: queue depths, loop lag."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from clients.redis import queue
from clients.redis.tenants import Tenants
from clients.telemetry import Metrics, QueueSnapshot

PROBE_S: Final = 0.25
"""How often the event loop's lag is measured, in seconds."""
FRESH_S: Final = 1.0
"""A snapshot younger than this many seconds is not renewed: scrapes may come in crowds."""


class Janitor:
    """Keeps the queue's snapshot and the loop's lag. `clock` counts monotonic seconds."""

    def __init__(
        self,
        work: queue.Queue,
        tenants: Tenants,
        partitions: Iterable[int],
        *,
        metrics: Metrics,
        clock: Callable[[], float],
    ) -> None:
        self._work = work
        self._tenants = tenants
        self._partitions = tuple(partitions)
        self._metrics = metrics
        self._clock = clock
        self._snapshot = QueueSnapshot()
        self._taken_s = float("-inf")
        self._lag_s = 0.0

    def snapshot(self) -> QueueSnapshot:
        """The queue when last looked at; what `telemetry.QueueCollector` fetches."""
        return self._snapshot

    async def refresh(self) -> None:
        """Look at the queue, before a scrape. Raises RedisUnavailable; the old figures stay."""
        if self._clock() - self._taken_s < FRESH_S:
            return
        depths = await self._work.depths(self._partitions)
        tenants = await self._tenants.list()
        self._snapshot = QueueSnapshot(queue.total(depths.values()), len(tenants))
        self._taken_s = self._clock()

    @property
    def lag_s(self) -> float:
        """How late the last timer of the event loop fired, in seconds."""
        return self._lag_s

    async def probe(self) -> None:
        """Measure the loop's lag until cancelled."""
        while True:
            due_s = self._clock() + PROBE_S
            await asyncio.sleep(PROBE_S)
            self._lag_s = max(0.0, self._clock() - due_s)
            self._metrics.event_loop_lag.set(self._lag_s)
