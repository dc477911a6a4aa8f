"""WRITE: one step stores, indexes and queues; or changes nothing."""

from dataclasses import replace

from clients.redis.types import Lane, Outcome, Signal, WriteStatus, Written
from tests.engine.harness import SETTLE_MS, Engine, tenant_key


async def test_a_created_resource_is_stored_indexed_and_queued(engine: Engine) -> None:
    assert await engine.create("u:1", un="ann", xid="x1", em="m@x") == Written(WriteStatus.OK, 1)

    (found,) = await engine.store.find(engine.tenant, "un", "ann")
    assert (found.rk, found.version) == ("u:1", 1)
    state = await engine.state("u:1")
    assert (state.state, state.version, state.due_ms) == ("P", 1, engine.now_ms)


async def test_the_same_nonce_answers_again_and_does_nothing_more(engine: Engine) -> None:
    creation = engine.creation("u:1", un="ann")
    first = await engine.store.write(engine.tenant, creation)
    before = await engine.dump()
    assert await engine.store.write(engine.tenant, creation) == first
    assert await engine.dump() == before

    update = await engine.change("u:1", title="boss")
    second = await engine.store.write(engine.tenant, update)
    assert second == Written(WriteStatus.OK, 2)
    before = await engine.dump()
    assert await engine.store.write(engine.tenant, update) == second
    assert await engine.dump() == before


