"""F48 to F52, F56 to F58, F60, F62, F63: what a change means, whatever its timing.

F48  the same request twice
F49  a hundred updates of one person in a second
F50  an update while the person is in a worker's hands
F51  deleted while the create is in flight
F52  deleted and created again while the delete is pending
F56  a tenant with a flood beside one with a single change
F57  many tenants with one change each
F58  a new write on a dead person
F60  a deactivation behind a flood of creates
F62  a tenant paused while it is being served
F63  positions in the queue corrupted
"""

import asyncio
import itertools
import random
import time

import pytest

from clients.bldng.sandbox.faults import Fault
from clients.bldng.sandbox.state import Modes
from clients.redis.types import Tenant
from tests.chaos.scene import (
    USERS,
    Entra,
    Look,
    attempts,
    check_rig,
    logged,
    looking,
    passed,
    rigged,
)
from tests.support import oracle
from tests.support.stack import Stack
from tests.support.waiting import eventually
from tests.support.worker import Rig
from tests.support.worker import person as plain

FORGETFUL = Modes(uniqueness=False, idempotency=False)
LONG = (pytest.mark.long, pytest.mark.timeout(1800))


async def test_f48_the_same_create_twice(stack: Stack, entra: Entra) -> None:
    """At once or a while later: one person, the others hear 409, BLDNG is called once."""
    await stack.start_worker()
    at_once = await asyncio.gather(*(entra.try_create("joy") for _ in range(8)))
    assert sorted(status for status, _ in at_once) == [201] + [409] * 7
    await entra.check()
    assert (await entra.try_create("joy"))[0] == 409
    await entra.check()
    assert len(stack.calls("POST", USERS)) == 1
    assert not stack.calls("PATCH")


async def test_f48_the_same_update_twice(stack: Stack, entra: Entra) -> None:
    """The repetition changes nothing: one version, one call for the one new state."""
    await stack.start_worker()
    joy = await entra.create("joy")
    await entra.check()
    at_once = await asyncio.gather(*(entra.patch(joy, displayName="Joy Young") for _ in range(8)))
    assert set(at_once) == {200}
    await entra.check()
    assert await entra.patch(joy, displayName="Joy Young") == 200
    await entra.check()
    assert entra.journal.people[joy].version == 2
    assert len(stack.calls("PATCH")) == 1


async def test_f49_a_hundred_updates_in_a_second(stack: Stack, entra: Entra) -> None:
    """As many calls as fit one after the other, never two at a time, and the last value wins."""
    took_ms = 250
    await stack.start_worker()
    joy = await entra.create("joy")
    await entra.check()
    stack.faults.add(Fault(action="delay", delay_ms=took_ms, method="PATCH"))
    began_s = time.monotonic()
    for number in range(10):
        await asyncio.gather(
            *(entra.patch(joy, displayName=f"Joy {number}.{each}") for each in range(10))
        )
    lasted_s = time.monotonic() - began_s
    await entra.check()
    at_ms = [row.at_ms for row in stack.calls("PATCH")]
    assert len(at_ms) <= lasted_s * 1000 / took_ms + 2
    assert all(later - before >= took_ms for before, later in itertools.pairwise(at_ms))
    assert entra.journal.people[joy].version == 101


async def test_f50_an_update_during_the_lease(stack: Stack, entra: Entra) -> None:
    """One more sync, and its time is measured from the update."""
    stack.faults.add(Fault(action="delay", delay_ms=500, method="POST", times=1))
    worker = await stack.start_worker()
    joy = await entra.create("joy")
    await eventually(lambda: not stack.faults.ordered)
    await passed(0.15)
    await entra.patch(joy, displayName="Joy Young")
    await entra.check()
    first, second = await logged(worker, 2)
    assert (first["settled"], second["settled"]) == ("DIRTY", "SYNCED")
    assert first["latency_ms"] >= 500
    assert 50 <= second["latency_ms"] < first["latency_ms"]


async def test_f51_deleted_while_the_create_is_in_flight(stack: Stack, entra: Entra) -> None:
    """Finally absent, whether the create ends well or without an answer."""
    stack.state.modes = FORGETFUL
    stack.faults.add(
        Fault(action="delay", delay_ms=300, method="POST", path=USERS, times=1),
        Fault(action="reset", when="after", method="POST", path=USERS, times=1),
    )
    await stack.start_worker()
    for name in ("joy", "ann"):
        scim_id = await entra.create(name)
        ordered = len(stack.faults.ordered)
        await eventually(lambda: len(stack.faults.ordered) < ordered or ordered == 0)  # noqa: B023
        assert await entra.delete(scim_id) == 204
    await entra.check()
    assert stack.people() == []
    assert [row.method for row in stack.state.log if row.effect].count("DELETE") == 2


