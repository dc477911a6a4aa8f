"""Suspects: whoever may have killed workers is tried alone, so that nobody dies with it."""

import random

import pytest

from clients.redis.types import Lane
from tests.engine.harness import BLOCK_MS, LEASE_MS, SETTLE_MS, Engine, tenant_key

SUSPECTS = "sg:{p0}:sus"


async def crash(engine: Engine) -> None:
    """The process that holds everything dies; its leases run out."""
    await engine.advance(LEASE_MS)
    while (await engine.claim(0)).reaped:
        pass


async def suspect(engine: Engine, rk: str, *, known: bool = True, **values: str) -> None:
    """A person over whom two workers died."""
    await engine.create(rk, un=rk, **values)
    if known:
        (item,) = (await engine.claim()).items
        await engine.ok(item, f"usr_{rk}")
        await engine.update(rk, title="new")
    for _ in range(2):
        (item,) = (await engine.claim()).items
        await crash(engine)
        await engine.advance(0 if known else SETTLE_MS)
    assert (await engine.state(rk)).crashes == 2


async def test_a_suspect_is_leased_with_nobody_else(engine: Engine) -> None:
    await suspect(engine, "u:1")
    await suspect(engine, "u:2")
    await engine.create("u:3", un="cid")
    claim = await engine.claim()
    assert ([item.rk for item in claim.items], claim.suspects) == (["u:3"], 2)
    assert (await engine.claim_alone()).rk == "u:1"
    assert (await engine.claim()).suspects == 1
    assert (await engine.claim_alone()).rk == "u:2"
    assert await engine.claim(alone=True) == await engine.claim()


