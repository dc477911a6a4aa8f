"""A full Redis: growing calls are refused whole, everything that drains goes on."""

from collections.abc import AsyncIterator

import pytest

from clients.redis import types
from clients.redis.types import Outcome, SettleStatus, WriteStatus
from tests.engine import invariants
from tests.engine.harness import LEASE_MS, Engine


@pytest.fixture
async def full(engine: Engine) -> AsyncIterator[Engine]:
    """An engine with work in every state, and no memory left."""
    for number in range(8):
        await engine.create(f"u:{number}", un=f"n{number}")
    for _ in range(2):
        await engine.sync()
    await engine.settle(await engine.claim_one(), Outcome.DEAD)
    await engine.claim_one()
    await engine.client.config_set("maxmemory", "1")
    yield engine
    await engine.client.config_set("maxmemory", "0")


async def test_growing_writes_are_refused_whole(full: Engine) -> None:
    before = await full.dump()
    with pytest.raises(types.RedisFull):
        await full.create("u:9", un="n9", em="m")
    with pytest.raises(types.RedisFull):
        await full.update("u:0", un="other", em="m")
    assert await full.dump() == before


async def test_deletions_are_accepted(full: Engine) -> None:
    assert (await full.delete("u:0")).status is WriteStatus.OK
    assert await full.store.read(full.tenant, ["u:0"]) == [None]


async def test_a_deactivation_is_accepted_and_another_change_is_not(full: Engine) -> None:
    left = await full.update("u:0", lane=types.Lane.SECURITY, un="n0", en="7")
    assert left.status is WriteStatus.OK
    with pytest.raises(types.RedisFull):
        await full.update("u:1", un="other")
    assert await invariants.broken(full) == []


async def test_a_leaver_beyond_the_guards_limit_is_accepted_and_released(full: Engine) -> None:
    await full.client.config_set("maxmemory", "0")
    await full.queue.set_guard(full.tenant, types.Guard(1, 60_000))
    await full.client.config_set("maxmemory", "1")
    left = [await full.update(rk, lane=types.Lane.SECURITY, un="n" + rk) for rk in ("u:0", "u:1")]
    assert [each.held for each in left] == [False, True]
    assert (await full.delete("u:1")).held
    assert await full.queue.replay(full.tenant, ["u:1"]) == 1
    assert await invariants.broken(full) == []


async def test_the_queue_drains(full: Engine) -> None:
    items = (await full.claim(3)).items
    assert len(items) == 3
    assert await full.queue.beat(0, items, LEASE_MS) == ()
    assert (await full.ok(items[0])).status is SettleStatus.SYNCED
    retried = await full.settle(items[1], Outcome.RETRY, counted=True, delay_ms=10)
    assert retried.status is SettleStatus.RETRY
    assert (await full.settle(items[2], Outcome.PARK, hold_ms=10)).status is SettleStatus.PARKED
    assert await full.queue.replay(full.tenant, ["u:2"]) == 1
    assert await full.queue.resync(full.tenant, "u:1")
    await full.client.config_set("maxmemory", "0")
    await full.advance(LEASE_MS)
    await full.client.config_set("maxmemory", "1")
    assert (await full.claim()).reaped == 1
    assert (await full.claim()).items != ()
    assert await full.queue.recover(0, f"boot.{full.serial}") > 0
    assert await invariants.broken(full) == []


async def test_who_joins_is_refused_whole_and_who_leaves_is_let_go(engine: Engine) -> None:
    await engine.create("g:1", title="x")
    await engine.join("g:1", *(f"m{number}" for number in range(600)))
    await engine.client.config_set("maxmemory", "1")
    try:
        before = await engine.dump()
        with pytest.raises(types.RedisFull):
            await engine.join("g:1", "late", "later")
        with pytest.raises(types.RedisFull):
            await engine.replace("g:1", "late")
        assert await engine.dump() == before
        assert (await engine.leave("g:1", "m0", "m1")).status is WriteStatus.OK
        assert (await engine.ok(await engine.claim_one())).status is SettleStatus.SYNCED
        assert (await engine.delete("g:1")).status is WriteStatus.OK
        while await engine.members.sweep(0):
            pass
    finally:
        await engine.client.config_set("maxmemory", "0")