@pytest.mark.parametrize("backend", ["up", "down"])
async def test_f52_deleted_and_created_again(stack: Stack, entra: Entra, backend: str) -> None:
    """The new record comes after the old one's end, and is never what is deleted."""
    stack.state.modes = FORGETFUL
    worker = await stack.start_worker()
    first = await entra.create("joy")
    await entra.check()
    [doomed] = stack.people()
    if backend == "down":
        stack.faults.add(Fault(action="reset", when="before"))
    else:
        stack.faults.add(Fault(action="delay", delay_ms=200, method="DELETE"))
    assert await entra.delete(first) == 204
    second = await entra.create("joy")
    assert second != first
    if backend == "down":
        await eventually(lambda: any(each["op"] == "delete" for each in attempts(worker)))
        stack.faults.clear()
    await entra.check(within_s=20)
    [living] = stack.people()
    assert living["id"] != doomed["id"]
    effects = [row for row in stack.state.log if row.effect and row.path.startswith(USERS)]
    assert [row.method for row in effects] == ["POST", "DELETE", "POST"]
    assert effects[1].path.endswith(doomed["id"])


@pytest.mark.parametrize(
    ("flood", "single"),
    [pytest.param(300, 5, id="short"), pytest.param(100_000, 200, id="whole", marks=LONG)],
)
async def test_f56_a_flood_beside_a_single_change(bare: Stack, flood: int, single: int) -> None:
    """The other tenant's change is under way before the flood moved on by a few turns."""
    await bare.start_gateway()
    async with rigged(bare) as rig:
        other = await rig.stack.tenants.create("other", org="org-other", now_ms=1)
        for number in range(flood):
            await rig.put(plain(number))
        await bare.start_worker()
        await eventually(lambda: len(bare.people()) > 20)
        between = [await overtaken(rig, other, flood + number) for number in range(single)]
        assert bare.people()[flood - 1 :] == [], "the flood was over too soon"
        assert sorted(between)[-1 - single // 100] <= 32
        await oracle.drained(rig.stack, within_s=60 + flood / 50)
        await check_rig(rig)


async def overtaken(rig: Rig, tenant: Tenant, number: int) -> int:
    """How many people of the flood were created between a write and its own create."""
    seen = len(rig.sandbox.log)
    await rig.put(plain(number), tenant=tenant)
    await eventually(lambda: own_create(rig, tenant, seen) is not None, within_s=10)
    until = own_create(rig, tenant, seen)
    return len([row for row in rig.sandbox.log[seen:until] if row.method == "POST"])


def own_create(rig: Rig, tenant: Tenant, seen: int) -> int | None:
    """Where in BLDNG's log the tenant's first create after `seen` rows is."""
    rows = enumerate(rig.sandbox.log[seen:], seen)
    found = (at for at, row in rows if row.method == "POST" and row.org == tenant.org)
    return next(found, None)


@pytest.mark.parametrize(
    "tenants", [pytest.param(60, id="short"), pytest.param(5000, id="whole", marks=LONG)]
)
async def test_f57_many_tenants_with_one_change_each(bare: Stack, tenants: int) -> None:
    """All are served, and the ready index ends empty."""
    await bare.start_gateway()
    async with rigged(bare) as rig:
        for number in range(tenants):
            tenant = await rig.stack.tenants.create(f"t{number}", org=f"org-{number}", now_ms=1)
            await rig.put(plain(number), tenant=tenant)
        worker = await bare.start_worker()
        await oracle.drained(rig.stack, within_s=20 + tenants / 50)
        assert len(await logged(worker, tenants)) == tenants
        assert {len(bare.state.org(f"org-{number}").users) for number in range(tenants)} == {1}
        for partition in rig.stack.partitions:
            assert not await rig.stack.client.exists(f"sg:{{p{partition}}}:r")


async def test_f58_a_new_write_on_a_dead_person(stack: Stack, entra: Entra) -> None:
    """It is tried again at once, without a replay."""
    stack.faults.add(Fault(action="status", status=422, method="POST", path=USERS, times=1))
    await stack.start_worker()
    joy = await entra.create("joy")
    async with looking(stack) as look:
        assert (await look.until(joy, "D")).error_code == "rejected"
        assert await entra.patch(joy, displayName="Joy Young") == 200
        state = await look.until(joy, "S")
    assert (state.failures, state.error_code) == (0, "")
    await entra.check()


@pytest.mark.parametrize(
    "flood", [pytest.param(300, id="short"), pytest.param(100_000, id="whole", marks=LONG)]
)
async def test_f60_a_deactivation_behind_a_flood(stack: Stack, entra: Entra, flood: int) -> None:
    """At BLDNG within two seconds, before hundreds that came earlier."""
    await stack.start_worker()
    joy = await entra.create("joy")
    await entra.check()
    stack.faults.add(Fault(action="delay", delay_ms=100))
    async with rigged(stack) as rig:
        for number in range(flood):
            await rig.put(plain(number))
        began_s = time.monotonic()
        await entra.patch(joy, active="False")
        await eventually(lambda: not stack.people()[0]["active"])
        assert time.monotonic() - began_s < 2.0
        assert len(stack.people()) < flood
    stack.faults.clear()
    await entra.check(within_s=30 + flood / 50)


async def test_f62_paused_while_it_is_served(stack: Stack, entra: Entra) -> None:
    """What is in hand ends, nothing more begins, and nothing is lost."""
    stack.faults.add(Fault(action="delay", delay_ms=200))
    await stack.start_worker()
    for number in range(60):
        await entra.create(f"p{number}")
    async with looking(stack) as look:
        tenant = await look.redis.tenants.get("acme")
        assert tenant is not None
        await eventually(stack.people)
        await look.redis.queue.pause(tenant, "test")
        await eventually(lambda: nobody_in_hand(look), within_s=8)
        seen = len(stack.state.log)
        await entra.create("late")
        assert await look.redis.queue.audit(tenant) == []
        depths = (await look.redis.queue.depths(look.redis.partitions))["acme"]
        assert depths.parked == 61 - len(stack.people())
        assert len(stack.state.log) == seen
        await look.redis.queue.resume(tenant)
    await entra.check(within_s=30)


async def nobody_in_hand(look: Look) -> bool:
    return await look.leases() == 0


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=LONG) for seed in range(2, 12))]
)
async def test_f63_positions_corrupted(stack: Stack, entra: Entra, seed: int) -> None:
    """The audit finds it and repairs it from the states; BLDNG gets nobody twice."""
    stack.state.modes = FORGETFUL
    worker = await stack.start_worker()
    ids = [await entra.create(f"p{number}") for number in range(12)]
    await entra.check()
    stack.faults.add(Fault(action="hang", method="PATCH"))
    for scim_id in ids[:6]:
        await entra.patch(scim_id, displayName="Changed")
    await eventually(lambda: six_in_hand(stack))
    worker.kill()
    for scim_id in ids[6:9]:
        await entra.patch(scim_id, displayName="Changed")
    stack.faults.clear()
    async with looking(stack) as look:
        tenant = await look.redis.tenants.get("acme")
        assert tenant is not None
        await corrupt(look, ids, random.Random(seed))
        assert await look.redis.queue.audit(tenant)
        await look.redis.queue.audit(tenant, repair=True)
        assert await look.redis.queue.audit(tenant) == []
        await stack.start_worker()
        await entra.check(within_s=20)
    assert len(stack.people()) == 12


async def six_in_hand(stack: Stack) -> bool:
    async with looking(stack) as look:
        return await look.leases() == 6


async def corrupt(look: Look, ids: list[str], dice: random.Random) -> None:
    """Take positions away, invent some, and count wrongly."""
    redis, root = look.redis.client, f"sg:{{p{look.partition}}}:"
    for scim_id in ids:
        rk = f"u:{scim_id}"
        match dice.randrange(6):
            case 0:
                await redis.zrem(look.root + "q", rk)
            case 1:
                await redis.zadd(look.root + "q", {rk: dice.randrange(10**12)})
            case 2:
                await redis.zrem(f"{root}l", f"acme/{rk}")
            case 3:
                await redis.zrem(look.root + "fd", rk)
            case 4:
                await redis.zadd(look.root + "dead", {rk: 1})
            case _:
                pass
    await redis.hset(f"{root}if", "acme", dice.randrange(5, 50))
    await redis.delete(f"{root}r")
