"""How much faster two workers drain a queue than one, on the same machine in the same run.

BLDNG answers after 20 ms here, as a service at a distance does: without that, one worker is bound
by this machine's processor and a second has nothing to win. Many tenants, since one has a cap.
"""

import asyncio
from pathlib import Path

import pytest

from clients.bldng.sandbox.faults import Fault
from clients.redis.stack import Stack as RedisStack
from clients.redis.stack import open_stack
from clients.redis.types import WriteStatus
from tests.benchmarks.hearing import Heard
from tests.benchmarks.test_worker_drain import create
from tests.support import oracle
from tests.support import stack as stacks
from tests.support.stack import Stack

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

TENANTS = 16
EACH = 250
ANSWER_MS = 20


async def test_two_workers(tmp_path: Path) -> None:
    rates = {}
    for workers in (1, 2):
        directory = tmp_path / str(workers)
        directory.mkdir()
        async with stacks.running(directory, appendfsync="everysec") as stack:
            await stack.start_gateway()
            rates[workers] = await _drained(stack, workers)
    print(f"\n{TENANTS} tenants with {EACH} new people each, BLDNG answers after {ANSWER_MS} ms")
    print(
        f"one worker {rates[1]:.0f} people/s, two {rates[2]:.0f}: ratio {rates[2] / rates[1]:.2f}"
    )


async def _drained(stack: Stack, workers: int) -> float:
    """People a second, from the first call to the last."""
    heard = stack.state.log = Heard()
    stack.faults.add(Fault(action="delay", delay_ms=ANSWER_MS))
    async with open_stack(stack.redis.url, ack=stack.ack) as redis:
        await _queue(redis)
        await asyncio.gather(*(stack.start_worker() for _ in range(workers)))
        await oracle.drained(redis, within_s=240)
    made = sum(len(stack.state.org(f"org-{number}").users) for number in range(TENANTS))
    assert made == TENANTS * EACH
    return made / (heard.last_s - heard.first_s)


async def _queue(redis: RedisStack) -> None:
    for number in range(TENANTS):
        tenant = await redis.tenants.create(f"t{number}", org=f"org-{number}", now_ms=1)
        writes = (redis.store.write(tenant, create(each)) for each in range(EACH))
        assert {each.status for each in await asyncio.gather(*writes)} == {WriteStatus.OK}
