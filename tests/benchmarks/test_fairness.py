"""How long a single change of B waits behind the backlog of A, against B alone in the same run.

Counted is from B's acknowledgement to BLDNG's first call for B. The backlog is 200,000 new people
unless BLDNG_FAIRNESS_BACKLOG says otherwise; A is served all the while.
"""

import asyncio
import os
import statistics
import time
from pathlib import Path

import pytest

from clients.bldng.sandbox.state import Logged
from clients.redis.stack import Stack as RedisStack
from clients.redis.stack import open_stack
from clients.redis.types import Tenant, WriteStatus
from tests.benchmarks.hearing import Heard
from tests.benchmarks.test_worker_drain import create
from tests.support import stack as stacks
from tests.support.stack import TENANT
from tests.support.waiting import eventually

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

BACKLOG = int(os.environ.get("BLDNG_FAIRNESS_BACKLOG", "200000"))
TURNS = 100
AIM_P99_MS = 100.0


class Calls(Heard):
    """A log that knows when an organisation was first called since `called` was cleared."""

    def __init__(self) -> None:
        super().__init__()
        self.called = asyncio.Event()
        self.at_s = 0.0

    def append(self, row: Logged, /) -> None:
        if row.org == "org-other" and not self.called.is_set():
            self.at_s = time.perf_counter()
            self.called.set()
        super().append(row)


async def test_fairness(tmp_path: Path) -> None:
    async with stacks.running(tmp_path, appendfsync="everysec") as stack:
        await stack.start_gateway()
        calls = stack.state.log = Calls()
        async with open_stack(stack.redis.url, ack=stack.ack) as redis:
            flood = await redis.tenants.get(TENANT)
            assert flood is not None
            other = await redis.tenants.create("other", org="org-other", now_ms=1)
            await stack.start_worker()
            alone = await Turns(redis, other, calls, 0).waits_ms()
            await _queue(redis, flood, BACKLOG)
            await eventually(lambda: len(stack.people()) > 20, within_s=60)
            behind = await Turns(redis, other, calls, TURNS).waits_ms()
            left = await redis.client.zcard(f"sg:{{p{flood.partition}}}:{TENANT}:q")
        assert left > BACKLOG / 10, "the backlog was over too soon"
    _report(alone, behind, left)


class Turns:
    """Single changes of one tenant, one after the other."""

    def __init__(self, redis: RedisStack, tenant: Tenant, calls: Calls, first: int) -> None:
        self._redis, self._tenant, self._calls, self._first = redis, tenant, calls, first

    async def waits_ms(self) -> list[float]:
        """Milliseconds from each acknowledgement to the call."""
        return [await self._wait_ms(self._first + turn) for turn in range(TURNS)]

    async def _wait_ms(self, number: int) -> float:
        self._calls.called.clear()
        await self._redis.store.write(self._tenant, create(number))
        acknowledged_s = time.perf_counter()
        async with asyncio.timeout(30):
            await self._calls.called.wait()
        waited_ms = max(0.0, self._calls.at_s - acknowledged_s) * 1000
        await eventually(self._settled, within_s=30)
        return waited_ms

    async def _settled(self) -> bool:
        root = f"sg:{{p{self._tenant.partition}}}:{self._tenant.name}:"
        return not await self._redis.client.exists(f"{root}fd")


async def _queue(redis: RedisStack, tenant: Tenant, backlog: int) -> None:
    for start in range(0, backlog, 500):
        numbers = range(start, min(start + 500, backlog))
        writes = (redis.store.write(tenant, create(number)) for number in numbers)
        assert {each.status for each in await asyncio.gather(*writes)} == {WriteStatus.OK}


def _report(alone: list[float], behind: list[float], left: int) -> None:
    print(f"\nacknowledged to called, {TURNS} single changes (aim p99 {AIM_P99_MS:.0f} ms)")
    for name, each in (("alone", alone), (f"behind {left}", behind)):
        print(f"{name:>16}  p50 {statistics.median(each):6.2f} ms  p99 {_p99(each):6.2f} ms")
    medians = statistics.median(behind) / statistics.median(alone)
    print(f"{'ratio':>16}  p50 {medians:6.2f}     p99 {_p99(behind) / _p99(alone):6.2f}")


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98]
