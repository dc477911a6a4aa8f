"""The fleet's calls: one bucket by Redis' clock, from which no call is granted twice."""

import random

from clients.redis import installation, keys
from clients.redis.budget import Budget
from clients.redis.queue import Queue
from clients.redis.tenants import Tenants
from tests.engine.harness import Engine

BUCKET = keys.budget("bldng.example.com")
CLOCK = BUCKET[:-2] + "now"
START_MS = 1_700_000_000_000
PER_S, BURST = 250, 25


async def bucket(engine: Engine, at_ms: int = START_MS) -> Budget:
    await tick(engine, at_ms)
    return Budget(engine.lane, "bldng.example.com", PER_S)


async def tick(engine: Engine, at_ms: int) -> None:
    await engine.client.set(CLOCK, at_ms)


async def test_a_burst_and_then_the_rate(engine: Engine) -> None:
    budget = await bucket(engine)
    assert (await budget.take(1000)).calls == BURST
    granted = await budget.take(10)
    assert (granted.calls, granted.wait_ms) == (0, 4)
    await tick(engine, START_MS + 22)
    granted = await budget.take(10)
    assert (granted.calls, granted.wait_ms) == (5, 2)


async def test_a_rest_fills_the_bucket_and_no_more(engine: Engine) -> None:
    budget = await bucket(engine)
    await budget.take(BURST)
    await tick(engine, START_MS + 3_600_000)
    assert (await budget.take(1000)).calls == BURST


async def test_takers_share_and_none_is_granted_twice(engine: Engine) -> None:
    first, second = await bucket(engine), await bucket(engine)
    assert (await first.take(20)).calls == 20
    assert (await second.take(20)).calls == 5
    assert (await first.take(1)).calls == 0


async def test_what_was_not_used_is_given_back(engine: Engine) -> None:
    budget = await bucket(engine)
    await budget.take(BURST)
    await budget.give_back(7)
    assert (await budget.take(1000)).calls == 7
    await budget.give_back(1000)
    assert (await budget.take(1000)).calls == BURST, "never more than a full bucket"


async def test_no_span_has_more_than_the_rate_and_one_burst(engine: Engine) -> None:
    dice, budget, now_ms, taken = random.Random(3), await bucket(engine), START_MS, []
    for _ in range(400):
        now_ms += dice.randrange(12)
        await tick(engine, now_ms)
        taken.append((now_ms, (await budget.take(dice.randrange(1, 20))).calls))
    assert sum(calls for _, calls in taken) >= (now_ms - START_MS) * PER_S / 1000
    for begin, (at_ms, _) in enumerate(taken):
        within = sum(calls for when, calls in taken[begin:] if when < at_ms + 1000)
        assert within <= PER_S + BURST


async def test_a_clock_that_was_set_back_does_not_stop_it(engine: Engine) -> None:
    budget = await bucket(engine)
    await budget.take(BURST)
    await tick(engine, START_MS - 3_600_000)
    assert (await budget.take(10)).calls == 0
    await tick(engine, START_MS - 3_600_000 + 40)
    assert (await budget.take(10)).calls == 10


async def test_a_slow_rate_still_grants_one_at_a_time(engine: Engine) -> None:
    await tick(engine, START_MS)
    budget = Budget(engine.lane, "bldng.example.com", 1)
    assert (await budget.take(5)).calls == 1
    assert (await budget.take(5)).wait_ms == 1000
    await tick(engine, START_MS + 999)
    assert (await budget.take(5)).calls == 0
    await tick(engine, START_MS + 1000)
    assert (await budget.take(5)).calls == 1


async def test_a_full_redis_grants_calls_so_that_its_queue_can_drain(engine: Engine) -> None:
    budget = await bucket(engine)
    await budget.take(1)
    await engine.client.config_set("maxmemory", "1")
    try:
        assert (await budget.take(4)).calls == 4
        await budget.give_back(1)
    finally:
        await engine.client.config_set("maxmemory", "0")


async def test_a_bucket_does_not_stay_and_does_not_make_an_empty_redis_foreign(
    engine: Engine,
) -> None:
    budget = await bucket(engine)
    await budget.take(1)
    assert 0 < await engine.client.pttl(BUCKET) <= 60_000
    await engine.client.flushall()
    await tick(engine, START_MS)
    await budget.take(1)
    engine.epoch = await installation.bootstrap(engine.client, partitions=1)
    engine.queue = Queue(engine.lane, engine.epoch)
    engine.tenants = Tenants(engine.lane, engine.epoch)
