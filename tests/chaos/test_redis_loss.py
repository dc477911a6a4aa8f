"""F13 to F15, F18, F19, F24, F25, F27, F28, F29: a Redis that dies, fills up, or is another one.

F13  killed under load, every write synced to disk
F14  killed under load, synced every second (a process' death loses nothing, power loss may)
F15  append-only file torn anywhere
F18  full
F19  may evict
F24  forgets its scripts
F25  emptied, or replaced by another installation
F27  disk full
F28  slow disk
F29  clock that jumps
"""

import asyncio
import itertools
import os
import random
import resource
import shutil
import signal
import time
from pathlib import Path

import pytest
from redis.asyncio import Redis

from clients.bldng.sandbox.state import Modes
from clients.redis.connection import Client
from clients.redis.stack import open_stack
from clients.redis.types import Tenant
from tests.chaos.scene import (
    SKEWED,
    UNKNOWN,
    USERS,
    Entra,
    check_rig,
    looking,
    passed,
    rigged,
    shift_clock,
)
from tests.support import oracle
from tests.support import redis as servers
from tests.support.redis import use
from tests.support.stack import TENANT, Process, Stack, lines, running
from tests.support.waiting import eventually
from tests.support.worker import person

LONG = (pytest.mark.long, pytest.mark.timeout(900))


async def write_until(stop: asyncio.Event, entra: Entra, writer: int) -> None:
    """Create people and change each once; an unknown end is the journal's business."""
    for number in itertools.count():
        if stop.is_set():
            return
        status, scim_id = await entra.try_create(f"w{writer}-{number}")
        if status == 201:
            await entra.patch(scim_id, displayName=f"Name {number}")


@pytest.mark.parametrize(
    ("rounds", "writers"),
    [pytest.param(2, 12, id="short"), pytest.param(20, 50, id="whole", marks=LONG)],
)
@pytest.mark.parametrize(
    "appendfsync", [pytest.param("always", id="f13"), pytest.param("everysec", id="f14")]
)
async def test_f13_f14_killed_under_load(
    tmp_path: Path, appendfsync: str, rounds: int, writers: int
) -> None:
    """Every acknowledged version is there; a write of unknown end was applied once or never.

    F14 is mode `memory`: the death of the process loses nothing, a power loss may lose seconds
    (docs/redis.md), which no test on one machine can show. It trusts only what Redis had
    written by then: see `all_written`.
    """
    async with running(tmp_path, appendfsync=appendfsync) as stack:
        await stack.start_gateway()
        await stack.start_worker()
        entra, stop = Entra(stack), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for writer in range(writers):
                group.create_task(write_until(stop, entra, writer))
            for _ in range(rounds):
                known = len(entra.journal.people)
                await eventually(lambda: len(entra.journal.people) > known + 30, within_s=20)  # noqa: B023
                sure = await all_written(stack, entra)
                stack.redis.kill()
                if appendfsync == "everysec":
                    entra.journal.sure_of(sure)
                await asyncio.to_thread(stack.redis.start)
            stop.set()
        assert set(entra.statuses) <= {200, 201} | UNKNOWN
        await entra.check(within_s=60)
        assert {entry.version for entry in entra.journal.people.values()} <= {1, 2}


async def all_written(stack: Stack, entra: Entra) -> dict[str, oracle.Entry]:
    """Wait until Redis has handed its file to the kernel; what was acknowledged before.

    Synced every second, it answers before it writes while a slow sync is under way.
    """
    sure: dict[str, oracle.Entry] = {}

    async def written() -> bool:
        nonlocal sure
        sure = dict(entra.journal.people)
        return not int((await client.info("persistence"))["aof_buffer_length"])

    async with Redis.from_url(stack.redis.url) as client:
        await eventually(written)
    return sure


@pytest.mark.parametrize(
    "cuts", [pytest.param(12, id="short"), pytest.param(200, id="whole", marks=LONG)]
)
async def test_f15_torn_append_only_file(bare: Stack, tmp_path: Path, cuts: int) -> None:
    """Wherever the file ends, Redis loads it and the audit finds nothing."""
    await bare.start_gateway()
    written = tmp_path / "redis" / "appendonly.aof"
    base = written.stat().st_size
    await bare.start_worker()
    entra = Entra(bare)
    for number in range(15):
        scim_id = await entra.create(f"p{number}")
        await entra.patch(scim_id, displayName="Changed")
        if number % 3 == 0:
            await entra.delete(scim_id)
    await entra.check()
    bare.redis.kill()
    size, dice = written.stat().st_size, random.Random(15)
    seen = set()
    for cut in range(cuts):
        torn = tmp_path / f"torn-{cut}"
        torn.mkdir()
        shutil.copy(written, torn / written.name)
        os.truncate(torn / written.name, dice.randrange(base, size))
        seen.add(await audited(torn))
    assert len(seen) > 1, "the cuts left different numbers of people"


