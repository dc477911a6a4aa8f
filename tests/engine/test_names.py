"""Names that move: nobody meets a backend record that is about to change or to go."""

from clients.redis.types import Outcome, SettleStatus
from tests.engine.harness import BLOCK_MS, LEASE_MS, SETTLE_MS, Engine


async def synced(engine: Engine, rk: str, **values: str) -> None:
    await engine.create(rk, **values)
    await engine.sync(f"usr_{rk}")


async def test_a_recreated_person_waits_for_the_pending_deletion(engine: Engine) -> None:
    await synced(engine, "u:1", un="ann", xid="x1")
    await engine.delete("u:1")
    await engine.create("u:2", un="ann", xid="x1")
    assert (await engine.state("u:2")).state == "W"
    deletion = await engine.claim_one()
    assert (deletion.rk, deletion.deleted) == ("u:1", True)
    assert (await engine.claim()).items == ()
    await engine.ok(deletion)
    assert (await engine.claim_one()).rk == "u:2"


async def test_a_recreated_person_waits_for_a_deletion_that_fails_for_long(
    engine: Engine,
) -> None:
    await synced(engine, "u:1", un="ann", xid="x1")
    await engine.delete("u:1")
    await engine.create("u:2", un="ann", xid="x1")
    await engine.settle(await engine.claim_one(), Outcome.DEAD, error_code="rejected")
    await engine.advance(BLOCK_MS)
    assert (await engine.claim()).items == ()
    await engine.update("u:2", title="new")
    assert (await engine.state("u:2")).state == "W"
    await engine.queue.replay(engine.tenant, ["u:1"])
    await engine.sync()
    assert (await engine.claim_one()).rk == "u:2"


async def crashed_while_a_name_was_taken(engine: Engine) -> None:
    """u:2 was being created when it took the name of u:1, and its worker died: it waits for u:1,
    and its create may still take effect."""
    await synced(engine, "u:1", un="ann")
    await engine.create("u:2", un="bob")
    await engine.claim_one()
    await engine.update("u:1", un="cid")
    await engine.update("u:2", un="ann")
    await engine.advance(LEASE_MS)
    assert (await engine.claim()).reaped == 1
    assert (await engine.state("u:2")).state == "W"


async def test_whoever_is_woken_waits_for_the_unanswered_create(engine: Engine) -> None:
    await crashed_while_a_name_was_taken(engine)
    await engine.advance(1000)
    await engine.sync("usr_u:1")
    assert (await engine.state("u:2")).state == "P"
    assert (await engine.claim()).items == ()
    await engine.advance(SETTLE_MS - 1000)
    assert (await engine.claim_one()).rk == "u:2"


async def test_whoever_waits_no_more_waits_for_the_unanswered_create(engine: Engine) -> None:
    await crashed_while_a_name_was_taken(engine)
    await engine.update("u:2", un="dan")
    await engine.sync("usr_u:1")
    assert (await engine.claim()).items == ()
    await engine.advance(SETTLE_MS)
    assert (await engine.claim_one()).rk == "u:2"


async def test_the_heir_of_two_waits_for_both(engine: Engine) -> None:
    """Else it adopts the record that the second deletion is about to remove."""
    await synced(engine, "u:1", un="ann", xid="x1")
    await synced(engine, "u:2", un="bob", xid="x2")
    await engine.delete("u:1")
    await engine.delete("u:2")
    await engine.create("u:3", un="ann", xid="x2")
    await engine.sync()
    assert (await engine.state("u:3")).state == "W"
    deletion = await engine.claim_one()
    await engine.settle(deletion, Outcome.RETRY, delay_ms=2 * BLOCK_MS)
    await engine.advance(BLOCK_MS)
    assert (await engine.claim()).items == ()
    await engine.advance(BLOCK_MS)
    deletion = await engine.claim_one()
    assert deletion.deleted
    await engine.ok(deletion)
    assert (await engine.claim_one()).rk == "u:3"


async def test_a_name_is_not_free_while_a_late_request_may_have_set_it_back(
    engine: Engine,
) -> None:
    await synced(engine, "u:1", un="ann", xid="x1")
    await engine.update("u:1", xid="x9")
    await engine.create("u:2", un="bob", xid="x1")
    item = await engine.claim_one()
    await engine.queue.resync(engine.tenant, "u:1")
    assert (await engine.ok(item)).status is SettleStatus.DIRTY
    assert (await engine.state("u:2")).state == "W"
    await engine.sync()
    assert (await engine.claim_one()).rk == "u:2"


