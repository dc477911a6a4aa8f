"""F01 to F12: workers that are killed, frozen, blocked, stopped and replaced.

    F01  killed between BLDNG's 201 and the settle
    F02  killed between claim and request
    F03  killed after a PATCH, before the settle
    F04  killed again and again under load
    F05  frozen for three leases with a request prepared
    F06  frozen during a PATCH while a newer version is synced
    F07  event loop blocked for two leases
    F08  a person who kills the process
    F09  SIGTERM under load
    F10  SIGTERM with a create in flight
    F11  rolling restart: old and new scripts mixed
    F12  no worker for ten minutes

The oracle (`tests.support.oracle`) judges every row. Where a row concerns doubled records, BLDNG
keeps neither uniqueness nor idempotency keys, so that nothing but the engine prevents them.
"""

import asyncio
import random
import signal
import time

import pytest

from clients.bldng.sandbox.faults import Fault
from clients.bldng.sandbox.state import Modes
from clients.redis import scripts
from clients.redis.types import SettleStatus
from tests.chaos import odd_worker
from tests.chaos.scene import (
    BUSY_S,
    IN_TIME_S,
    USERS,
    Entra,
    Look,
    attempts,
    looking,
    passed,
    rigged,
)
from tests.support import oracle
from tests.support.stack import ORG, Process, Stack, lines
from tests.support.waiting import eventually

FORGETFUL = Modes(uniqueness=False, idempotency=False)


def posts(stack: Stack) -> int:
    """The creates that had an effect and are over."""
    return len([row for row in stack.calls("POST", USERS) if row.effect])


async def killed_and_replaced(stack: Stack, worker: Process) -> float:
    """Kill a worker and start another; when that was."""
    worker.kill()
    stack.faults.clear()
    began_s = time.monotonic()
    await stack.start_worker()
    return began_s


async def test_f01_killed_between_201_and_settle(stack: Stack, entra: Entra) -> None:
    """One record, made by one POST: the look-up finds it."""
    stack.state.modes = FORGETFUL
    stack.faults.add(Fault(action="hang", when="after", method="POST", path=USERS))
    worker = await stack.start_worker()
    await entra.create("joy")
    await eventually(lambda: len(stack.people()) == 1)
    began_s = await killed_and_replaced(stack, worker)
    await entra.check()
    assert time.monotonic() - began_s < IN_TIME_S + BUSY_S
    assert posts(stack) == 0, "besides the one that still hangs"


async def test_f02_killed_between_claim_and_request(stack: Stack, entra: Entra) -> None:
    """One POST; the crash is counted once and forgotten after success."""
    stack.faults.add(Fault(action="hang", method="GET"))
    worker = await stack.start_worker()
    joy = await entra.create("joy")
    async with looking(stack) as look:
        await look.until(joy, "L")
        worker.kill()
        await stack.start_worker()
        await eventually(lambda: crashed(look, joy, 1), within_s=IN_TIME_S + BUSY_S)
        stack.faults.clear()
        await look.until(joy, "S", within_s=IN_TIME_S + BUSY_S)
        assert (await look.state(joy)).crashes == 0
    await entra.check()
    assert posts(stack) == 1


async def crashed(look: Look, scim_id: str, times: int) -> bool:
    return (await look.state(scim_id)).crashes == times


async def test_f03_killed_after_a_patch(stack: Stack, entra: Entra) -> None:
    """The value is right in the end, and no failure of the record is counted."""
    worker = await stack.start_worker()
    joy = await entra.create("joy")
    await entra.check()
    stack.faults.add(Fault(action="hang", when="after", method="PATCH"))
    await entra.patch(joy, displayName="Joy Young")
    await eventually(lambda: stack.people()[0]["displayName"] == "Joy Young")
    began_s = await killed_and_replaced(stack, worker)
    await entra.check()
    assert time.monotonic() - began_s < IN_TIME_S + BUSY_S
    async with looking(stack) as look:
        assert (await look.state(joy)).failures == 0


@pytest.mark.parametrize(
    ("kills", "people"),
    [
        pytest.param(4, 60, id="short"),
        pytest.param(100, 1500, id="whole", marks=(pytest.mark.long, pytest.mark.timeout(1800))),
    ],
)
async def test_f04_killed_again_and_again(
    stack: Stack, entra: Entra, kills: int, people: int
) -> None:
    """Nobody lost, doubled or set back, with 5 % faults before and after the effect."""
    stack.state.modes = FORGETFUL
    for when in ("before", "after"):
        stack.faults.add(
            Fault(action="status", status=500, when=when, probability=0.025, method="POST"),
            Fault(action="reset", when=when, probability=0.025),
        )
    workers = [await stack.start_worker() for _ in range(2)]
    dice = random.Random(4)
    done = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(busy_entra(entra, people, done))
        for _ in range(kills):
            await passed(dice.uniform(0.3, 0.8))
            place = dice.randrange(len(workers))
            workers[place].kill()
            workers[place] = await stack.start_worker()
    stack.faults.clear()
    assert done.is_set()
    await entra.check(within_s=120)