async def test_a_deletion_sent_again_after_it_was_done_is_ok(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    deletion = await engine.deletion("u:1")
    first = await engine.store.write(engine.tenant, deletion)
    assert await engine.store.write(engine.tenant, deletion) == first
    await engine.sync()
    assert await engine.store.write(engine.tenant, deletion) == first

    other = replace(deletion, nonce="other")
    assert (await engine.store.write(engine.tenant, other)).status is WriteStatus.GONE


async def test_a_stale_version_loses_and_changes_nothing(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    stale = await engine.change("u:1", title="old")
    await engine.update("u:1", title="new")
    before = await engine.dump()
    assert await engine.store.write(engine.tenant, stale) == Written(WriteStatus.CONFLICT, 2)
    assert await engine.dump() == before


async def test_equal_content_is_no_version_and_no_work(engine: Engine) -> None:
    await engine.create("u:1", un="ann", title="boss")
    await engine.sync()
    before = await engine.dump()
    assert await engine.update("u:1", title="boss") == Written(WriteStatus.NOOP, 1)
    assert await engine.dump() == before


async def test_a_taken_unique_value_is_refused_by_name(engine: Engine) -> None:
    await engine.create("u:1", un="ann", xid="x1")
    await engine.create("u:2", un="bob", xid="x2")
    before = await engine.dump()
    assert await engine.create("u:3", un="ann") == Written(WriteStatus.UNIQ, index="un")
    assert await engine.update("u:2", xid="x1") == Written(WriteStatus.UNIQ, index="xid")
    assert await engine.dump() == before


async def test_a_rename_frees_the_old_name_and_takes_the_new(engine: Engine) -> None:
    await engine.create("u:1", un="ann", em="m@x")
    await engine.create("u:2", un="bob", em="m@x")
    await engine.update("u:1", un="anna", em="n@x")
    assert await engine.store.find(engine.tenant, "un", "ann") == []
    assert [each.rk for each in await engine.store.find(engine.tenant, "un", "anna")] == ["u:1"]
    assert [each.rk for each in await engine.store.find(engine.tenant, "em", "m@x")] == ["u:2"]


async def test_what_is_deleted_is_gone_at_once_and_its_names_are_free(engine: Engine) -> None:
    await engine.create("u:1", un="ann", xid="x1")
    assert await engine.delete("u:1") == Written(WriteStatus.OK, 2)
    assert await engine.store.read(engine.tenant, ["u:1"]) == [None]
    assert (await engine.create("u:2", un="ann", xid="x1")).status is WriteStatus.OK
    creation = engine.creation("u:1", un="eve")
    assert (await engine.store.write(engine.tenant, creation)).status is WriteStatus.EXISTS


async def test_writes_coalesce_into_one_place(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    first_due = (await engine.state("u:1")).due_ms
    for number in range(10):
        await engine.advance(100)
        await engine.update("u:1", title=str(number))
    state = await engine.state("u:1")
    assert (state.version, state.due_ms, state.first_dirty_ms) == (11, first_due, first_due)
    assert len((await engine.claim()).items) == 1


async def test_a_write_during_the_lease_makes_one_more_pass(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    item = await engine.claim_one()
    await engine.advance(10)
    await engine.update("u:1", title="new")
    assert (await engine.state("u:1")).state == "L"
    assert (await engine.claim()).items == ()
    await engine.advance(5)
    settled = await engine.ok(item)
    assert (settled.status, settled.latency_ms) == ("DIRTY", 15)
    await engine.advance(7)
    again = await engine.sync()
    assert (again.status, again.latency_ms) == ("SYNCED", 12)


async def test_the_age_counts_from_the_first_change_during_the_lease(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    item = await engine.claim_one()
    await engine.update("u:1", title="first")
    await engine.advance(10)
    await engine.update("u:1", title="second")
    await engine.ok(item)
    assert (await engine.sync()).latency_ms == 10


async def test_a_security_change_overtakes(engine: Engine) -> None:
    for number in range(5):
        await engine.create(f"u:{number}", un=f"n{number}")
    await engine.update("u:4", lane=Lane.SECURITY, active="no")
    assert (await engine.claim_one()).rk == "u:4"


async def test_a_security_change_during_the_lease_overtakes_afterwards(engine: Engine) -> None:
    await engine.create("u:1", un="n1")
    item = await engine.claim_one()
    await engine.create("u:2", un="n2")
    await engine.advance(1)
    await engine.update("u:1", lane=Lane.SECURITY, active="no")
    await engine.ok(item)
    assert (await engine.claim_one()).rk == "u:1"


async def test_a_newer_write_revives_the_dead(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    item = await engine.claim_one()
    await engine.settle(item, Outcome.DEAD, error_code="rejected", error_text="no")
    assert (await engine.state("u:1")).state == "D"
    await engine.update("u:1", title="new")
    state = await engine.state("u:1")
    assert (state.state, state.failures, state.due_ms) == ("P", 0, engine.now_ms)
    assert (state.error_code, state.error_text) == ("", "")


async def test_a_newer_write_ends_the_wait_for_a_retry(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    await engine.sync()
    await engine.update("u:1", title="bad")
    item = await engine.claim_one()
    await engine.settle(item, Outcome.RETRY, counted=True, delay_ms=600_000)
    await engine.update("u:1", title="good")
    state = await engine.state("u:1")
    assert (state.state, state.due_ms, state.failures) == ("P", engine.now_ms, 0)


async def test_a_newer_write_does_not_shorten_the_settle_delay_of_a_create(
    engine: Engine,
) -> None:
    await engine.create("u:1", un="ann")
    item = await engine.claim_one()
    await engine.settle(item, Outcome.RETRY, counted=True, delay_ms=SETTLE_MS)
    await engine.advance(1000)
    await engine.update("u:1", title="new")
    assert (await engine.state("u:1")).due_ms == engine.now_ms - 1000 + SETTLE_MS


async def test_writes_wake_a_sleeping_partition_once(engine: Engine) -> None:
    assert (await engine.claim()).idle_ms == -1
    pubsub = engine.client.pubsub()
    await pubsub.subscribe("sg:wake")
    await pubsub.get_message(timeout=1)
    await engine.create("u:1", un="ann")
    await engine.create("u:2", un="bob")
    message = await pubsub.get_message(timeout=1)
    assert message is not None
    assert message["data"] == b"0"
    assert await pubsub.get_message(timeout=0.05) is None
    for item in (await engine.claim()).items:
        await engine.ok(item)
    assert (await engine.claim()).items == ()
    await engine.create("u:3", un="cid")
    assert await pubsub.get_message(timeout=1) is not None
    await pubsub.aclose()  # type: ignore[no-untyped-call]


async def test_the_state_stays_a_compact_listpack(engine: Engine) -> None:
    await engine.create("u:1", un="ann", xid="x1")
    await engine.ok(await engine.claim_one(), "usr_" + "a" * 32)
    await engine.update("u:1", title="new")
    item = await engine.claim_one()
    await engine.settle(item, Outcome.RETRY, counted=True, signal=Signal.FAULT, error_code="e")
    encoding = await engine.client.object("ENCODING", tenant_key("s:u:1"))
    assert encoding in {b"ziplist", b"listpack"}
