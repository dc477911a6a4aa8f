"""CLAIM, SETTLE and RESYNC of groups: only the difference is sent, and nothing of it is lost."""

from clients.redis.deltas import LEAVES
from clients.redis.scripts import part
from clients.redis.types import Outcome, SettleStatus
from tests.engine.harness import LEASE_MS, SETTLE_MS, Engine, tenant_key
from tests.engine.teams import confirmed, crowd, drained, sent, synced, team


def test_lua_and_python_agree_on_stamps() -> None:
    assert f"local LEAVES = {LEAVES}\n" in part("group")


async def test_a_claim_brings_the_difference(engine: Engine) -> None:
    await team(engine, "ann", "bob")
    await engine.join("g:1", "ann")
    await sent(engine)
    await engine.leave("g:1", "ann")
    await engine.join("g:1", "bob")
    item = await engine.claim_one()
    assert (item.attributes_dirty, item.full, item.members.more) == (False, False, False)
    assert [(each.scim_id, each.backend_id) for each in item.members.add] == [("bob", "usr_bob")]
    assert [(each.scim_id, each.backend_id) for each in item.members.remove] == [
        ("ann", "usr_ann")
    ]
    assert item.cause == "cause-members"
    assert await confirmed(engine, item, *item.members.entries) == "SYNCED"
    state = await engine.state("g:1")
    assert (state.version, state.applied_version, state.members_pending) == (4, 4, 0)


async def test_fields_and_members_have_versions_of_their_own(engine: Engine) -> None:
    await team(engine, "ann")
    await engine.update("g:1", title="new")
    item = await engine.claim_one()
    assert (item.attributes_dirty, item.members.entries) == (True, ())
    await engine.join("g:1", "ann")
    assert await confirmed(engine, item) == "DIRTY"
    item = await engine.claim_one()
    assert (item.attributes_dirty, len(item.members.add)) == (False, 1)
    assert await confirmed(engine, item, *item.members.entries) == "SYNCED"


async def test_who_leaves_goes_before_who_joins_and_before_other_work(engine: Engine) -> None:
    await team(engine, "ann", "bob")
    await engine.join("g:1", "ann")
    await sent(engine)
    await engine.create("u:other", un="other")
    await engine.join("g:1", *(f"m{number}" for number in range(600)), "bob")
    await engine.leave("g:1", "ann")
    item = await engine.claim_one()
    assert item.rk == "g:1"
    assert [each.scim_id for each in item.members.entries] == ["ann", "bob"]


async def test_five_hundred_at_a_time_in_the_order_of_change(engine: Engine) -> None:
    await team(engine)
    names = await crowd(engine, 600)
    await engine.join("g:1", *names)
    item = await engine.claim_one()
    assert (len(item.members.add), item.members.more) == (500, True)
    assert {each.scim_id for each in item.members.add} > set(names[:400])
    await engine.advance(70)
    settled = await engine.settle(item, Outcome.OK, members_done=item.members.entries)
    assert (settled.status, settled.latency_ms) == (SettleStatus.DIRTY, 70)
    assert settled.ready_ms == 0
    rest = await engine.claim_one()
    assert (len(rest.members.add), rest.members.more) == (100, False)
    await engine.advance(30)
    settled = await engine.settle(rest, Outcome.OK, members_done=rest.members.entries)
    assert (settled.status, settled.latency_ms) == (SettleStatus.SYNCED, 100)


async def test_an_entry_that_changed_meanwhile_stays(engine: Engine) -> None:
    await team(engine, "ann", "bob")
    await engine.join("g:1", "ann", "bob")
    item = await engine.claim_one()
    await engine.leave("g:1", "ann")
    assert await confirmed(engine, item, *item.members.entries) == "DIRTY"
    again = await engine.claim_one()
    assert [(each.scim_id, each.sign) for each in again.members.entries] == [("ann", -1)]


async def test_changed_back_meanwhile_is_still_another_entry(engine: Engine) -> None:
    await team(engine, "ann")
    await engine.join("g:1", "ann")
    item = await engine.claim_one()
    await engine.leave("g:1", "ann")
    await engine.join("g:1", "ann")
    assert await confirmed(engine, item, *item.members.entries) == "DIRTY"
    assert [each.sign for each in (await engine.claim_one()).members.entries] == [1]


async def test_what_was_confirmed_counts_whatever_the_outcome(engine: Engine) -> None:
    await team(engine, "ann", "bob")
    await engine.join("g:1", "ann", "bob")
    item = await engine.claim_one()
    done = item.members.entries[:1]
    await engine.settle(item, Outcome.RETRY, counted=True, delay_ms=10, members_done=done)
    await engine.advance(10)
    again = await engine.claim_one()
    assert again.members.entries == item.members.entries[1:]


async def test_a_repeated_settle_confirms_nothing_more(engine: Engine) -> None:
    await team(engine, "ann")
    await engine.join("g:1", "ann")
    item = await engine.claim_one()
    await confirmed(engine, item, *item.members.entries)
    await engine.leave("g:1", "ann")
    before = await engine.dump()
    assert await confirmed(engine, item, *item.members.entries) == "DUP"
    assert await engine.dump() == before