async def busy_entra(entra: Entra, people: int, done: asyncio.Event) -> None:
    """Creates people and changes some of them; a tenth is deleted."""
    dice = random.Random(44)
    known: list[str] = []
    for number in range(people):
        known.append(await entra.create(f"p{number}"))
        for _ in range(2):
            await entra.patch(dice.choice(known), displayName=f"Name {dice.random()}")
        if number % 10 == 9:
            await entra.delete(known.pop(dice.randrange(len(known))))
    done.set()


async def test_f05_frozen_with_a_request_prepared(stack: Stack, entra: Entra) -> None:
    """Awake again, it starts no mutating request, and its settle changes nothing."""
    lease_s = 0.9
    frozen = await stack.start_worker(BLDNG_SCIM_LEASE_MS=str(int(lease_s * 1000)))
    joy = await entra.create("joy")
    await entra.check()
    stack.faults.add(Fault(action="delay", delay_ms=200, path=f"/orgs/{ORG}/dep", times=1))
    await entra.patch(joy, **{f"{oracle.ENTERPRISE}:department": "Tour Operations"})
    await eventually(lambda: not stack.faults.ordered)
    frozen.signal(signal.SIGSTOP)
    stopped_s = time.monotonic()
    await stack.start_worker()
    async with looking(stack) as look:
        await eventually(lambda: stack.people()[0]["departmentId"])
        await look.until(joy, "S")
        await passed(max(0.0, stopped_s + 3 * lease_s - time.monotonic()))
        before, sent = await look.state(joy), mutating(stack)
        frozen.signal(signal.SIGCONT)
        await eventually(lambda: len(list(attempts(frozen))) == 2)
        assert list(attempts(frozen))[1]["settled"] == SettleStatus.STALE
        assert mutating(stack) == sent
        assert await look.state(joy) == before
    await entra.check()


def mutating(stack: Stack) -> int:
    """How many requests came that were meant to change something."""
    return len([row for row in stack.state.log if row.method != "GET"])


async def test_f06_frozen_during_a_patch(stack: Stack, entra: Entra) -> None:
    """The old PATCH lands after the newer one; BLDNG ends on the newest all the same."""
    frozen = await stack.start_worker(BLDNG_SCIM_LEASE_MS="900")
    joy = await entra.create("joy")
    await entra.check()
    stack.faults.add(Fault(action="delay", delay_ms=2500, method="PATCH", times=1))
    await entra.patch(joy, displayName="Old")
    await eventually(lambda: not stack.faults.ordered)
    frozen.signal(signal.SIGSTOP)
    await entra.patch(joy, displayName="New")
    await stack.start_worker()
    await eventually(lambda: len(stack.calls("PATCH")) == 2, within_s=8)
    assert [row.body["displayName"] for row in stack.calls("PATCH")] == ["New", "Old"]
    frozen.signal(signal.SIGCONT)
    await eventually(lambda: list(lines(frozen, "resync_marked")))
    await entra.check()


async def test_f07_blocked_event_loop(stack: Stack, entra: Entra) -> None:
    """Others take over what it holds; it settles in vain and says that it lags."""
    stack.state.modes = FORGETFUL
    stack.faults.add(Fault(action="delay", delay_ms=100))
    odd = await stack.start_worker(
        odd_worker.PROGRAM, BLDNG_SCIM_LEASE_MS="900", ODD_BLOCK_S="1.8"
    )
    for name in ("one", "two", "block"):
        await entra.create(name)
    blocked_s = time.monotonic()
    await passed(0.2)
    await stack.start_worker()
    await eventually(lambda: len(stack.people()) == 3, within_s=IN_TIME_S)
    await eventually(lambda: lagging(stack, odd), within_s=4)
    assert time.monotonic() - blocked_s >= 1.5
    await eventually(lambda: any(each["settled"] == SettleStatus.STALE for each in attempts(odd)))
    await asyncio.to_thread(odd.stop)
    await entra.check()


async def lagging(stack: Stack, process: Process) -> bool:
    return await stack.probe(process) == 503


