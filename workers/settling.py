"""Gives a resource back to the queue, and repairs what an attempt without a lease may do.

A settle whose answer is lost is repeated while the lease lasts: its token makes that safe. When
the lease was lost after a mutating request had started, BLDNG may hold what that request wrote
over a newer state, so the newest state is marked to be sent again: of a group, the memberships
that the attempt may have changed as well.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from clients.redis.queue import Queue
from clients.redis.types import Claimed, RedisUnavailable, Settled, Settlement, SettleStatus
from workers.hands import Hand
from workers.means import Means
from workers.tenant_cache import TenantCache

T = TypeVar("T")
PAUSE_S: Final = (0.05, 1.0)
"""First and longest pause before a call on Redis is repeated, in seconds."""


class Settler:
    """Settles and resyncs. `settled_s` is when Redis last answered a settle, by `clock`."""

    def __init__(self, queue: Queue, tenants: TenantCache, means: Means) -> None:
        self.settled_s = float("-inf")
        self._queue = queue
        self._tenants = tenants
        self._metrics = means.metrics
        self._lease_s = means.pace.lease_s
        self._clock = means.clock
        self._log = means.log

    async def settle(self, hand: Hand, settlement: Settlement) -> Settled | None:
        """End the lease; None when Redis did not answer while it lasted: it ends by itself."""
        settled = await self._insist(
            lambda: self._queue.settle(hand.item, settlement), hand.lease.deadline_s
        )
        if settled is None:
            self._log.warning("settle_lost", tenant=hand.item.tenant, rk=hand.item.rk)
            return None
        self.settled_s = self._clock()
        if settled.status is SettleStatus.STALE:
            self._metrics.stale_settles.inc()
            if hand.lease.touched:
                await self._send_again(hand)
        return settled

    async def _send_again(self, hand: Hand) -> None:
        """Without a lease, this attempt may have overwritten what a newer one sent."""
        name, rk = hand.item.tenant, hand.item.rk
        deadline_s = self._clock() + self._lease_s
        marked = await self._insist(lambda: self._resync(hand.item), deadline_s)
        if marked is None:
            self._log.error("resync_lost", tenant=name, rk=rk)
        elif marked:
            self._metrics.resyncs.inc()
            self._log.warning("resync_marked", tenant=name, rk=rk)

    async def _resync(self, item: Claimed) -> bool:
        tenant = await self._tenants.get(item.tenant)
        if tenant is None:
            return False
        return await self._queue.resync(tenant, item.rk, item.members.ids)

    async def _insist(self, call: Callable[[], Awaitable[T]], deadline_s: float) -> T | None:
        """Call until Redis answers or the deadline is over; at least once."""
        pause_s = PAUSE_S[0]
        while True:
            try:
                return await call()
            except RedisUnavailable as error:
                self._metrics.redis_failed(error)
                if self._clock() + pause_s >= deadline_s:
                    return None
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, PAUSE_S[1])