async def test_a_crash_sends_the_same_again(engine: Engine) -> None:
    await team(engine, "ann")
    await engine.join("g:1", "ann")
    lost = await engine.claim_one()
    await engine.advance(LEASE_MS)
    await engine.claim()
    again = await engine.claim_one()
    assert again.members == lost.members
    before = await engine.dump()
    assert await confirmed(engine, lost, *lost.members.entries) == "STALE"
    assert await engine.dump() == before


async def test_a_late_request_is_undone(engine: Engine) -> None:
    """The worker was frozen with a batch prepared; its lease went to another meanwhile."""
    await team(engine, "ann")
    await engine.join("g:1", "ann")
    frozen = await engine.claim_one()
    await engine.advance(LEASE_MS)
    await engine.claim()
    await sent(engine)
    await engine.leave("g:1", "ann")
    await sent(engine)
    assert await confirmed(engine, frozen, *frozen.members.entries) == "STALE"
    assert await engine.queue.resync(engine.tenant, "g:1", frozen.members.ids)
    again = await engine.claim_one()
    assert [(each.scim_id, each.sign) for each in again.members.entries] == [("ann", -1)]
    assert again.attributes_dirty


async def test_a_lost_group_gets_all_its_members_again(engine: Engine) -> None:
    await team(engine)
    names = await crowd(engine, 700)
    await engine.join("g:1", *names, "nobody")
    await drained(engine, "grp_1")
    await engine.update("g:1", title="new")
    item = await engine.claim_one()
    settled = await engine.settle(item, Outcome.OK, backend_id="grp_2")
    assert (settled.status, settled.ready_ms) == (SettleStatus.DIRTY, 0)
    visits = await drained(engine, "grp_2")
    assert {member for visit in visits for member in visit.members.ids} == set(names)
    assert visits[0].full
    assert len(visits) <= 4
    assert (await engine.state("g:1")).state == "S"


async def test_a_group_forgotten_first_is_rebuilt_too(engine: Engine) -> None:
    await team(engine, "ann")
    await engine.join("g:1", "ann")
    await sent(engine)
    await engine.update("g:1", title="new")
    item = await engine.claim_one()
    await engine.settle(item, Outcome.RETRY, forget_backend_id=True)
    again = await engine.claim_one()
    assert (again.backend_id, again.attributes_dirty, again.full) == ("", True, False)
    assert [each.scim_id for each in again.members.add] == ["ann"]


async def test_a_deleted_group_sends_no_members(engine: Engine) -> None:
    await team(engine, "ann")
    await engine.join("g:1", "ann")
    await engine.delete("g:1")
    item = await engine.claim_one()
    assert (item.deleted, item.members.entries) == (True, ())
    assert (await engine.ok(item)).status is SettleStatus.DELETED
    assert await engine.members.sweep(0) == 0


async def test_new_members_revive_a_dead_group(engine: Engine) -> None:
    await team(engine, "ann")
    await engine.update("g:1", title="new")
    await engine.settle(await engine.claim_one(), Outcome.DEAD, error_code="rejected")
    await engine.join("g:1", "ann")
    item = await engine.claim_one()
    assert (item.attributes_dirty, len(item.members.add), item.failures) == (True, 1, 0)


async def test_members_keep_the_settle_delay_of_an_unknown_create(engine: Engine) -> None:
    await synced(engine, "u:ann", "usr_ann")
    await engine.create("g:1", title="x")
    await engine.settle(await engine.claim_one(), Outcome.RETRY, delay_ms=SETTLE_MS)
    await engine.join("g:1", "ann")
    assert (await engine.state("g:1")).due_ms == engine.now_ms + SETTLE_MS


async def test_a_claim_takes_one_big_difference_at_a_time(engine: Engine) -> None:
    await team(engine)
    await synced(engine, "g:2", "grp_2")
    names = await crowd(engine, 300)
    for rk in ("g:1", "g:2"):
        await engine.join(rk, *names)
    await engine.create("u:other", un="other")
    first = (await engine.claim()).items
    assert [len(item.members.add) for item in first] == [300, 0]
    second = (await engine.claim()).items
    assert [len(item.members.add) for item in second] == [300]
    assert {item.rk for item in (*first, *second)} == {"g:1", "g:2", "u:other"}


async def test_an_audit_finds_members_that_nobody_would_send(engine: Engine) -> None:
    await team(engine, "ann")
    await engine.join("g:1", "ann")
    await sent(engine)
    await engine.client.zadd(tenant_key("gd:g:1"), {"ann": 1})
    found = await engine.queue.audit(engine.tenant, repair=True)
    assert "g:1 is synced but has members to send" in found
    assert await engine.queue.audit(engine.tenant) == []
    assert (await sent(engine)).members.ids == ("ann",)
