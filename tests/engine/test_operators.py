"""STATE, DEPTHS, AUDIT: what operators see, and what mends a damaged queue."""

from clients.redis import queue as queues
from clients.redis.operations import Operations
from clients.redis.types import Depths, Outcome
from clients.redis.views import Pause
from tests.engine import invariants
from tests.engine.harness import BLOCK_MS, LEASE_MS, START_MS, Engine, tenant_key


async def hold_back(engine: Engine, rk: str) -> None:
    """Put a resource where the mass-change guard would."""
    await engine.client.hset(tenant_key(f"s:{rk}"), "st", "H")
    await engine.queue.audit(engine.tenant, repair=True)


async def test_depths_are_exact(engine: Engine) -> None:
    for number in range(6):
        await engine.create(f"u:{number}", un=f"n{number}")
    await hold_back(engine, "u:5")
    await engine.advance(250)
    leased, retried, dead, done = (await engine.claim(4)).items
    await engine.settle(retried, Outcome.RETRY, delay_ms=9000)
    await engine.settle(dead, Outcome.DEAD)
    await engine.ok(done)
    expected = Depths(
        ready=1,
        delayed=1,
        running=1,
        parked=0,
        held=1,
        dead=1,
        oldest_unsynced_ms=250,
        resources=6,
    )
    depths = await engine.queue.depths([0])
    assert depths == {"acme": expected}
    assert queues.total(depths.values()) == expected
    await engine.ok(leased)


async def test_tenants_without_work_are_not_listed(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    await engine.sync()
    assert await engine.queue.depths([0]) == {}
    assert queues.total([]) == Depths()


async def test_what_is_held_stays_held_until_replayed(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    await hold_back(engine, "u:1")
    assert (await engine.claim()).items == ()
    await engine.update("u:1", title="new")
    assert (await engine.state("u:1")).state == "H"
    assert (await engine.claim()).items == ()
    assert await engine.queue.replay(engine.tenant, ["u:1"]) == 1
    assert (await engine.claim_one()).version == 2


async def test_a_paused_fleet_claims_nothing_and_still_reaps(engine: Engine) -> None:
    operations = Operations(engine.lane, engine.epoch)
    await engine.create("u:1", un="ann")
    await engine.claim_one()
    await engine.create("u:2", un="bob")
    await operations.pause_fleet([0], "BLDNG moves house", who="joy")
    await engine.advance(LEASE_MS)

    assert (await engine.claim()).reaped == 1
    await engine.advance(BLOCK_MS)
    claim = await engine.claim()

    assert (claim.items, claim.idle_ms) == ((), -1)
    assert (await engine.queue.depths([0]))["acme"].parked == 2
    paused = (await operations.switches(engine.tenant)).fleet_pause
    assert paused == Pause(since_ms=START_MS, who="joy", reason="BLDNG moves house")

    await operations.resume_fleet([0], "done", who="joy")
    assert {item.rk for item in (await engine.claim()).items} == {"u:1", "u:2"}


async def test_an_unknown_resource_has_no_state(engine: Engine) -> None:
    assert await engine.queue.state(engine.tenant, "u:none") is None


async def test_the_audit_finds_and_mends_every_damaged_place(engine: Engine) -> None:
    for number in range(6):
        await engine.create(f"u:{number}", un=f"n{number}")
    leased, dead, done = (await engine.claim(3)).items
    await engine.settle(dead, Outcome.DEAD)
    await engine.ok(done)
    client = engine.client
    damages = [
        client.zrem(tenant_key("q"), "u:4"),
        client.zrem(tenant_key("fd"), "u:4"),
        client.zadd(tenant_key("q"), {done.rk: 1}),
        client.zrem(tenant_key("dead"), dead.rk),
        client.zrem("sg:{p0}:l", f"acme/{leased.rk}"),
        client.zadd("sg:{p0}:l", {f"acme/{done.rk}": 1}),
        client.hset("sg:{p0}:if", "acme", "7"),
        client.hset("sg:{p0}:dirty", "acme", "9"),
        client.zrem("sg:{p0}:r", "acme"),
        client.zadd(tenant_key("fd"), {"u:ghost": 1}),
    ]
    for damage in damages:
        await damage
        assert await engine.queue.audit(engine.tenant) != []
        await engine.queue.audit(engine.tenant, repair=True)
        assert await invariants.broken(engine) == []
