"""Serves one resource in hand: attempt, settle, tell. Nothing is raised but cancellation."""

import asyncio
from collections.abc import Callable
from typing import Final

from clients.redis.types import Claimed, RedisUnavailable, Settled, Signal
from workers import settlements
from workers.hands import Hand
from workers.journal import Journal
from workers.means import Means
from workers.reconcile import Attempt, Reconciler
from workers.settling import Settler
from workers.tenant_cache import TenantCache

WITHOUT_TENANT_MS: Final = 60_000
"""How long work waits whose tenant there is not (any more)."""
REDIS_TROUBLE_MS: Final = 1_000
"""How long work waits when Redis did not answer who its tenant is."""


Learn = Callable[[Claimed, Signal, float], None]
"""Takes a resource, what its attempt says about BLDNG, and how long that took in seconds."""


def ignore(item: Claimed, signal: Signal, duration_s: float) -> None:
    """Learn nothing."""


class Service:
    """Serves any number of hands at once."""

    def __init__(
        self,
        reconciler: Reconciler,
        settler: Settler,
        tenants: TenantCache,
        means: Means,
    ) -> None:
        self._reconciler = reconciler
        self._settler = settler
        self._tenants = tenants
        self._journal = Journal(means.metrics, means.log)
        self._settle_ms = means.pace.settle_ms
        self._clock = means.clock
        self._dice = means.dice

    async def serve(self, hand: Hand, learn: Learn = ignore) -> Settled | None:
        """Close the gap of one resource and give it back; None when Redis did not answer.

        `learn` is told what the attempt says about BLDNG.
        """
        began_s = self._clock()
        attempt = await self._attempt(hand)
        learn(hand.item, attempt.settlement.signal, self._clock() - began_s)
        settled = await self._settler.settle(hand, attempt.settlement)
        self._journal.attempted(hand.item, attempt, settled, duration_s=self._clock() - began_s)
        return settled

    async def _attempt(self, hand: Hand) -> Attempt:
        """The attempt, or a release when the worker's stop ends it."""
        try:
            async with asyncio.timeout(None) as hand.scope:
                return await self._reconcile(hand)
        except TimeoutError:
            return self._interrupted(hand)
        finally:
            hand.scope = None

    async def _reconcile(self, hand: Hand) -> Attempt:
        try:
            tenant = await self._tenants.get(hand.item.tenant)
        except RedisUnavailable:
            return self._untouched(hand, delay_ms=REDIS_TROUBLE_MS)
        if tenant is None:
            return self._untouched(hand, delay_ms=WITHOUT_TENANT_MS)
        return await self._reconciler.attempt(hand.item, tenant, hand.lease, jitter=self._dice())

    @staticmethod
    def _untouched(hand: Hand, *, delay_ms: int) -> Attempt:
        settlement = settlements.released(hand.item, touched=False, delay_ms=delay_ms)
        return Attempt(settlement, "unknown")

    def _interrupted(self, hand: Hand) -> Attempt:
        lease = hand.lease
        delay_ms = self._settle_ms if lease.create_in_flight else 0
        settlement = settlements.released(hand.item, touched=lease.touched, delay_ms=delay_ms)
        return Attempt(settlement, "unknown")
