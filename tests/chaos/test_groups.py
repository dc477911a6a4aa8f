"""F53 to F55, F61: groups, whatever comes first, at the same time, or dies in between.

F53  a large group before its people
F54  many parallel changes of one group through several gateways
F55  a member who leaves before they could join
F61  a gateway that dies in the middle of a long change of members
"""

import asyncio
import itertools
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass

import pytest

from clients.bldng.sandbox.faults import Fault
from clients.bldng.sandbox.state import LOG_MAX
from clients.redis.types import Claimed, Outcome, Settlement, SettleStatus, Signal
from tests.chaos.scene import (
    SKEWED,
    Entra,
    attempts,
    base_url,
    looking,
    rigged,
    shift_clock,
)
from tests.support import crowd, oracle, proxy
from tests.support.redis import commands
from tests.support.stack import Process, Stack
from tests.support.waiting import eventually
from tests.support.worker import Rig, team
from tests.support.worker import person as plain

LONG = (pytest.mark.long, pytest.mark.timeout(1800))
DEBOUNCE_S = 2.0
"""How long a group waits for more people to arrive."""
BATCH = 500
"""Members in one call on BLDNG."""


@pytest.mark.parametrize(
    "size", [pytest.param(2000, id="short"), pytest.param(100_000, id="whole", marks=LONG)]
)
async def test_f53_a_group_before_its_people(stack: Stack, entra: Entra, size: int) -> None:
    """Everybody joins exactly once, and the group is not visited for each of them."""
    stack.state.log = deque(maxlen=LOG_MAX + 4 * size)
    ids = [plain(number)["id"] for number in range(size)]
    group = await entra.found("Everybody")
    for start in range(0, size, 5000):
        assert await entra.change_members(group, join=ids[start : start + 5000]) == 204
    worker = await stack.start_worker()
    began_s = time.monotonic()
    async with rigged(stack) as rig:
        await arrive(rig, random.Random(53).sample(range(size), size))
        await oracle.drained(rig.stack, within_s=30 + size / 50)
    lasted_s = time.monotonic() - began_s
    await entra.check(within_s=30)
    batches = stack.calls("POST", "members:batch")
    joined = Counter(one for row in batches for one in row.body["add"])
    assert (len(joined), set(joined.values())) == (size, {1})
    assert len(passes(worker, group)) <= lasted_s / DEBOUNCE_S + size / BATCH + 2


async def arrive(rig: Rig, numbers: Sequence[int]) -> None:
    """Create these people in this order, some at a time."""
    for start in range(0, len(numbers), 100):
        part = numbers[start : start + 100]
        await asyncio.gather(*(rig.put(plain(number)) for number in part))


def passes(worker: Process, group: str) -> list[object]:
    """The attempts on one group."""
    return [each for each in attempts(worker) if each["rk"] == f"g:{group}"]


async def test_f53_a_pass_costs_what_is_ready(bare: Stack) -> None:
    """The commands of a claim and a settle do not grow with those who have not arrived."""
    await bare.start_gateway()
    async with rigged(bare, clock=SKEWED) as rig:
        small, big = await parked(rig, 1, 20), await parked(rig, 2, 20_000)
        assert small == big
        assert sum(big.values()) < 10 * ARRIVING
        whole = {name: big[name] for name in WHOLE if name in big}
        assert whole == {"cmdstat_smembers": 1, "cmdstat_hgetall": 1}, "who waits, and old names"


ARRIVING = 10
WHOLE = [f"cmdstat_{name}" for name in ("smembers", "hgetall", "hkeys", "sscan", "hscan", "keys")]
"""Commands that read a whole key."""