async def audited(directory: Path) -> int:
    """Load a data directory, audit it; how many people it holds."""
    server = servers.server(directory)
    await asyncio.to_thread(server.start)
    try:
        async with open_stack(server.url) as redis:
            tenant = await redis.tenants.get(TENANT)
            assert tenant is not None
            assert await redis.queue.audit(tenant) == []
            await check_documents(redis.client, redis.epoch, tenant)
            return len(await oracle.people(redis, tenant))
    finally:
        server.kill()


async def check_documents(client: Client, epoch: str, tenant: Tenant) -> None:
    """Documents, states, ids and the index of names belong together."""
    root = f"sg:{{p{tenant.partition}}}:{tenant.name}:"
    documents = {
        key.removeprefix(f"{root}d:".encode()) async for key in client.scan_iter(f"{root}d:*")
    }
    ids = set(await client.zrange(f"{root}ids:u", 0, -1))
    names = set(await client.hvals(f"{root}ix:un"))
    assert documents == ids == names


async def dump(client: Client) -> dict[bytes, bytes | None]:
    """Everything of ours, serialised by Redis itself."""
    return {key: await client.dump(key) async for key in client.scan_iter("sg:*")}


async def test_f18_full(stack: Stack, entra: Entra) -> None:
    """What grows is refused whole, people can leave, the queue drains, and then it goes on."""
    known = [await entra.create(f"p{number}") for number in range(6)]
    async with looking(stack) as look:
        client = look.redis.client
        await client.config_set("maxmemory", "1")
        before = await dump(client)
        assert (await entra.try_create("new"))[0] == 503
        assert await entra.patch(known[0], displayName="Changed") == 503
        assert await dump(client) == before
        assert await entra.delete(known[1]) == 204
        await stack.start_worker()
        await eventually(lambda: len(stack.people()) == 5, within_s=10)
        await oracle.drained(look.redis)
        await client.config_set("maxmemory", "0")
    assert (await entra.try_create("new"))[0] == 201
    assert await entra.patch(known[0], displayName="Changed") == 200
    await entra.check()


async def test_f18_nearly_full(stack: Stack, entra: Entra) -> None:
    """Nobody new is taken before it is full, and nothing else notices; no restart mends it."""
    gateway = stack.processes[0]
    await stack.start_worker()
    known = [await entra.create(f"p{number}") for number in range(6)]
    await entra.check()
    async with looking(stack) as look:
        client = look.redis.client
        await use(client, 0.93)
        await eventually(lambda: warned(stack, gateway), within_s=20)
        assert await stack.probe(gateway) == 200
        assert (await entra.try_create("new"))[0] == 503
        assert await entra.patch(known[0], active=False) == 200
        assert await entra.delete(known[1]) == 204
        await entra.check()
        await use(client, 0.5)
        await eventually(lambda: unwarned(stack, gateway), within_s=20)
    await entra.create("new")
    await entra.check()


async def warned(stack: Stack, process: Process) -> bool:
    async with stack.http.get(f"http://127.0.0.1:{process.ops}/readyz") as answer:
        return "maxmemory" in await answer.text()


async def unwarned(stack: Stack, process: Process) -> bool:
    return not await warned(stack, process)


async def test_f19_may_evict(stack: Stack) -> None:
    """Nothing starts on it, what runs says that it is not ready, and the setting is named."""
    gateway, worker = stack.processes[0], await stack.start_worker()
    async with looking(stack) as look:
        await look.redis.client.config_set("maxmemory-policy", "allkeys-lru")
    late = stack.spawn_worker()
    assert await asyncio.to_thread(late.wait) != 0
    assert "maxmemory-policy is allkeys-lru" in late.log.read_text()
    for process in (gateway, worker):
        await eventually(lambda: unready(stack, process), within_s=10)  # noqa: B023


async def unready(stack: Stack, process: Process) -> bool:
    return await stack.probe(process) == 503


async def test_f24_forgets_its_scripts_under_load(stack: Stack, entra: Entra) -> None:
    """No caller hears of it."""
    worker = await stack.start_worker()
    stop = asyncio.Event()
    async with looking(stack) as look, asyncio.TaskGroup() as group:
        for writer in range(4):
            group.create_task(write_until(stop, entra, writer))
        for flush in range(10):
            await eventually(lambda: len(entra.statuses) > 12 * flush)  # noqa: B023
            await look.redis.client.script_flush()
            await passed(0.05)
        stop.set()
    assert set(entra.statuses) <= {200, 201}
    assert not list(lines(worker, "redis_trouble"))
    await entra.check(within_s=30)