async def test_only_suspects_are_leased_alone(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    assert (await engine.claim(alone=True)).items == ()
    await engine.claim_one()
    await crash(engine)
    await engine.advance(SETTLE_MS)
    assert (await engine.claim_one()).crashes == 1


async def test_who_waits_to_be_tried_keeps_nobody_awake(engine: Engine) -> None:
    await suspect(engine, "u:1")
    assert (await engine.claim()).idle_ms == BLOCK_MS


async def test_a_suspect_that_succeeds_is_none_any_more(engine: Engine) -> None:
    await suspect(engine, "u:1")
    await engine.claim()
    await engine.ok(await engine.claim_alone())
    await engine.update("u:1", title="newer")
    assert (await engine.claim_one()).crashes == 0
    assert await engine.client.exists(SUSPECTS) == 0


async def test_a_suspect_waits_for_its_unanswered_create(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    await engine.claim_one()
    await crash(engine)
    await engine.advance(SETTLE_MS)
    await engine.claim_one()
    await crash(engine)
    assert (await engine.claim()).suspects == 0
    assert (await engine.claim(alone=True)).items == ()
    await engine.advance(SETTLE_MS)
    assert (await engine.claim()).suspects == 1
    assert (await engine.claim_alone()).rk == "u:1"


async def test_a_suspect_that_kills_alone_dies_alone(engine: Engine) -> None:
    await suspect(engine, "u:1")
    for _ in range(3):
        assert (await engine.claim()).suspects == 1
        await engine.claim_alone()
        await crash(engine)
    state = await engine.state("u:1")
    assert (state.state, state.error_code, state.crashes) == ("D", "crashloop", 5)


async def test_a_suspect_whose_worker_forgot_it_is_tried_in_the_end(engine: Engine) -> None:
    await suspect(engine, "u:1")
    await engine.claim()
    await engine.client.delete(SUSPECTS)
    await engine.advance(BLOCK_MS)
    assert (await engine.claim()).suspects == 1


@pytest.mark.parametrize("switch", ["pause", "hold"])
async def test_a_tenant_at_rest_keeps_its_suspects(engine: Engine, switch: str) -> None:
    await suspect(engine, "u:1")
    mine, other = engine.tenant, await engine.add_tenant("beta")
    engine.tenant = other
    await suspect(engine, "u:2")
    engine.tenant = mine
    assert (await engine.claim()).suspects == 2
    if switch == "pause":
        await engine.queue.pause(mine, "test")
    else:
        await engine.queue.hold(mine, 5000, "test")
    assert (await engine.claim_alone()).rk == "u:2"
    assert (await engine.claim()).suspects == 0
    await engine.queue.resume(mine)
    assert (await engine.claim()).suspects == 1
    assert (await engine.claim_alone()).rk == "u:1"


async def test_a_full_tenant_keeps_its_suspects(engine: Engine) -> None:
    await suspect(engine, "u:1")
    await engine.claim()
    await engine.client.hset(tenant_key("ctl"), "cap", 1)
    await engine.create("u:2", un="bob")
    busy = await engine.claim_one()
    assert (await engine.claim(alone=True)).items == ()
    await engine.ok(busy)
    assert (await engine.claim()).suspects == 1
    assert (await engine.claim_alone()).rk == "u:1"


async def test_a_newer_write_of_a_suspect_is_tried_alone_too(engine: Engine) -> None:
    await suspect(engine, "u:1")
    await engine.claim()
    await engine.update("u:1", title="newest")
    claim = await engine.claim()
    assert (claim.items, claim.suspects) == ((), 1)
    item = await engine.claim_alone()
    assert item.version == 3
    await engine.ok(item)


async def test_a_deleted_suspect_is_still_deleted(engine: Engine) -> None:
    await suspect(engine, "u:1")
    await engine.claim()
    await engine.delete("u:1")
    await engine.claim()
    item = await engine.claim_alone()
    assert item.deleted
    await engine.ok(item)
    assert await engine.client.exists(SUSPECTS) == 0


async def test_security_goes_first_among_suspects(engine: Engine) -> None:
    await suspect(engine, "u:1")
    await suspect(engine, "u:2")
    await engine.claim()
    await engine.advance(1000)
    await engine.update("u:2", lane=Lane.SECURITY, title="off")
    await engine.claim()
    assert (await engine.claim_alone()).rk == "u:2"


async def test_who_was_replayed_is_forgotten(engine: Engine) -> None:
    """What is noted of somebody who is no suspect any more vanishes by itself."""
    await suspect(engine, "u:1")
    await engine.claim()
    await engine.client.hset(tenant_key("s:u:1"), "cr", 0)
    claim = await engine.claim(alone=True)
    assert (claim.items, claim.suspects) == ((), 0)
    assert await engine.client.exists(SUSPECTS) == 0


async def test_who_was_replayed_keeps_its_settle_delay(engine: Engine) -> None:
    """A note from before the replay is no reason to look before its next create can be seen."""
    await suspect(engine, "u:1", known=False)
    await engine.claim()
    await engine.client.hset(tenant_key("s:u:1"), "cr", 0)
    await engine.advance(BLOCK_MS)
    await engine.claim_one()
    await crash(engine)
    await engine.advance(SETTLE_MS)
    await engine.claim_one()
    await crash(engine)
    assert (await engine.claim(alone=True)).items == ()


async def test_a_repair_lets_claims_find_suspects_again(engine: Engine) -> None:
    await suspect(engine, "u:1")
    await engine.claim()
    assert await engine.queue.audit(engine.tenant) == []
    await engine.queue.audit(engine.tenant, repair=True)
    assert (await engine.claim()).suspects == 1
    assert (await engine.claim_alone()).rk == "u:1"


@pytest.mark.parametrize("seed", range(8))
async def test_the_innocent_never_die(engine: Engine, seed: int) -> None:
    """Whole processes die over several poison people, until those are dead: and nobody else."""
    dice = random.Random(seed)
    people = [f"u:{number}" for number in range(24)]
    poison = set(dice.sample(people, 3))
    for rk in people:
        await engine.create(rk, un=rk)
    for _ in range(400):
        claim = await engine.claim(dice.randint(1, 16))
        if claim.suspects and dice.random() < 0.5:
            claim = await engine.claim(alone=True)
        items = list(claim.items)
        dice.shuffle(items)
        while items and items[0].rk not in poison:
            await engine.ok(items.pop(0), f"usr_{dice.random()}")
        await crash(engine) if items else await engine.advance(SETTLE_MS)
    states = {rk: await engine.state(rk) for rk in people}
    assert {rk for rk, state in states.items() if state.state == "D"} == poison
    assert {state.crashes for rk, state in states.items() if rk in poison} == {5}
    assert {(s.state, s.crashes) for rk, s in states.items() if rk not in poison} == {("S", 0)}