async def parked(rig: Rig, number: int, waiting: int) -> Mapping[str, int]:
    """The commands of one pass of a group: ten of its people arrived, `waiting` did not."""
    group, first = team(number), number * 100
    await rig.put(group)
    arriving = [plain(first + each) for each in range(ARRIVING)]
    await rig.join(group, *arriving, *({"id": f"nobody-{each}"} for each in range(waiting)))
    await settle_all(rig)
    for doc in arriving:
        await rig.put(doc)
    await settle_all(rig)
    await shift_clock(rig, int(number * 10 * DEBOUNCE_S * 1000))
    await commands(rig.stack.client)
    [item] = await settle_all(rig)
    assert len(item.members.add) == ARRIVING
    return await commands(rig.stack.client)


async def settle_all(rig: Rig) -> list[Claimed]:
    """Be the worker to which everything succeeds, once; what was in hand."""
    claim = await rig.stack.queue.claim(
        rig.tenant.partition,
        max_items=32,
        token_prefix=f"hand{time.monotonic_ns()}",
        lease_ms=10_000_000,
    )
    for item in claim.items:
        done = Settlement(
            Outcome.OK,
            item.version,
            Signal.OK,
            backend_id=item.backend_id or f"made-{item.rk}",
            members_done=item.members.entries,
        )
        assert (await rig.stack.queue.settle(item, done)).status is SettleStatus.SYNCED
    return list(claim.items)


WRITERS = 32
TRIES = 20
SHARED = 40


@pytest.mark.parametrize(
    ("requests", "adds"),
    [pytest.param(8, 20, id="short"), pytest.param(32, 100, id="whole", marks=LONG)],
)
async def test_f54_many_writers_of_one_group(
    stack: Stack, entra: Entra, requests: int, adds: int
) -> None:
    """Through three gateways, adds and removes, renames in between: the outcome of some order."""
    ways = [base_url(each) for each in stack.processes]
    ways += [base_url(await stack.start_gateway()) for _ in range(2)]
    total = WRITERS * requests * adds
    async with rigged(stack) as rig:
        ids = await crowd.settle_in(rig.stack, rig.tenant, stack.state, range(SHARED + total))
    contested, own = ids[:SHARED], ids[SHARED:]
    writing = Writing(entra, await entra.found("Sales"), ways, contested)
    await stack.start_worker()
    share = requests * adds
    async with asyncio.TaskGroup() as group:
        for number in range(WRITERS):
            mine = own[number * share : (number + 1) * share]
            group.create_task(writing.write(number, mine, adds=adds))
        group.create_task(writing.rename(10))
    await entra.check(within_s=60 + total / 200)
    told = entra.journal.teams.by_id[writing.group].members
    assert len(told.keys() - set(contested)) == total
    assert all(len(told[each].possible()) == 1 for each in own), "nobody else wrote of these"


