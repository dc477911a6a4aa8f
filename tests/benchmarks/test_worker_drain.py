"""How fast one worker drains a queue of new people, against the same calls from a bare loop.

The worker runs first; the calls it made are recorded and then made again by a plain aiohttp client
on an emptied sandbox. The sandbox is the same in both, so the ratio is the worker's own cost.
"""

import asyncio
from pathlib import Path

import orjson
import pytest

from clients.bldng.sandbox.state import Logged
from clients.redis.stack import Stack as RedisStack
from clients.redis.stack import open_stack
from clients.redis.types import Change, WriteStatus
from tests.benchmarks import cpu, processes
from tests.benchmarks.hearing import Heard
from tests.support import stack as stacks
from tests.support.stack import TENANT, Stack
from tests.support.worker import person

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

PEOPLE = 5_000
AT_ONCE = 16
"""Calls at a time: the leases that one tenant may have."""
AIM = 0.8


async def test_worker_drain(tmp_path: Path) -> None:
    async with stacks.running(tmp_path, appendfsync="everysec") as stack:
        await stack.start_gateway()
        heard = stack.state.log = Heard()
        async with open_stack(stack.redis.url, ack=stack.ack) as redis:
            await _queue(redis)
        drain_s, worker_us = await _drained(stack, heard)
        calls = tmp_path / "calls.jsonl"
        calls.write_bytes(b"\n".join(map(_line, heard)))
        count = len(heard)
        replay_s = await _replayed(stack, heard, calls)
        assert len(stack.people()) == PEOPLE
    print(f"\n{PEOPLE} new people in {count} calls, {worker_us:.0f} µs of the worker's processor")
    print(f"time each: worker {PEOPLE / drain_s:.0f} people/s, the same calls from a bare loop")
    print(f"{PEOPLE / replay_s:.0f} people/s, ratio {replay_s / drain_s:.2f} (aim {AIM})")


def _line(row: Logged) -> bytes:
    """A call as the bare loop reads it."""
    headers = {"X-Request-Id": row.request_id}
    if row.idempotency_key:
        headers["Idempotency-Key"] = row.idempotency_key
    if row.body is not None:
        headers["Content-Type"] = "application/json"
    return orjson.dumps([row.method, row.path, row.query, row.body, headers])


async def _queue(redis: RedisStack) -> None:
    tenant = await redis.tenants.get(TENANT)
    assert tenant is not None
    for start in range(0, PEOPLE, 200):
        changes = (create(number) for number in range(start, start + 200))
        written = await asyncio.gather(*(redis.store.write(tenant, each) for each in changes))
        assert {each.status for each in written} == {WriteStatus.OK}


def create(number: int) -> Change:
    """The write of a new person."""
    doc = person(number)
    return Change(
        op="C",
        rk=f"u:{doc['id']}",
        nonce=doc["id"],
        doc=orjson.dumps(doc),
        digest=f"{number:016x}",
        new={"un": doc["userName"], "xid": doc["externalId"]},
    )


async def _drained(stack: Stack, heard: Heard) -> tuple[float, float]:
    """Seconds from the worker's first call to its last; its processor time of a person in µs."""
    worker = await stack.start_worker()
    meter = cpu.Meter(worker.pid)
    meter.start()
    await stack.until_synced(within_s=300)
    meter.stop()
    worker.stop()
    assert len(stack.people()) == PEOPLE
    return heard.last_s - heard.first_s, meter.per_call_us(PEOPLE)


async def _replayed(stack: Stack, heard: Heard, calls: Path) -> float:
    """Seconds from the bare loop's first call to its last, on an emptied sandbox."""
    expected = len(heard)
    stack.state.reset()
    heard.forget()
    arguments = (stack.backend_url, stack.state.token, calls, AT_ONCE)
    async with processes.running("replay.py", *arguments) as process:
        refused, _ = await asyncio.to_thread(process.communicate, timeout=300)
    assert (process.returncode, int(refused)) == (0, 0)
    assert len(heard) == expected
    return heard.last_s - heard.first_s
