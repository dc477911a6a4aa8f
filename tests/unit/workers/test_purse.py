"""Paying for calls: before a claim, while working, and when there are none."""

import asyncio
from dataclasses import dataclass, field

import pytest

from clients.bldng.errors import Unbudgeted
from clients.redis.budget import Granted
from clients.redis.types import RedisUnavailable
from tests.support.waiting import eventually
from workers.purse import BATCH, Purse


@dataclass
class Bucket:
    """Grants what it holds; `asked` and `returned` say what was wanted of it."""

    calls: int
    wait_ms: int = 20
    asked: list[int] = field(default_factory=list)
    returned: int = 0
    broken: bool = False

    async def take(self, calls: int) -> Granted:
        if self.broken:
            raise RedisUnavailable("gone")
        self.asked.append(calls)
        granted = min(calls, self.calls)
        self.calls -= granted
        return Granted(granted, 0 if self.calls else self.wait_ms)

    async def give_back(self, calls: int) -> None:
        if self.broken:
            raise RedisUnavailable("gone")
        self.returned += calls


@dataclass
class Clock:
    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


def purse_of(bucket: Bucket | None, clock: Clock | None = None) -> Purse:
    return Purse(bucket, clock=clock or Clock(), dice=lambda: 0.5)


async def test_without_a_budget_everything_is_free() -> None:
    purse = purse_of(None)
    assert await purse.reserve(500) == 500
    purse.claimed()
    await purse.release(400)
    for _ in range(1000):
        await purse.pay(0)
    assert purse.dry_s() == 0


async def test_the_first_call_of_what_is_claimed_is_paid_before() -> None:
    bucket = Bucket(3)
    purse = purse_of(bucket)
    assert await purse.reserve(8) == 3
    for _ in range(2):
        purse.claimed()
    await purse.release(1)
    assert (bucket.calls, bucket.returned) == (0, 1)
    await purse.pay(0.01)
    await purse.pay(0.01)
    assert bucket.asked == [8], "both were paid for"
    with pytest.raises(Unbudgeted):
        await purse.pay(0.01)


async def test_a_claim_takes_no_more_than_a_batch() -> None:
    bucket = Bucket(1000)
    assert await purse_of(bucket).reserve(64) == BATCH


async def test_without_calls_nothing_is_asked_before_some_are_due() -> None:
    bucket, clock = Bucket(0, wait_ms=2000), Clock()
    purse = purse_of(bucket, clock)
    assert await purse.reserve(4) == 0
    assert 2.0 <= purse.dry_s() <= 2.5
    assert await purse.reserve(4) == 0
    assert bucket.asked == [4]
    clock.now_s += 2.5
    bucket.calls = 4
    assert await purse.reserve(4) == 4


async def test_a_further_call_waits_its_turn_and_nothing_is_claimed_meanwhile() -> None:
    bucket = Bucket(0)
    loop = asyncio.get_running_loop()
    purse = Purse(bucket, clock=loop.time, dice=lambda: 0.5)
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(purse.pay(5)) for _ in range(5)]
        await eventually(lambda: bucket.asked)
        assert purse.dry_s() > 0
        assert await purse.reserve(4) == 0
        bucket.calls = 5
    assert all(call.done() for call in calls)
    assert bucket.calls == 0
    assert max(bucket.asked) == 5, "who waits is asked for together"
    bucket.calls = 4
    assert await purse.reserve(4) in {0, 4}


async def test_what_was_paid_for_a_claim_does_not_keep() -> None:
    bucket, clock = Bucket(4), Clock()
    purse = purse_of(bucket, clock)
    assert await purse.reserve(4) == 4
    for _ in range(4):
        purse.claimed()
    clock.now_s += 5
    bucket.calls = 1
    await purse.pay(0.01)
    assert bucket.asked == [4, 1]


async def test_without_redis_nothing_is_sent() -> None:
    bucket = Bucket(4, broken=True)
    purse = purse_of(bucket)
    assert await purse.reserve(4) == 0
    await purse.release(4)
    with pytest.raises(Unbudgeted):
        await purse.pay(0.01)