@dataclass(frozen=True, slots=True)
class Writing:
    """A group, the gateways that serve it, and those whom everybody fights for."""

    entra: Entra
    group: str
    ways: Sequence[str]
    contested: Sequence[str]

    async def write(self, number: int, own: Sequence[str], *, adds: int) -> None:
        """One writer: adds members of its own, drops some again, fights for the contested."""
        dice = random.Random(number)
        mine: list[str] = []
        for start in range(0, len(own), adds):
            fresh = own[start : start + adds]
            dropped = dice.sample(mine, min(len(mine), adds // 10))
            both = dice.sample(self.contested, 4)
            joining, leaving = [*fresh, *both[:2]], [*dropped, *both[2:]]
            await self._insist(dice.choice(self.ways), joining, leaving)
            mine = [each for each in mine if each not in dropped] + list(fresh)

    async def _insist(self, way: str, joining: list[str], leaving: list[str]) -> None:
        """One PATCH, sent again while Redis is too slow for it."""
        for _ in range(TRIES):
            status = await self.entra.change_members(
                self.group, join=joining, leave=leaving, at=way
            )
            if status == 204:
                return
            assert status == 503
        raise AssertionError(f"Redis was too slow {TRIES} times")

    async def rename(self, times: int) -> None:
        """Attributes and members do not get in each other's way."""
        for number, way in zip(range(times), itertools.cycle(self.ways), strict=False):
            while await self.entra.rename_group(self.group, f"Sales {number}", at=way) != 204:
                continue


async def test_f55_a_member_who_leaves_before_they_could_join(stack: Stack, entra: Entra) -> None:
    """Nobody yet, or somebody whom BLDNG refuses for now: no call about the membership."""
    await stack.start_worker()
    group = await entra.found("Sales")
    await entra.check()
    stack.faults.add(Fault(action="status", status=500, method="POST", path="/orgs/acme/users"))
    late, refused = plain(1)["id"], await entra.create("refused")
    async with looking(stack) as look:
        await look.until(refused, "R")
        seen = len(stack.calls("", "/groups"))
        assert await entra.change_members(group, join=[late, refused]) == 204
        assert await entra.change_members(group, leave=[late, refused]) == 204
        stack.faults.clear()
        await look.until(refused, "S")
    async with rigged(stack) as rig:
        await rig.put(plain(1))
    await entra.check()
    assert len(stack.people()) == 2
    assert len(stack.calls("", "/groups")) == seen


Answer = Coroutine[None, None, int]


@dataclass(frozen=True, slots=True)
class Long:
    """A long change: who is in the group before and after it, and the request."""

    before: slice
    after: slice
    send: Callable[[Entra, str, list[str], str], Answer]


def joining(entra: Entra, group: str, ids: list[str], at: str) -> Answer:
    return entra.change_members(group, join=ids, at=at)


def leaving(entra: Entra, group: str, ids: list[str], at: str) -> Answer:
    return entra.change_members(group, leave=ids[1::2], at=at)


def listing(entra: Entra, group: str, ids: list[str], at: str) -> Answer:
    return entra.list_members(group, ids[1::2], at=at)


NOBODY, EVERYBODY = slice(0), slice(None)
EVEN, ODD = slice(0, None, 2), slice(1, None, 2)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(Long(NOBODY, EVERYBODY, joining), id="join"),
        pytest.param(Long(EVERYBODY, EVEN, leaving), id="leave"),
        pytest.param(Long(EVEN, ODD, listing), id="list"),
    ],
)
@pytest.mark.parametrize(
    "size", [pytest.param(2000, id="short"), pytest.param(10_000, id="whole", marks=LONG)]
)
async def test_f61_a_gateway_that_dies_between_two_chunks(
    bare: Stack, size: int, change: Long
) -> None:
    """The repeated request converges: nobody is lost, doubled or left over."""
    async with proxy.between(bare.redis.port) as wire:
        url = f"redis://127.0.0.1:{wire.port}/0"
        gateway = await bare.start_gateway(BLDNG_SCIM_REDIS_URL=url)
        entra = Entra(bare)
        async with rigged(bare) as rig:
            ids = await crowd.settle_in(rig.stack, rig.tenant, bare.state, range(size))
            group = await entra.found("Everybody")
            before, after = set(ids[change.before]), set(ids[change.after])
            if before:
                assert await entra.change_members(group, join=before) == 204
            await bare.start_worker()
            wire.latency_s = 0.005
            async with asyncio.TaskGroup() as tasks:
                request = tasks.create_task(change.send(entra, group, ids, ""))
                await eventually(lambda: under_way(rig, group, len(before)))
                gateway.kill()
            half_way = set(await now_in(rig, group))
        assert request.result() == 0
        assert half_way not in (before, after), "it did not die in between"
        again = base_url(await bare.start_gateway())
        assert await change.send(entra, group, ids, again) == 204
        await entra.check(within_s=60)
        async with rigged(bare) as rig:
            assert set(await now_in(rig, group)) == after
    assert set(entra.statuses) == {0, 201, 204}


async def under_way(rig: Rig, group: str, before: int) -> bool:
    """Whether a few chunks of a change are done."""
    return abs(len(await now_in(rig, group)) - before) >= 400


async def now_in(rig: Rig, group: str) -> list[str]:
    """The members of a group in Redis, each as often as it is listed."""
    pages = [page async for page in rig.members.all(rig.tenant, f"g:{group}")]
    return [each for page in pages for each in page]
