"""CLAIM, BEAT, RECOVER: leases, fairness, and coming back from crashes."""

from clients.redis.types import Change, Outcome, Signal
from tests.engine.harness import LEASE_MS, SETTLE_MS, Engine, doc_of


async def crowd(engine: Engine, name: str, number: int) -> None:
    tenant = await engine.add_tenant(name)
    for each in range(number):
        change = Change(op="C", rk=f"u:{each}", nonce=engine.fresh("n"), doc=doc_of({}))
        await engine.store.write(tenant, change)


async def test_a_claim_carries_the_newest_state(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    await engine.update("u:1", title="new")
    item = await engine.claim_one()
    assert item.doc == doc_of({"un": "ann", "title": "new"})
    assert (item.version, item.applied_version, item.claim) == (2, 0, 1)
    assert (item.cause, item.first_dirty_ms) == ("cause-update", engine.now_ms)
    assert (item.backend_id, item.force, item.deleted) == ("", False, False)


async def test_a_claim_carries_what_the_backend_was_last_given(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    await engine.settle(
        await engine.claim_one(),
        Outcome.OK,
        backend_id="usr_1",
        managed=5,
        applied_digest="abc",
    )
    await engine.delete("u:1")
    item = await engine.claim_one()
    assert (item.backend_id, item.managed, item.applied_digest) == ("usr_1", 5, "abc")
    assert item.deleted


async def test_what_is_leased_is_not_given_twice(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    await engine.claim_one()
    assert (await engine.claim()).items == ()


async def test_an_idle_claim_says_how_long(engine: Engine) -> None:
    assert (await engine.claim()).idle_ms == -1
    await engine.create("u:1", un="ann")
    item = await engine.claim_one()
    assert (await engine.claim()).idle_ms == LEASE_MS
    await engine.settle(item, Outcome.RETRY, delay_ms=4000)
    assert (await engine.claim()).idle_ms == 4000


async def test_an_expired_lease_returns_after_the_settle_delay_of_a_create(
    engine: Engine,
) -> None:
    await engine.create("u:1", un="ann")
    await engine.claim_one()
    await engine.advance(LEASE_MS - 1)
    assert (await engine.claim()).reaped == 0
    await engine.advance(1)
    assert (await engine.claim()).reaped == 1
    state = await engine.state("u:1")
    assert (state.state, state.due_ms, state.crashes) == ("R", engine.now_ms + SETTLE_MS, 1)


async def test_an_expired_lease_of_a_known_record_returns_at_once(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    await engine.sync()
    await engine.update("u:1", title="new")
    await engine.claim_one()
    await engine.advance(LEASE_MS)
    assert (await engine.claim()).reaped == 1
    assert (await engine.claim_one()).crashes == 1


async def test_a_resource_that_kills_workers_is_set_aside(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    await engine.create("u:2", un="bob")
    for crashes in range(5):
        await engine.advance(SETTLE_MS)
        for item in (await engine.claim()).items:
            if item.rk == "u:2":
                await engine.ok(item)
        if crashes >= 2:
            await engine.claim_alone()
        await engine.advance(LEASE_MS)
        assert (await engine.claim()).reaped == 1
    state = await engine.state("u:1")
    assert (state.state, state.error_code, state.crashes) == ("D", "crashloop", 5)
    assert (await engine.state("u:2")).state == "S"


async def test_reaping_is_bounded(engine: Engine) -> None:
    for name in ("a", "b", "c"):
        await crowd(engine, name, 16)
    for _ in range(3):
        assert len((await engine.claim(16)).items) == 16
    await engine.advance(LEASE_MS)
    assert [(await engine.claim()).reaped for _ in range(2)] == [32, 16]


async def test_a_beat_extends_and_names_the_lost(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    await engine.create("u:2", un="bob")
    items = (await engine.claim()).items
    await engine.advance(LEASE_MS - 1)
    assert await engine.queue.beat(0, items[:1], LEASE_MS) == ()
    await engine.advance(1)
    assert (await engine.claim()).reaped == 1
    assert await engine.queue.beat(0, items, LEASE_MS) == items[1:]


async def test_a_lost_claim_is_recovered_and_is_no_crash(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    for prefix in ("boot.1", "boot.11"):
        await engine.queue.claim(0, max_items=1, token_prefix=prefix, lease_ms=LEASE_MS)
    await engine.create("u:2", un="bob")
    await engine.queue.claim(0, max_items=1, token_prefix="boot.12", lease_ms=LEASE_MS)
    assert await engine.queue.recover(0, "boot.1") == 1
    assert await engine.queue.recover(0, "boot.1") == 0
    item = await engine.claim_one()
    assert (item.rk, item.crashes, item.failures, item.claim) == ("u:1", 0, 0, 2)


async def test_tenants_are_served_in_turn_a_quantum_each(engine: Engine) -> None:
    for name in ("big", "small"):
        await crowd(engine, name, 10)
    items = (await engine.claim(16)).items
    assert [item.tenant for item in items] == ["big"] * 8 + ["small"] * 8


async def test_a_flood_does_not_hold_up_another_tenant(engine: Engine) -> None:
    await crowd(engine, "flood", 60)
    await crowd(engine, "other", 4)
    served = []
    for _ in range(6):
        items = (await engine.claim(2)).items
        served.append(items[0].tenant)
        for item in items:
            await engine.ok(item)
    assert served == ["flood", "other"] * 2 + ["flood"] * 2


async def test_the_leases_of_a_tenant_are_capped(engine: Engine) -> None:
    await crowd(engine, "flood", 20)
    first = await engine.claim(16)
    assert len(first.items) == 16
    assert (await engine.claim(16)).items == ()
    settled = await engine.settle(first.items[0], Outcome.OK, signal=Signal.OK)
    assert settled.ready_ms == 0
    assert len((await engine.claim(16)).items) == 1