@pytest.mark.parametrize(("more", "workers"), [(0, 1), (2, 1), (0, 2), (2, 2)])
async def test_f08_a_person_who_kills_the_process(
    stack: Stack, entra: Entra, more: int, workers: int
) -> None:
    """Set aside as `crashloop` after five; nobody who was in hand with them is."""
    killers = [await entra.create(f"poison{number}") for number in range(more)]
    people = [await entra.create(name) for name in ("one", "two", "three", "four", "five")]
    killers.append(await entra.create("poison"))
    stack.faults.add(Fault(action="delay", delay_ms=50))
    pace = {"BLDNG_SCIM_LEASE_MS": "500", "BLDNG_SCIM_SETTLE_MS": "100"}
    running = [stack.spawn_worker(odd_worker.PROGRAM, **pace) for _ in range(workers)]
    async with looking(stack) as look:

        async def dead() -> bool:
            for place, process in enumerate(running):
                if not process.running:
                    running[place] = stack.spawn_worker(odd_worker.PROGRAM, **pace)
            return {(await look.state(each)).state for each in killers} == {"D"}

        await eventually(dead, within_s=60)
        await entra.check(dead=killers)
        states = [await look.state(each) for each in killers]
        assert {(each.error_code, each.crashes) for each in states} == {("crashloop", 5)}
        assert {(await look.state(each)).crashes for each in people} == {0}
    names = {each["displayName"] for each in stack.people()}
    assert names == {"One", "Two", "Three", "Four", "Five"}


async def test_f09_sigterm_under_load(stack: Stack, entra: Entra) -> None:
    """It leaves soon, nothing counts as failed, nothing waits for a lease of a minute."""
    stack.faults.add(Fault(action="delay", delay_ms=200))
    worker = await stack.start_worker(BLDNG_SCIM_LEASE_MS="60000")
    for number in range(40):
        await entra.create(f"p{number}")
    await eventually(lambda: len(stack.state.log) > 3)
    began_s = time.monotonic()
    assert await asyncio.to_thread(worker.stop) == 0
    assert time.monotonic() - began_s < 25
    assert {each["outcome"] for each in attempts(worker)} <= {"ok", "release"}
    stack.faults.clear()
    async with looking(stack) as look:
        assert await look.leases() == 0
    await stack.start_worker()
    await entra.check(within_s=10)


async def test_f10_sigterm_with_a_create_in_flight(stack: Stack, entra: Entra) -> None:
    """One record, and no look-up before the settle delay is over."""
    stack.state.modes = FORGETFUL
    stack.faults.add(Fault(action="hang", when="after", method="POST", path=USERS))
    worker = await stack.start_worker(
        BLDNG_SCIM_LEASE_MS="30000",
        BLDNG_SCIM_DRAIN_TIMEOUT_S="0",
        BLDNG_SCIM_SETTLE_MS="1500",
    )
    await entra.create("joy")
    await eventually(lambda: len(stack.people()) == 1)
    told_ms = stack.state.now_ms()
    assert await asyncio.to_thread(worker.stop) == 0
    stack.faults.clear()
    await stack.start_worker()
    await entra.check()
    later = [row.at_ms for row in stack.calls("GET", USERS) if row.at_ms > told_ms]
    assert min(later) - told_ms >= 1500
    assert posts(stack) == 0, "besides the one that still hangs"


async def test_f11_rolling_restart_with_two_generations_of_scripts(
    stack: Stack, entra: Entra
) -> None:
    """Both generations work beside each other; a script the server forgot is no error.

    There is no released generation yet: the older one has the same text under another digest.
    """
    older = {
        name: scripts.make(name, f"-- older\n{scripts.source(name)}") for name in scripts.PARTS
    }
    worker = await stack.start_worker()
    async with rigged(stack, library=older) as rig, rig.working():
        for number in range(30):
            await entra.create(f"p{number}")
            if number % 10 == 5:
                await rig.stack.client.script_flush()
            if number == 15:
                await asyncio.to_thread(worker.stop)
                worker = await stack.start_worker()
        await entra.check()
        assert not rig.events("redis_trouble")
    assert set(entra.statuses) == {201}
    assert not list(lines(worker, "redis_trouble"))


async def test_f12_no_worker_for_ten_minutes(stack: Stack, entra: Entra) -> None:
    """SCIM goes on, the queue is as deep as there are changed people, and its age shows."""
    ids = [await entra.create(f"p{number}") for number in range(20)]
    for scim_id in ids[:10]:
        await entra.patch(scim_id, displayName="Changed")
        await entra.patch(scim_id, displayName="Changed again")
    assert set(entra.statuses) == {200, 201}
    ten_minutes = f"{scripts.SERVER_CLOCK}now = now + 600000\n"
    async with rigged(stack, clock=ten_minutes) as rig:
        worker = rig.worker()
        await worker.janitor.refresh()
        found = worker.janitor.snapshot().depths
        assert (found.ready, found.oldest_unsynced_ms >= 600_000) == (20, True)
        async with rig.working():
            await entra.check()
    assert posts(stack) == 20