async def test_f25_emptied_and_then_another_installation(stack: Stack, entra: Entra) -> None:
    """503 to everything, never "no such user", no start on it, and no call on BLDNG."""
    worker = await stack.start_worker()
    joy = await entra.create("joy")
    await entra.check()
    async with Redis.from_url(stack.redis.url) as client:
        await client.flushall()
        seen = len(stack.state.log)
        assert await everything(entra, joy) == {503}
        late = stack.spawn_worker()
        ours = stack.base_url, stack.token
        await stack._create_tenant("http://127.0.0.1:1")
        stack.base_url, stack.token = ours
        assert await client.exists("sg:{meta}:epoch")
        assert await everything(entra, joy) == {503}
        late.kill()
    assert worker.running
    assert len(stack.state.log) == seen
    assert len(stack.people()) == 1


async def everything(entra: Entra, scim_id: str) -> set[int]:
    """The statuses of one request of each kind."""
    requests = (
        ("GET", f"/Users/{scim_id}", None),
        ("GET", "/Users?filter=userName+eq+%22joy@contoso.com%22", None),
        ("GET", "/Users", None),
        ("POST", "/Users", {"userName": "new@contoso.com"}),
        ("DELETE", f"/Users/{scim_id}", None),
    )
    return {(await entra.send(*request))[0] for request in requests}


async def test_f27_disk_full(stack: Stack, entra: Entra) -> None:
    """Redis ends at the write it cannot keep; after the cure nothing acknowledged is missing."""
    await stack.start_worker()
    for number in range(5):
        await entra.create(f"p{number}")
    written = stack.redis.directory / "appendonly.aof"
    assert stack.redis.pid is not None
    limit = written.stat().st_size + 20_000
    resource.prlimit(stack.redis.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    for number in range(5, 60):
        status, _ = await entra.try_create(f"p{number}")
        assert status in {201} | UNKNOWN
        if status in UNKNOWN:
            break
    assert entra.statuses[-1] in UNKNOWN, "the disk was never full"
    stack.redis.kill()
    await asyncio.to_thread(stack.redis.start)
    await eventually(lambda: answers(entra), within_s=10)
    await entra.check(within_s=20)


async def answers(entra: Entra) -> bool:
    return (await entra.send("GET", "/Users?count=0"))[0] == 200


async def test_f28_slow_disk(stack: Stack, entra: Entra) -> None:
    """Every write of a turn waits for one sync of 0.2 s: fifty writers share it.

    A few may be refused and are repeated (409: the first one had been stored), leases none.
    Redis stops for that long at a time, as it does in a slow fdatasync, and runs in between.
    """
    await stack.start_worker()
    pid = stack.redis.pid
    assert pid is not None
    stop, slowest = asyncio.Event(), []

    async def write(writer: int) -> None:
        for number in range(2):
            began_s = time.monotonic()
            while (await entra.try_create(f"w{writer}-{number}"))[0] not in {201, 409}:
                assert entra.statuses.count(503) <= 5
            slowest.append(time.monotonic() - began_s)

    async with asyncio.TaskGroup() as group:
        pulses = group.create_task(stutter(pid, stop, stopped_s=0.2))
        async with asyncio.TaskGroup() as writers:
            for writer in range(50):
                writers.create_task(write(writer))
        stop.set()
        await pulses
    assert sorted(slowest)[98] < 2.0
    async with looking(stack) as look:
        await entra.check(within_s=30)
        assert await look.counter("reaped") == 0


async def stutter(pid: int, stop: asyncio.Event, *, stopped_s: float) -> None:
    """Stop a process for `stopped_s` again and again."""
    while not stop.is_set():
        os.kill(pid, signal.SIGSTOP)
        await passed(stopped_s)
        os.kill(pid, signal.SIGCONT)
        await passed(0.02)


async def test_f29_clock_an_hour_ahead(bare: Stack) -> None:
    """Leases end early, and still nobody is doubled."""
    await bare.start_gateway()
    async with rigged(bare, clock=SKEWED) as rig:
        bare.state.modes = Modes(uniqueness=False, idempotency=False)
        rig.sandbox.order(action="delay", delay_ms=150)
        async with rig.working(), rig.working():
            for number in range(8):
                await rig.put(person(number))
            await eventually(lambda: rig.sandbox.calls("GET", USERS))
            await shift_clock(rig, 3_600_000)
            await rig.put(person(9))
            await check_rig(rig)
        assert await rig.stack.client.hget(f"sg:{{p{rig.tenant.partition}}}:c", "reaped")
    assert len(bare.people()) == 9


async def test_f29_clock_an_hour_back(bare: Stack) -> None:
    """What was due waits no longer than the clock is off; versions do not mind."""
    await bare.start_gateway()
    async with rigged(bare, clock=SKEWED) as rig, rig.working():
        await shift_clock(rig, 0)
        await rig.put(person(1))
        await rig.until(person(1), "S")
        await shift_clock(rig, -3_600_000)
        await rig.put(person(1, displayName="Changed"))
        await rig.put(person(2))
        state = await rig.state(person(1))
        assert (state.version, state.applied_version) == (2, 1)
        await shift_clock(rig, 0)
        await check_rig(rig)
        assert (await rig.state(person(1))).applied_version == 2
    assert len(bare.people()) == 2
