"""From a write's acknowledgement to BLDNG's first call, while the worker sleeps.

The baseline of the same run is a bare subscriber that makes one call for each PUBLISH. Both take
turns, and both calls are heard at the same place, the sandbox.
"""

import asyncio
import statistics
import time
from pathlib import Path

import pytest

from clients.redis.stack import Stack as RedisStack
from clients.redis.stack import open_stack
from clients.redis.types import Tenant
from tests.benchmarks import processes
from tests.benchmarks.hearing import Heard
from tests.benchmarks.test_worker_drain import create
from tests.support import stack as stacks
from tests.support.stack import ORG, TENANT, Stack
from tests.support.waiting import eventually

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

TURNS = 300
AIM_P99_MS = 5.0
CHANNEL = "baseline"


async def test_wake_latency(tmp_path: Path) -> None:
    async with stacks.running(tmp_path, appendfsync="everysec") as stack:
        await stack.start_gateway()
        await stack.start_worker()
        heard = stack.state.log = Heard()
        call = f"{stack.backend_url}/orgs/{ORG}/users?username=nobody"
        arguments = (stack.redis.url, CHANNEL, call, stack.state.token)
        async with (
            open_stack(stack.redis.url, ack=stack.ack) as redis,
            processes.running("listener.py", *arguments) as listener,
        ):
            assert listener.stdout is not None
            await asyncio.to_thread(listener.stdout.readline)
            ours, theirs = await _turns(stack, redis, heard)
    _report(ours, theirs)


async def _turns(stack: Stack, redis: RedisStack, heard: Heard) -> tuple[list[float], list[float]]:
    tenant = await redis.tenants.get(TENANT)
    assert tenant is not None
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(TURNS):
        await _until_asleep(stack, redis, tenant)
        heard.forget()
        await redis.store.write(tenant, create(number))
        ours.append(await _waited_ms(heard))
        await _until_asleep(stack, redis, tenant)
        heard.forget()
        await redis.client.publish(CHANNEL, "go")
        theirs.append(await _waited_ms(heard))
    return ours, theirs


async def _until_asleep(stack: Stack, redis: RedisStack, tenant: Tenant) -> None:
    """Nothing is left to do, and the worker has said that it needs to be woken."""
    await stack.until_synced()

    async def asleep() -> bool:
        return not await redis.client.exists(f"sg:{{p{tenant.partition}}}:awake")

    await eventually(asleep)


async def _waited_ms(heard: Heard) -> float:
    """Milliseconds from now to the call; none when it was there before the acknowledgement."""
    acknowledged_s = time.perf_counter()
    return max(await heard.first() - acknowledged_s, 0.0) * 1000


def _report(ours: list[float], theirs: list[float]) -> None:
    print(f"\nacknowledged to called, {TURNS} times while idle (aim p99 {AIM_P99_MS} ms)")
    for name, each in (("worker", ours), ("bare", theirs)):
        print(f"{name:>8}  p50 {statistics.median(each):6.2f} ms  p99 {_p99(each):6.2f} ms")
    print(f"   ratio  p50 {statistics.median(ours) / statistics.median(theirs):6.2f}     "
          f"p99 {_p99(ours) / _p99(theirs):6.2f}")  # fmt: skip


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98]
