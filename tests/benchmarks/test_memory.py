"""What a user costs in Redis: bytes beside the document alone, and a WRITE as the store grows.

Memory is `used_memory` of a server whose people are all synced, against the same documents under
plain keys of another server. Growth is the server's processor time of a WRITE, against a script
that stores the same bytes in the same server.
"""

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from redis.asyncio import Redis

from clients.redis import embedded
from clients.redis.connection import Client
from clients.redis.stack import Stack, open_stack
from clients.redis.types import Change, Claimed, Outcome, Settlement, SettleStatus, Signal, Tenant
from tests.benchmarks import cpu
from tests.support.worker import person

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

MEASURED = 20_000
"""People whose bytes are counted."""
DOCUMENT_BYTES = 1024
AIM_BYTES = 1800
SAMPLE = 2_000
"""Calls whose processor time is measured at each size."""
AT_ONCE = 16
SET = "redis.call('SET', KEYS[1], ARGV[1]) return 1"


def _create(number: int) -> Change:
    """The write of a new person with a document of 1 KB and every index."""
    doc = person(number, title="")
    doc["title"] = "x" * (DOCUMENT_BYTES - len(orjson.dumps(doc)))
    index = {"un": doc["userName"], "xid": doc["externalId"]}
    index |= {"em": doc["userName"], "en": f"{number:09d}"}
    rk = f"u:{doc['id']}"
    digest = f"{number:016x}"
    return Change(op="C", rk=rk, nonce=doc["id"], doc=orjson.dumps(doc), digest=digest, new=index)


async def test_bytes_of_a_user(tmp_path: Path) -> None:
    with embedded.EmbeddedRedis(tmp_path / "ours") as server:
        async with open_stack(server.url, timeout_ms=10_000, install=True) as redis:
            tenant = await redis.tenants.create("acme", org="org", now_ms=0)
            empty = await _used_bytes(redis.client)
            await _write(redis, tenant, range(MEASURED))
            queued = (await _used_bytes(redis.client) - empty) / MEASURED
            await _settle_all(redis, tenant)
            synced = (await _used_bytes(redis.client) - empty) / MEASURED
    alone = await _bytes_of_documents(tmp_path / "alone")
    print(f"\nbytes of a user with a document of {DOCUMENT_BYTES}: queued {queued:.0f}, synced "
          f"{synced:.0f} (aim {AIM_BYTES}), the document alone {alone:.0f}; ratio "
          f"{synced / alone:.2f}")  # fmt: skip


async def test_growth_of_a_write(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    people = int(request.config.getoption("--people"))
    numbers = itertools.count()
    with embedded.EmbeddedRedis(tmp_path) as server:
        assert server.pid is not None
        meter = server.pid
        async with open_stack(server.url, timeout_ms=10_000, install=True) as redis:
            tenant = await redis.tenants.create("acme", org="org", now_ms=0)
            found: dict[int, tuple[float, float]] = {}
            for size in _sizes(people):
                done = next(numbers)
                await _write(redis, tenant, range(done, size))
                numbers = itertools.count(size)
                found[size] = (
                    await _cost_of_write(redis, tenant, meter, numbers),
                    await _cost_of_set(redis, meter, size),
                )
    _report_growth(found)


def _sizes(people: int) -> Iterator[int]:
    """1,000, 10,000, … up to the biggest store asked for."""
    size = 1_000
    while size < people:
        yield size
        size *= 10
    yield people


async def _write(redis: Stack, tenant: Tenant, numbers: range) -> None:
    for start in range(numbers.start, numbers.stop, AT_ONCE):
        part = range(start, min(start + AT_ONCE, numbers.stop))
        await asyncio.gather(*(redis.store.write(tenant, _create(each)) for each in part))


async def _settle_all(redis: Stack, tenant: Tenant) -> None:
    """Be the worker to which every create succeeds."""
    for turn in itertools.count():
        claim = await redis.queue.claim(
            tenant.partition, max_items=AT_ONCE, token_prefix=f"t{turn}", lease_ms=30_000
        )
        if not claim.items:
            return
        settled = await asyncio.gather(
            *(redis.queue.settle(each, _success(each)) for each in claim.items)
        )
        assert {each.status for each in settled} == {SettleStatus.SYNCED}


def _success(item: Claimed) -> Settlement:
    return Settlement(
        Outcome.OK,
        item.version,
        Signal.OK,
        backend_id=f"usr_{item.rk[-8:]}",
        managed=255,
        applied_digest="0" * 16,
    )


async def _bytes_of_documents(directory: Path) -> float:
    with embedded.EmbeddedRedis(directory) as server:
        async with Redis.from_url(server.url) as redis:
            empty = await _used_bytes(redis)
            for number in range(MEASURED):
                change = _create(number)
                await redis.set(change.rk, change.doc)
            return (await _used_bytes(redis) - empty) / MEASURED


async def _used_bytes(redis: Client) -> int:
    return int((await redis.info("memory"))["used_memory"])


async def _cost_of_write(redis: Stack, tenant: Tenant, pid: int, numbers: Iterator[int]) -> float:
    """Microseconds of the server's processor time for one WRITE."""
    changes = [_create(next(numbers)) for _ in range(SAMPLE)]
    meter = cpu.Meter(pid)
    meter.start()
    for start in range(0, SAMPLE, AT_ONCE):
        part = changes[start : start + AT_ONCE]
        await asyncio.gather(*(redis.store.write(tenant, each) for each in part))
    meter.stop()
    return meter.per_call_us(SAMPLE)


async def _cost_of_set(redis: Stack, pid: int, size: int) -> float:
    """The same for a script that stores the bytes and nothing else, sent as many at a time."""
    script = str(await redis.client.script_load(SET))
    changes = [_create(number) for number in range(SAMPLE)]
    meter = cpu.Meter(pid)
    meter.start()
    for start in range(0, SAMPLE, AT_ONCE):
        pipeline = redis.client.pipeline(transaction=False)
        for each in changes[start : start + AT_ONCE]:
            pipeline.execute_command("EVALSHA", script, 1, f"baseline:{size}:{each.rk}", each.doc)
        await pipeline.execute()
    meter.stop()
    return meter.per_call_us(SAMPLE)


def _report_growth(found: dict[int, tuple[float, float]]) -> None:
    print(f"\n{'users':>9} {'WRITE µs':>9} {'SET script µs':>14} {'ratio':>6}")
    for size, (ours, bare) in found.items():
        print(f"{size:>9} {ours:>9.0f} {bare:>14.0f} {ours / bare:>6.1f}")
    sizes = list(found)
    print(f"growth {sizes[0]} to {sizes[-1]}: {found[sizes[-1]][0] / found[sizes[0]][0]:.2f}")
