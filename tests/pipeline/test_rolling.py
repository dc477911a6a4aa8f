"""Restarts under load: no request fails, nothing is lost and nothing reaches BLDNG twice.

The clients keep their connections and repeat nothing. Leases last a minute here, so that whatever
a worker left to its lease's end would be late.
"""

import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path

from tests.support import oracle
from tests.support.stack import Process, Stack, lines, running
from tests.support.traffic import Balancer, Traffic, doubled, flowing
from tests.support.waiting import eventually

DRAIN = {"BLDNG_SCIM_DRAIN_DELAY_S": "0.7", "BLDNG_SCIM_LEASE_MS": "60000"}
"""Longer than a lane pauses, so that each hears of the end, and than a balancer's look."""

START_S = 60.0
"""Seconds that a whole round of new processes may take on a busy machine."""


async def verdict(stack: Stack, traffic: Traffic) -> None:
    """Nobody was refused, lost or doubled; 50 requests a second is what was asked for."""
    assert not traffic.failures, traffic.failures[:5]
    assert not doubled(stack.state)
    await oracle.check(stack, traffic.journal, within_s=20)
    assert not doubled(stack.state)
    assert traffic.per_second > 25, "the machine is too slow to show anything"


async def test_sighup_replaces_processes_without_a_failed_request(tmp_path: Path) -> None:
    async with running(tmp_path) as stack:
        gateway = await stack.start_gateway("--processes", "2", **DRAIN)
        await stack.start_worker(**DRAIN)
        async with flowing(stack, lambda: stack.base_url) as traffic:
            for times in range(1, 4):
                gateway.signal(signal.SIGHUP)
                await until_replaced(gateway, times)
        assert len(list(lines(gateway, "gateway_stopped"))) == 6
        assert await asyncio.to_thread(gateway.stop) == 0
        await verdict(stack, traffic)


async def until_replaced(gateway: Process, times: int) -> None:
    """Wait until all processes were replaced so often."""

    def reached() -> bool:
        return len(list(lines(gateway, "processes_replaced"))) >= times

    await eventually(reached, within_s=START_S, every_s=0.2)


async def test_gateways_and_workers_are_replaced_behind_a_balancer(tmp_path: Path) -> None:
    async with running(tmp_path) as stack:
        balancer = Balancer(stack, [await stack.start_gateway(**DRAIN) for _ in range(3)])
        workers = [await stack.start_worker(**DRAIN) for _ in range(2)]
        await balancer.check()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(balancer.watch())
            async with flowing(stack, balancer.target) as traffic:
                for old in list(balancer.gateways):
                    worker = workers.pop(0)
                    workers.append(await stack.start_worker(**DRAIN))
                    balancer.gateways.append(await stack.start_gateway(**DRAIN))
                    await ended([old, worker])
                    balancer.gateways.remove(old)
            watching.cancel()
        await verdict(stack, traffic)


async def ended(processes: Sequence[Process]) -> None:
    """Stop them together; each ends in order."""
    for each in processes:
        each.signal(signal.SIGTERM)
    assert [await asyncio.to_thread(each.wait) for each in processes] == [0] * len(processes)
