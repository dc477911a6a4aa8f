"""Asks the partitions for work, and returns what a lost answer may have leased."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from clients.redis.queue import Queue
from clients.redis.types import Claim, Claimed, RedisUnavailable
from workers.agenda import Agenda
from workers.means import Means
from workers.suspects import Suspects

TROUBLE_S: Final = (0.1, 2.0)
"""First and longest pause after Redis failed, in seconds."""

Take = Callable[[Claimed, float], None]
"""Takes a claimed resource in hand; the float is when the claim was sent, by `clock`."""


class Claims:
    """Claims for one worker. `claimed_s` is when Redis last answered a claim, by `clock`."""

    def __init__(self, queue: Queue, partitions: Iterable[int], means: Means) -> None:
        self.agenda = Agenda(partitions)
        self.suspects = Suspects()
        self.claimed_s = float("-inf")
        self._queue = queue
        self._pace = means.pace
        self._boot_id = means.boot_id
        self._metrics = means.metrics
        self._log = means.log
        self._clock = means.clock
        self._dice = means.dice
        self._calls = 0
        self._failures = 0
        self._unanswered: dict[int, str] = {}

    def due(self) -> bool:
        """Whether a partition is to be asked now."""
        return bool(self.agenda.due(self._clock()))

    async def claim_due(self, free: int, take: Take) -> int:
        """Ask every partition that is due, for at most `free` resources; how many came."""
        partitions = self.agenda.due(self._clock())[:free]
        if not partitions:
            return 0
        share = min(self._pace.batch, free // len(partitions))
        async with asyncio.TaskGroup() as group:
            asked = [
                group.create_task(self._ask(partition, share, take)) for partition in partitions
            ]
        return sum(task.result() for task in asked)

    async def claim_suspect(self, partition: int, take: Take) -> int:
        """Ask the partition for one suspect; only with nothing else in hand. How many came."""
        return await self._ask(partition, 1, take, alone=True)

    async def _ask(self, partition: int, share: int, take: Take, *, alone: bool = False) -> int:
        sent_s = self._clock()
        self.agenda.asked(partition, next_s=sent_s + self._fallback_s())
        try:
            await self._recover(partition)
            claim = await self._claim(partition, share, alone=alone)
        except RedisUnavailable as error:
            self._in_trouble(partition, error)
            return 0
        self._failures = 0
        self.claimed_s = self._clock()
        self._plan_next(partition, claim)
        if alone and claim.items:
            self.suspects.taken(partition, sent_s)
        for item in claim.items:
            take(item, sent_s)
        return len(claim.items)

    async def _recover(self, partition: int) -> None:
        """A claim that was not answered may have run: give its leases back, not as crashes."""
        prefix = self._unanswered.get(partition)
        if prefix is not None:
            returned = await self._queue.recover(partition, prefix)
            del self._unanswered[partition]
            self._log.info("claim_recovered", partition=partition, returned=returned)

    async def _claim(self, partition: int, share: int, *, alone: bool) -> Claim:
        self._calls += 1
        prefix = f"{self._boot_id}.{self._calls}"
        self._unanswered[partition] = prefix
        claim = await self._queue.claim(
            partition,
            max_items=share,
            token_prefix=prefix,
            lease_ms=self._pace.lease_ms,
            settle_ms=self._pace.settle_ms,
            alone=alone,
        )
        del self._unanswered[partition]
        return claim

    def _plan_next(self, partition: int, claim: Claim) -> None:
        """More may be there after items or reaped leases; else when the script says."""
        if claim.reaped:
            self._metrics.jobs_reclaimed.inc(claim.reaped)
        else:
            self.suspects.heard(partition, claim.suspects)
        now_s = self._clock()
        if claim.items or claim.reaped:
            self.agenda.at(partition, now_s)
        elif claim.idle_ms >= 0:
            self.agenda.at(partition, now_s + claim.idle_ms / 1000)

    def _in_trouble(self, partition: int, error: RedisUnavailable) -> None:
        self._metrics.redis_failed(error)
        self.suspects.heard(partition, 0)
        if self._failures == 0:
            self._log.warning("redis_trouble", kind=type(error).__name__)
        first_s, longest_s = TROUBLE_S
        pause_s = min(longest_s, first_s * 2 ** min(self._failures, 16))
        self._failures += 1
        self.agenda.asked(partition, next_s=self._clock() + pause_s * (0.5 + self._dice() / 2))

    def _fallback_s(self) -> float:
        """The longest sleep on a partition: a wake-up may have been lost."""
        return self._pace.fallback_s * (1 + self._dice() / 4)
