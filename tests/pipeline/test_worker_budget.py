"""The budget of calls on BLDNG over real processes: kept in every second, and all arrives."""

from collections.abc import Iterator

import pytest

from clients.redis.budget import SHARE_AT_ONCE
from tests.chaos.scene import Entra, attempts
from tests.support.stack import Stack
from workers.purse import FRESH_S

RATE = 40
PEOPLE = 60
WORKERS = 5
ON_THE_WAY = 2
"""Calls that a busy machine may deliver late, into the next second."""


def busiest_second(arrived_ms: list[int]) -> Iterator[int]:
    """For each call, how many there were in the second that it began."""
    for at, began_ms in enumerate(arrived_ms):
        yield sum(each < began_ms + 1000 for each in arrived_ms[at:])


@pytest.fixture
def entra(stack: Stack) -> Entra:
    return Entra(stack)


async def test_five_workers_keep_one_budget(stack: Stack, entra: Entra) -> None:
    for number in range(PEOPLE):
        await entra.create(f"p{number}")
    workers = [
        stack.spawn_worker(BLDNG_SCIM_BACKEND_RATE=str(RATE), BLDNG_SCIM_LEASE_MS="30000")
        for _ in range(WORKERS)
    ]
    for worker in workers:
        await stack.ready(worker)
    await stack.until_synced(within_s=60)
    await entra.check(within_s=60)
    arrived_ms = sorted(row.at_ms for row in stack.state.log)
    took_s = (arrived_ms[-1] - arrived_ms[0]) / 1000
    most = max(busiest_second(arrived_ms))
    assert len(arrived_ms) >= 3 * PEOPLE, "look-ups and creates"
    assert most <= RATE * (1 + SHARE_AT_ONCE + FRESH_S) + ON_THE_WAY, took_s
    assert took_s < 3 * len(arrived_ms) / RATE, "what may be sent is sent"
    outcomes = [each["outcome"] for worker in workers for each in attempts(worker)]
    assert outcomes.count("ok") >= PEOPLE
    assert set(outcomes) <= {"ok", "release"}
    assert len({worker.pid for worker in workers if list(attempts(worker))}) > 1
