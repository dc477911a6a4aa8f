"""How a worker ends when it is told to: in time whatever Redis does, and at once when told twice.

F09 and F10 (`test_workers`) are the stops that go well.
"""

import asyncio
import os
import signal
import time

import pytest

from clients.bldng.sandbox.faults import Fault
from tests.chaos.scene import BUSY_S, USERS, Entra, looking
from tests.support.stack import Process, Stack, lines
from tests.support.waiting import eventually

RELEASE_S = 3.0
"""How long a worker may take to give back what it did not finish (`Pace.release_s`)."""


async def busy(stack: Stack, entra: Entra, worker: Process) -> str:
    """The worker has a person in hand whose look-up never ends; their SCIM id."""
    stack.faults.add(Fault(action="hang", method="GET", path=USERS))
    joy = await entra.create("joy")
    async with looking(stack) as look:
        await look.until(joy, "L")
    assert worker.running
    return joy


async def test_a_second_signal_ends_a_worker_at_once_and_its_lease_heals(
    stack: Stack, entra: Entra
) -> None:
    worker = await stack.start_worker()
    await busy(stack, entra, worker)
    worker.signal(signal.SIGTERM)
    await eventually(lambda: list(lines(worker, "worker_draining")))
    began_s = time.monotonic()
    worker.signal(signal.SIGTERM)
    assert await asyncio.to_thread(worker.wait, 10) == -signal.SIGTERM
    assert time.monotonic() - began_s < BUSY_S
    stack.faults.clear()
    await stack.start_worker()
    await entra.check()


@pytest.mark.parametrize("trouble", [signal.SIGKILL, signal.SIGSTOP], ids=["dead", "mute"])
@pytest.mark.parametrize("in_hand", [False, True], ids=["idle", "busy"])
async def test_a_worker_ends_without_redis(
    trouble: signal.Signals, *, in_hand: bool, stack: Stack, entra: Entra
) -> None:
    """A minute's lease must not keep it; what it had in hand is left to that lease."""
    worker = await stack.start_worker(BLDNG_SCIM_LEASE_MS="60000", BLDNG_SCIM_DRAIN_TIMEOUT_S="1")
    if in_hand:
        await busy(stack, entra, worker)
    os.kill(stack.redis.pid or 0, trouble)
    began_s = time.monotonic()
    assert await asyncio.to_thread(worker.stop) == 0
    took_s = time.monotonic() - began_s
    assert took_s < (1 + RELEASE_S if in_hand else 0) + BUSY_S, took_s
