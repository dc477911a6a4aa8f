"""Breaker, hold and pause: an outage parks a tenant at once and lets one probe through."""

from clients.redis.types import Claimed, Outcome, Settled, Signal
from tests.engine.harness import Engine


async def crowd(engine: Engine, number: int) -> None:
    for each in range(number):
        await engine.create(f"u:{each}", un=f"n{each}")


async def fault(engine: Engine, item: Claimed, jitter: float = 0.999) -> Settled:
    return await engine.settle(
        item, Outcome.RETRY, signal=Signal.FAULT, counted=True, delay_ms=1000, jitter=jitter
    )


async def opened(engine: Engine, number: int = 20) -> None:
    """A tenant whose breaker has just opened on its fifth fault."""
    await crowd(engine, number)
    for _ in range(5):
        await fault(engine, await engine.claim_one())


async def test_five_faults_in_a_row_hold_the_tenant(engine: Engine) -> None:
    await opened(engine)
    assert (await engine.claim()).items == ()
    depths = (await engine.queue.depths([0]))["acme"]
    assert (depths.parked, depths.ready, depths.delayed) == (15, 0, 5)


async def test_a_success_between_keeps_it_closed(engine: Engine) -> None:
    await crowd(engine, 20)
    for number in range(12):
        item = await engine.claim_one()
        if number % 4 == 3:
            await engine.ok(item)
        else:
            await fault(engine, item)
    assert len((await engine.claim()).items) > 1


async def test_the_hold_is_spread_by_the_jitter_and_grows(engine: Engine) -> None:
    await crowd(engine, 20)
    for _ in range(4):
        await fault(engine, await engine.claim_one(), jitter=0.0)
    hold_ms = 0
    for expected in (2500, 5000, 10_000, 20_000, 40_000, 80_000, 150_000, 150_000):
        await engine.advance(hold_ms)
        hold_ms = (await fault(engine, await engine.claim_one(), jitter=0.0)).ready_ms
        assert hold_ms == expected
        await engine.advance(hold_ms - 1)
        assert (await engine.claim()).items == ()
        hold_ms = 1


async def test_half_open_lets_one_probe_through(engine: Engine) -> None:
    await opened(engine)
    await engine.advance(5000)
    assert len((await engine.claim()).items) == 1
    assert (await engine.claim()).items == ()


async def test_after_a_good_probe_it_starts_slowly(engine: Engine) -> None:
    await opened(engine, 60)
    await engine.advance(5000)
    widths = []
    for _ in range(6):
        items = (await engine.claim()).items
        widths.append(len(items))
        for item in items:
            await engine.ok(item)
    assert widths == [1, 1, 2, 4, 8, 16]


async def test_faults_under_way_when_it_opened_do_not_open_it_further(engine: Engine) -> None:
    await crowd(engine, 20)
    items = (await engine.claim(16)).items
    settled = [await fault(engine, item, jitter=0.0) for item in items]
    assert settled[-1].ready_ms == 2500


async def test_a_throttled_tenant_waits_and_halves(engine: Engine) -> None:
    await crowd(engine, 40)
    item = await engine.claim_one()
    await engine.settle(item, Outcome.PARK, signal=Signal.THROTTLE, hold_ms=7000)
    await engine.advance(6999)
    assert (await engine.claim()).items == ()
    await engine.advance(1)
    assert len((await engine.claim()).items) == 8


async def test_throttles_of_one_moment_halve_once(engine: Engine) -> None:
    await crowd(engine, 40)
    for item in (await engine.claim(16)).items:
        await engine.settle(item, Outcome.PARK, signal=Signal.THROTTLE, hold_ms=7000)
    await engine.advance(7000)
    assert len((await engine.claim()).items) == 8


async def test_after_a_throttle_the_cap_grows_by_one_per_cap_successes(engine: Engine) -> None:
    await crowd(engine, 60)
    item = await engine.claim_one()
    await engine.settle(item, Outcome.PARK, signal=Signal.THROTTLE, hold_ms=7000)
    await engine.advance(7000)
    widths = []
    for _ in range(3):
        items = (await engine.claim()).items
        widths.append(len(items))
        for each in items:
            await engine.ok(each)
    assert widths == [8, 9, 10]


async def test_a_success_under_way_when_it_opened_does_not_close_it(engine: Engine) -> None:
    await crowd(engine, 20)
    *faulty, good = (await engine.claim(6)).items
    for item in faulty:
        await fault(engine, item)
    assert (await engine.ok(good)).ready_ms > 0
    await engine.advance(5000)
    assert len((await engine.claim()).items) == 1


async def test_a_wrong_configuration_is_probed_one_at_a_time(engine: Engine) -> None:
    await crowd(engine, 10)
    item = await engine.claim_one()
    await engine.settle(item, Outcome.PARK, signal=Signal.CONFIG, hold_ms=60_000)
    await engine.advance(60_000)
    (probe,) = (await engine.claim()).items
    await engine.ok(probe)
    assert len((await engine.claim()).items) == 1
    assert (await engine.state("u:0")).failures == 0


async def test_a_hold_is_never_shortened(engine: Engine) -> None:
    await crowd(engine, 2)
    first, second = (await engine.claim()).items
    await engine.settle(first, Outcome.PARK, hold_ms=9000)
    assert (await engine.settle(second, Outcome.PARK, hold_ms=10)).ready_ms == 9000
    await engine.queue.hold(engine.tenant, 5, "operator")
    assert (await engine.claim()).idle_ms == 9000


async def test_pause_lets_the_leased_finish_and_resume_loses_nothing(engine: Engine) -> None:
    await crowd(engine, 3)
    item = await engine.claim_one()
    await engine.queue.pause(engine.tenant, "maintenance")
    assert (await engine.claim()).items == ()
    await engine.ok(item)
    await engine.create("u:9", un="n9")
    assert (await engine.claim()).items == ()
    depths = (await engine.queue.depths([0]))["acme"]
    assert (depths.parked, depths.ready, depths.running) == (3, 0, 0)
    await engine.queue.resume(engine.tenant)
    assert len((await engine.claim()).items) == 3


async def test_resume_closes_the_breaker(engine: Engine) -> None:
    await opened(engine)
    await engine.queue.resume(engine.tenant)
    assert len((await engine.claim()).items) == 15


async def test_a_paused_tenant_is_not_ready(engine: Engine) -> None:
    await crowd(engine, 1)
    await engine.queue.pause(engine.tenant, "maintenance")
    assert (await engine.claim()).idle_ms == -1
    await engine.queue.resume(engine.tenant)
    assert (await engine.claim_one()).rk == "u:0"
