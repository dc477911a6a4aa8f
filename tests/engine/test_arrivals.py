"""People and groups in any order: who is not there yet is parked, and joins on arrival."""

from clients.redis.types import Outcome
from tests.engine.harness import Engine
from tests.engine.teams import DEBOUNCE_MS, confirmed, sent, synced, team


async def test_who_is_unknown_is_parked_and_joins_on_arrival(engine: Engine) -> None:
    await team(engine)
    await engine.join("g:1", "ann", "nobody", "1")
    state = await engine.state("g:1")
    assert (state.state, state.members_parked, state.applied_version) == ("S", 3, 2)
    await engine.create("u:ann", un="ann")
    await engine.sync("usr_ann")
    state = await engine.state("g:1")
    assert (state.members_pending, state.members_parked) == (1, 2)
    assert state.due_ms == engine.now_ms + DEBOUNCE_MS
    await engine.advance(DEBOUNCE_MS)
    item = await sent(engine)
    assert [each.backend_id for each in item.members.entries] == ["usr_ann"]
    assert (await engine.state("g:1")).members_parked == 2


async def test_arrivals_are_collected(engine: Engine) -> None:
    """A group is visited once for all who arrive within two seconds, also while it is leased."""
    await team(engine)
    names = [f"m{number}" for number in range(8)]
    await engine.join("g:1", *names)
    for name in names[:4]:
        await synced(engine, f"u:{name}", f"usr_{name}")
        await engine.advance(400)
    await engine.advance(400)
    item = await engine.claim_one()
    assert len(item.members.add) == 4
    for name in names[4:]:
        await synced(engine, f"u:{name}", f"usr_{name}")
    assert await confirmed(engine, item, *item.members.entries) == "DIRTY"
    assert (await engine.claim()).items == ()
    await engine.advance(DEBOUNCE_MS)
    assert len((await engine.claim_one()).members.add) == 4


async def test_an_arrival_never_hastens_a_group_that_waits(engine: Engine) -> None:
    await team(engine)
    await engine.join("g:1", "ann")
    await engine.update("g:1", title="new")
    await engine.settle(await engine.claim_one(), Outcome.RETRY, counted=True, delay_ms=60_000)
    await synced(engine, "u:ann", "usr_ann")
    assert (await engine.state("g:1")).due_ms == engine.now_ms + 60_000


async def test_who_was_parked_and_leaves_was_never_there(engine: Engine) -> None:
    await team(engine)
    await engine.join("g:1", "ann")
    await engine.leave("g:1", "ann")
    state = await engine.state("g:1")
    assert (state.state, state.members_pending, state.members_parked) == ("S", 0, 0)
    await synced(engine, "u:ann", "usr_ann")
    assert (await engine.claim()).items == ()


async def test_a_person_whom_the_backend_lost_joins_again(engine: Engine) -> None:
    await team(engine, "ann")
    await engine.join("g:1", "ann")
    await sent(engine)
    await engine.update("u:ann", title="new")
    await engine.ok(await engine.claim_one(), "usr_ann2")
    await engine.advance(DEBOUNCE_MS)
    assert [each.backend_id for each in (await sent(engine)).members.add] == ["usr_ann2"]


async def test_a_person_forgotten_first_joins_when_there_again(engine: Engine) -> None:
    await team(engine, "ann")
    await engine.join("g:1", "ann")
    await engine.update("u:ann", title="new")
    items = {item.rk: item for item in (await engine.claim()).items}
    await engine.settle(items["u:ann"], Outcome.RETRY, forget_backend_id=True)
    await confirmed(engine, items["g:1"], *items["g:1"].members.entries)
    await engine.ok(await engine.claim_one(), "usr_ann2")
    await engine.advance(DEBOUNCE_MS)
    assert [each.backend_id for each in (await sent(engine)).members.add] == ["usr_ann2"]


async def test_who_left_while_forgotten_is_not_sent(engine: Engine) -> None:
    await team(engine, "ann")
    await engine.join("g:1", "ann")
    await sent(engine)
    await engine.update("u:ann", title="new")
    ann = await engine.claim_one()
    await engine.leave("g:1", "ann")
    await engine.settle(ann, Outcome.RETRY, forget_backend_id=True, delay_ms=60_000)
    assert (await sent(engine)).members.entries == ()


async def test_an_id_unknown_to_the_backend_sends_the_person_again(engine: Engine) -> None:
    await team(engine, "ann", "bob")
    await engine.join("g:1", "ann", "bob")
    item = await engine.claim_one()
    bob = [each for each in item.members.entries if each.scim_id == "bob"]
    assert await confirmed(engine, item, *bob, members_unknown=("ann",)) == "SYNCED"
    assert (await engine.state("g:1")).members_parked == 1
    person = await engine.claim_one()
    assert (person.rk, person.force) == ("u:ann", True)
    await engine.ok(person, "usr_ann")
    await engine.advance(DEBOUNCE_MS)
    assert [each.scim_id for each in (await sent(engine)).members.add] == ["ann"]


async def test_pending_memberships_go_with_the_person(engine: Engine) -> None:
    await team(engine, "ann", "bob")
    await engine.join("g:1", "ann", "bob")
    await engine.delete("u:bob")
    items = {item.rk: item for item in (await engine.claim()).items}
    assert [each.scim_id for each in items["g:1"].members.add] == ["ann"]
    assert items["u:bob"].deleted
