"""A worker process' work: claim, serve, settle, and end in order.

    claiming   asks partitions for work when woken, when something is due, or after a short sleep
    serving    one task for each resource in hand; the heart keeps their leases
    draining   claims nothing more, lets attempts end, gives back the rest, and returns

One TaskGroup owns every task. Trouble with Redis is waited out; only a bug ends a worker.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from clients.bldng.client import Bldng
from clients.redis.members import Members
from clients.redis.patrol import Patrol
from clients.redis.queue import Queue
from clients.redis.store import Store
from clients.redis.tenants import Tenants
from clients.redis.types import Claimed, Settled, Signal
from clients.redis.wake import Wake
from mappers.profile import Profile
from workers.claims import Claims, Take
from workers.comparison import Comparison
from workers.concurrency import Concurrency
from workers.departments import Departments
from workers.hands import Hand, Hands
from workers.heart import Heart
from workers.janitor import Janitor
from workers.lease import Lease
from workers.means import Means
from workers.patrol import Patroller
from workers.purse import Purse
from workers.reconcile import Reconciler
from workers.service import Service
from workers.settling import Settler
from workers.sweeper import Sweeper
from workers.tenant_cache import TenantCache

HEALTHY_WITHIN_S: Final = 10.0
"""A worker that made no progress with Redis for longer is not healthy, in seconds."""
LAG_MAX_S: Final = 1.0
"""An event loop that is later than this is not healthy, in seconds."""


@dataclass(frozen=True, slots=True)
class Links:
    """What a worker works between. `profile_of(tenant name)` is the tenant's mapping profile.

    `purse` pays for the calls of `bldng`; without one they are free. `concurrency` learns from
    them how much BLDNG can take; without one only from how attempts end.
    """

    queue: Queue
    store: Store
    members: Members
    tenants: Tenants
    bldng: Bldng
    wake: Wake
    partitions: Iterable[int]
    profile_of: Callable[[str], Profile]
    patrol: Patrol
    purse: Purse | None = None
    concurrency: Concurrency | None = None


class Worker:
    """Serves every partition. Several may run beside each other, in one process or many.

    `janitor` has the figures that a scrape shows, `patroller` compares with BLDNG at leisure.
    """

    def __init__(self, links: Links, means: Means) -> None:
        means = replace(means, log=means.log.bind(worker=means.boot_id))
        partitions = tuple(links.partitions)
        tenants = TenantCache(links.tenants, clock=means.clock)
        reconciler = Reconciler(
            links.bldng,
            links.store,
            links.queue,
            profile_of=links.profile_of,
            clock=means.clock,
            settle_ms=means.pace.settle_ms,
        )
        self.janitor = Janitor(
            links.queue, links.tenants, partitions, metrics=means.metrics, clock=means.clock
        )
        self._wake = links.wake
        self._means = means
        self._purse = links.purse or Purse(None, clock=means.clock, dice=means.dice)
        self._concurrency = links.concurrency or Concurrency(means.pace.slots, clock=means.clock)
        self._hands = Hands(means.pace.slots, lambda: self._concurrency.limit)
        self._heart = Heart(links.queue, self._hands, means)
        self._claims = Claims(links.queue, partitions, means)
        self._sweeper = Sweeper(links.members, partitions, means)
        departments = Departments(links.bldng, clock=means.clock)
        self.patroller = Patroller(
            links.patrol,
            links.tenants,
            Comparison(links.bldng, links.store, links.patrol, departments),
            means,
            served=tenants,
            profile_of=links.profile_of,
        )
        self._settler = Settler(links.queue, tenants, means)
        self._service = Service(reconciler, self._settler, tenants, means)

    def healthy(self) -> bool:
        """Whether Redis answered lately and the loop keeps up."""
        return self.janitor.lag_s < LAG_MAX_S and self._progresses()

    def _progresses(self) -> bool:
        """An answered claim shows it, or an answered wish for calls on BLDNG.

        While nothing is claimed a settle or a beat does.
        """
        now_s = self._means.clock()
        answered_s = max(self._claims.claimed_s, self._purse.answered_s)
        if now_s - answered_s < HEALTHY_WITHIN_S:
            return True
        shown_s = max(self._settler.settled_s, self._heart.beaten_s)
        return self._takes_nothing(now_s) and now_s - shown_s < self._means.pace.lease_s

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`, then drain. A cancellation ends at once; the leases heal it."""
        self._means.log.info("worker_started", slots=self._means.pace.slots)
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(helper)
                for helper in (
                    self._wake.run(),
                    self._heart.run(),
                    self._sweeper.run(),
                    self.patroller.run(),
                    self.janitor.probe(),
                    self._rouse_at(stop),
                )
            ]
            serving: set[asyncio.Task[None]] = set()
            await self._work(stop, group, serving)
            await self._drain()
            for task in (*helpers, *serving):
                task.cancel()
        self._means.log.info("worker_stopped", abandoned=len(self._hands))

    async def _rouse_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.event.set()

    async def _work(
        self,
        stop: asyncio.Event,
        group: asyncio.TaskGroup,
        serving: set[asyncio.Task[None]],
    ) -> None:
        """Claim until `stop`; each claimed resource gets a task of `group`."""

        def take(item: Claimed, sent_s: float) -> None:
            self._purse.claimed()
            task = group.create_task(self._serve(self._in_hand(item, sent_s)))
            serving.add(task)
            task.add_done_callback(serving.discard)

        while not stop.is_set():
            self._claims.agenda.hurry(self._wake.take(), now_s=self._means.clock())
            await self._claim(take)
            await self._wake.wait(self._sleep_s())

    async def _claim(self, take: Take) -> None:
        """A suspect with empty hands when it is its turn, else whatever is due.

        No more than there are calls on BLDNG for.
        """
        now_s = self._means.clock()
        partition = self._suspect(now_s)
        if self._takes_nothing(now_s) or (partition is None and not self._claims.due()):
            return
        reserved = await self._purse.reserve(self._hands.free if partition is None else 1)
        claimed = 0
        if partition is None:
            claimed = await self._claims.claim_due(reserved, take)
        elif reserved:
            claimed = await self._claims.claim_suspect(partition, take)
        await self._purse.release(reserved - claimed)

    def _suspect(self, now_s: float) -> int | None:
        """The partition whose suspect is next."""
        idle = not self._hands and self._claims.agenda.next_s() > now_s
        return self._claims.suspects.turn(now_s, idle=idle)

    def _takes_nothing(self, now_s: float) -> bool:
        """No free slot, a suspect in hand, or one that waits for empty hands."""
        waited_for = bool(self._hands) and self._suspect(now_s) is not None
        return self._hands.free == 0 or self._claims.suspects.in_hand or waited_for

    def _sleep_s(self) -> float:
        """Until there is something to claim; while nothing is claimed, until a settle.

        Without calls that may be made, until there are some: nothing is leased to wait for them.
        """
        now_s = self._means.clock()
        if self._takes_nothing(now_s):
            return self._means.pace.fallback_s
        next_s = min(self._claims.agenda.next_s(), self._claims.suspects.next_s)
        return max(0.0, next_s - now_s, self._purse.dry_s())

    def _in_hand(self, item: Claimed, sent_s: float) -> Hand:
        lease = Lease(
            deadline_s=sent_s + self._means.pace.lease_s,
            request_timeout_s=self._means.pace.request_timeout_s,
        )
        hand = Hand(item, lease)
        self._hands.take(hand)
        self._show_slots()
        return hand

    async def _serve(self, hand: Hand) -> None:
        try:
            settled = await self._service.serve(hand, self._learn)
            self._plan_next(hand.item.partition, settled)
        finally:
            was_full = self._hands.free == 0
            self._hands.drop(hand)
            self._claims.suspects.settled(self._means.clock())
            self._show_slots()
            if was_full or not self._hands:
                self._wake.event.set()

    def _learn(self, item: Claimed, signal: Signal, duration_s: float) -> None:
        """What an attempt says about BLDNG decides how much is taken in hand."""
        in_hand = len(self._hands)
        self._concurrency.attempted(
            item.tenant, item.rk, signal, duration_s=duration_s, in_hand=in_hand
        )

    def _plan_next(self, partition: int, settled: Settled | None) -> None:
        """A tenant at its cap left the ready index; this settle may have made it ready again."""
        if settled is None or settled.ready_ms < 0:
            return
        self._claims.agenda.at(partition, self._means.clock() + settled.ready_ms / 1000)
        if settled.ready_ms == 0:
            self._wake.event.set()

    def _show_slots(self) -> None:
        self._means.metrics.worker_slots.labels("busy").set(len(self._hands))
        self._means.metrics.worker_slots.labels("idle").set(self._hands.free)

    async def _drain(self) -> None:
        """Let attempts end, then interrupt them, so that they are given back."""
        self._means.log.info("worker_draining", in_hand=len(self._hands))
        if await self._emptied(self._means.pace.drain_s):
            return
        now_s = asyncio.get_running_loop().time()
        for hand in self._hands:
            hand.interrupt(now_s)
        await self._emptied(self._means.pace.release_s)

    async def _emptied(self, within_s: float) -> bool:
        try:
            async with asyncio.timeout(within_s):
                await self._hands.emptied.wait()
        except TimeoutError:
            return False
        return True


async def run(worker: Worker, stop: asyncio.Event) -> None:
    """Run a worker until `stop` is set; what the composition root calls."""
    await worker.run(stop)
