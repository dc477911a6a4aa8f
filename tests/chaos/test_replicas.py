"""P-10: three gateways and three workers, any of which is killed at any time.

There is no leader whose death would matter. Requests that meet a death have no answer, and the
oracle knows how each may have ended; whatever was acknowledged must hold.
"""

import asyncio
import random
import time

import pytest

from clients.bldng.sandbox.state import Modes
from tests.chaos.scene import passed
from tests.support import oracle
from tests.support.stack import Process, Stack
from tests.support.traffic import Balancer, flowing

REPLICAS = 3


@pytest.mark.parametrize(
    "for_s",
    [
        pytest.param(12, id="short"),
        pytest.param(300, id="whole", marks=(pytest.mark.long, pytest.mark.timeout(900))),
    ],
)
async def test_any_gateway_and_any_worker_may_die(for_s: float, bare: Stack) -> None:
    """Acknowledged writes hold, nobody is doubled, and each person ends in the last state."""
    bare.state.modes = Modes(uniqueness=False, idempotency=False)
    balancer = Balancer(bare, [await bare.start_gateway() for _ in range(REPLICAS)])
    workers = [await bare.start_worker() for _ in range(REPLICAS)]
    await balancer.check()
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(balancer.watch())
        async with flowing(bare, balancer.target) as traffic:
            kills = await _kill_for(for_s, bare, balancer.gateways, workers)
        watching.cancel()
    answered = [
        each for lane in traffic.lanes for each in lane.statuses if each in {200, 201, 204}
    ]
    assert kills >= for_s / 6
    assert len(answered) > traffic.requests / 2, traffic.failures[:5]
    assert len(traffic.journal.people) > REPLICAS
    await oracle.check(bare, traffic.journal, within_s=60)


async def _kill_for(
    seconds: float, stack: Stack, gateways: list[Process], workers: list[Process]
) -> int:
    """Kill and replace one of all, chosen by seeded dice, again and again; how often."""
    dice, kills, until_s = random.Random(10), 0, time.monotonic() + seconds
    while time.monotonic() < until_s:
        await passed(dice.uniform(0.2, 0.8))
        kind = dice.choice((gateways, workers))
        place = dice.randrange(REPLICAS)
        await asyncio.to_thread(kind[place].kill)
        start = stack.start_gateway if kind is gateways else stack.start_worker
        kind[place] = await start()
        kills += 1
    return kills
