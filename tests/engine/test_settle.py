"""SETTLE, RESYNC, REPLAY: each outcome, fenced by its token."""

from dataclasses import replace

from clients.redis.types import Outcome, Settled, SettleStatus
from tests.engine.harness import LEASE_MS, SETTLE_MS, Engine, tenant_key


async def test_done_is_synced_with_what_was_applied(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    item = await engine.claim_one()
    await engine.advance(40)
    assert await engine.ok(item) == Settled(SettleStatus.SYNCED, latency_ms=40, ready_ms=-1)
    state = await engine.state("u:1")
    assert (state.state, state.applied_version, state.backend_id) == ("S", 1, "usr_1")


async def test_settling_twice_is_a_duplicate_with_the_first_answer(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    item = await engine.claim_one()
    await engine.ok(item)
    before = await engine.dump()
    assert await engine.ok(item) == Settled(SettleStatus.DUP, earlier="SYNCED")
    assert await engine.dump() == before


async def test_settling_a_deletion_twice_is_a_duplicate_too(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    await engine.delete("u:1")
    item = await engine.claim_one()
    assert (await engine.ok(item)).status is SettleStatus.DELETED
    assert await engine.ok(item) == Settled(SettleStatus.DUP, earlier="DELETED")


async def test_a_foreign_token_changes_nothing(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    item = await engine.claim_one()
    before = await engine.dump()
    foreign = replace(item, token="other.1")
    assert (await engine.ok(foreign)).status is SettleStatus.STALE
    assert await engine.queue.beat(0, [foreign], LEASE_MS * 2) == (foreign,)
    assert await engine.dump() == before


async def test_a_worker_that_lost_its_lease_settles_stale(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    lost = await engine.claim_one()
    await engine.advance(LEASE_MS)
    await engine.claim()
    await engine.advance(SETTLE_MS)
    current = await engine.claim_one()
    assert (await engine.ok(lost)).status is SettleStatus.STALE
    assert (await engine.ok(current)).status is SettleStatus.SYNCED


async def test_a_counted_retry_waits_and_is_remembered(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    settled = await engine.settle(
        await engine.claim_one(),
        Outcome.RETRY,
        counted=True,
        delay_ms=2000,
        error_code="http_500",
        error_text="The backend failed.",
    )
    assert settled == Settled(SettleStatus.RETRY, ready_ms=2000)
    state = await engine.state("u:1")
    assert (state.state, state.failures, state.error_code) == ("R", 1, "http_500")
    assert (state.error_text, state.due_ms) == ("The backend failed.", engine.now_ms + 2000)
    await engine.advance(2000)
    await engine.sync()
    state = await engine.state("u:1")
    assert (state.failures, state.error_code, state.error_text) == (0, "", "")


async def test_what_a_failed_request_may_have_set_is_remembered(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    for outcome in (Outcome.RETRY, Outcome.PARK, Outcome.RELEASE):
        item = await engine.claim_one()
        await engine.settle(item, outcome, managed=item.managed + 4, applied_digest=outcome.value)
        await engine.queue.resume(engine.tenant)
    item = await engine.claim_one()
    assert (item.managed, item.applied_digest) == (12, "release")


async def test_what_is_not_its_fault_is_not_counted(engine: Engine) -> None:
    await engine.create("u:0", un="owner")
    await engine.create("u:1", un="ann")
    owner, item = (await engine.claim()).items
    await engine.settle(item, Outcome.RETRY, counted=True)
    for outcome in (Outcome.PARK, Outcome.RELEASE, Outcome.BLOCK):
        item = await engine.claim_one()
        await engine.settle(item, outcome, blocked_on=owner.rk)
        assert (await engine.state("u:1")).failures == 1


async def test_parked_is_pending_while_its_tenant_is_on_hold(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    settled = await engine.settle(
        await engine.claim_one(), Outcome.PARK, hold_ms=7000, error_code="throttled"
    )
    assert settled == Settled(SettleStatus.PARKED, ready_ms=7000)
    await engine.advance(6999)
    assert (await engine.claim()).items == ()
    await engine.advance(1)
    assert (await engine.claim_one()).rk == "u:1"


async def test_released_after_sending_a_create_waits_for_it(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    item = await engine.claim_one()
    settled = await engine.settle(item, Outcome.RELEASE, delay_ms=SETTLE_MS)
    assert settled == Settled(SettleStatus.RELEASED, ready_ms=SETTLE_MS)


async def test_the_blocked_wait_for_their_blocker(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    await engine.create("u:2", un="bob")
    first, second = (await engine.claim()).items
    settled = await engine.settle(second, Outcome.BLOCK, blocked_on="u:1", error_code="conflict")
    assert settled.status is SettleStatus.BLOCKED
    assert (await engine.state("u:2")).state == "W"
    await engine.ok(first)
    state = await engine.state("u:2")
    assert (state.state, state.due_ms) == ("P", engine.now_ms)
    await engine.sync("usr_2")


async def test_nobody_is_blocked_on_what_is_synced(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    await engine.sync()
    await engine.create("u:2", un="bob")
    settled = await engine.settle(await engine.claim_one(), Outcome.BLOCK, blocked_on="u:1")
    assert settled.status is SettleStatus.RETRY
    assert (await engine.state("u:2")).state == "R"


async def test_a_newer_write_keeps_a_refused_version_from_dying(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    item = await engine.claim_one()
    await engine.update("u:1", title="new")
    settled = await engine.settle(item, Outcome.DEAD, error_code="rejected")
    assert settled.status is SettleStatus.RELEASED
    assert (await engine.state("u:1")).state == "P"


async def test_replay_brings_the_dead_back(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    await engine.settle(await engine.claim_one(), Outcome.DEAD, error_code="rejected")
    assert (await engine.claim()).items == ()
    assert await engine.queue.replay(engine.tenant, ["u:1", "u:2"]) == 1
    assert await engine.queue.replay(engine.tenant, ["u:1"]) == 0
    assert (await engine.claim_one()).failures == 0


async def test_resync_sends_a_synced_resource_once_more(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    await engine.sync()
    assert await engine.queue.resync(engine.tenant, "u:1")
    assert not await engine.queue.resync(engine.tenant, "u:9")
    item = await engine.claim_one()
    assert (item.force, item.version) == (True, 1)
    assert (await engine.ok(item)).status is SettleStatus.SYNCED
    assert (await engine.claim()).items == ()


async def test_resync_during_a_lease_makes_one_more_pass(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    item = await engine.claim_one()
    await engine.queue.resync(engine.tenant, "u:1")
    assert (await engine.ok(item)).status is SettleStatus.DIRTY
    again = await engine.claim_one()
    assert (again.force, again.version) == (True, 1)
    assert (await engine.ok(again)).status is SettleStatus.SYNCED


async def test_resync_survives_the_crash_of_the_next_worker(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    await engine.sync()
    await engine.queue.resync(engine.tenant, "u:1")
    await engine.claim_one()
    await engine.advance(LEASE_MS)
    await engine.claim()
    assert (await engine.claim_one()).force


async def test_the_backend_id_is_kept_by_any_outcome_and_dropped_on_demand(
    engine: Engine,
) -> None:
    await engine.create("u:1", un="ann")
    item = await engine.claim_one()
    await engine.settle(item, Outcome.RETRY, backend_id="usr_7")
    item = await engine.claim_one()
    assert item.backend_id == "usr_7"
    await engine.settle(item, Outcome.RETRY)
    item = await engine.claim_one()
    assert item.backend_id == "usr_7"
    await engine.settle(item, Outcome.RETRY, forget_backend_id=True)
    assert (await engine.claim_one()).backend_id == ""


async def test_a_finished_deletion_leaves_nothing(engine: Engine) -> None:
    await engine.create("u:1", un="ann", xid="x1")
    await engine.sync()
    await engine.delete("u:1")
    await engine.sync()
    left = {key for key in await engine.dump() if key.endswith("u:1")}
    assert left == {tenant_key("gone:u:1")}
    assert 0 < await engine.client.ttl(tenant_key("gone:u:1")) <= 120


async def test_a_newer_write_of_the_dead_waits_for_the_unanswered_create(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    await engine.settle(await engine.claim_one(), Outcome.DEAD, delay_ms=SETTLE_MS)
    await engine.update("u:1", title="new")
    assert (await engine.claim()).items == ()
    await engine.advance(SETTLE_MS)
    assert (await engine.claim_one()).version == 2


async def test_a_replay_waits_for_the_unanswered_create(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    await engine.settle(await engine.claim_one(), Outcome.DEAD, delay_ms=SETTLE_MS)
    await engine.queue.replay(engine.tenant, ["u:1"])
    assert (await engine.claim()).items == ()
    await engine.advance(SETTLE_MS)
    assert (await engine.claim_one()).rk == "u:1"