async def test_a_deletion_never_waits_for_its_heir(engine: Engine) -> None:
    """Else both wait in a circle, the heir is tried, and adopts the record that must go."""
    await synced(engine, "u:1", un="ann", xid="x1")
    await engine.delete("u:1")
    await engine.create("u:2", un="ann", xid="x1")
    settled = await engine.settle(await engine.claim_one(), Outcome.BLOCK, blocked_on="u:2")
    assert settled.status is SettleStatus.RETRY
    await engine.advance(BLOCK_MS)
    deletion = await engine.claim_one()
    assert (deletion.rk, deletion.deleted) == ("u:1", True)
    assert (await engine.claim()).items == ()
    await engine.ok(deletion)
    assert (await engine.claim_one()).rk == "u:2"


async def test_what_the_backend_never_saw_is_not_waited_for(engine: Engine) -> None:
    await engine.create("u:1", un="ann", xid="x1")
    await engine.delete("u:1")
    await engine.create("u:2", un="ann", xid="x1")
    assert (await engine.state("u:2")).state == "P"


async def test_a_rename_onto_a_moving_name_keeps_the_order(engine: Engine) -> None:
    await synced(engine, "u:1", un="ann")
    await synced(engine, "u:2", un="bob")
    await engine.update("u:1", un="cid")
    await engine.update("u:2", un="ann")
    first = await engine.claim_one()
    assert first.rk == "u:1"
    assert (await engine.claim()).items == ()
    await engine.ok(first)
    assert (await engine.claim_one()).rk == "u:2"


async def test_whoever_has_to_wait_makes_room_in_the_ready_index(engine: Engine) -> None:
    await synced(engine, "u:1", un="ann")
    await synced(engine, "u:2", un="bob")
    await engine.update("u:2", title="new")
    await engine.advance(10)
    await engine.update("u:1", un="cid")
    await engine.update("u:2", un="ann")
    assert (await engine.state("u:2")).state == "W"
    assert await engine.queue.audit(engine.tenant) == []
    assert (await engine.claim_one()).rk == "u:1"


async def test_a_rename_during_the_lease_waits_afterwards(engine: Engine) -> None:
    await synced(engine, "u:1", un="ann")
    await synced(engine, "u:2", un="bob")
    await engine.update("u:2", title="new")
    leased = await engine.claim_one()
    await engine.update("u:1", un="cid")
    await engine.update("u:2", un="ann")
    await engine.ok(leased)
    assert (await engine.state("u:2")).state == "W"
    holder = await engine.claim_one()
    assert holder.rk == "u:1"
    await engine.ok(holder)
    assert (await engine.claim_one()).rk == "u:2"


async def test_a_name_taken_back_is_no_longer_released(engine: Engine) -> None:
    await synced(engine, "u:1", un="ann")
    await engine.update("u:1", un="anna")
    await engine.update("u:1", un="ann")
    await engine.update("u:1", un="anna")
    await engine.update("u:1", un="ann")
    await engine.sync()
    await synced(engine, "u:2", un="anna")


async def test_a_circle_of_names_is_tried_in_the_end(engine: Engine) -> None:
    await synced(engine, "u:1", un="ann")
    await synced(engine, "u:2", un="bob")
    await engine.update("u:2", un="tmp")
    await engine.update("u:1", un="bob")
    await engine.update("u:2", un="ann")
    assert (await engine.claim()).items == ()
    await engine.advance(BLOCK_MS)
    assert {item.rk for item in (await engine.claim()).items} >= {"u:1"}


async def test_a_tombstone_names_what_an_unanswered_create_may_have_left(
    engine: Engine,
) -> None:
    await engine.create("u:1", un="ann", xid="x1")
    await engine.claim_one()
    await engine.delete("u:1")
    await engine.advance(LEASE_MS)
    await engine.claim()
    assert (await engine.claim()).items == ()
    await engine.advance(SETTLE_MS)
    item = await engine.claim_one()
    assert (item.deleted, item.backend_id) == (True, "")
    assert set(item.released) == {"un:ann", "xid:x1"}
