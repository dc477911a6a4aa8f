"""MEMBERS and what reads them: set operations, whatever the group's size."""

import asyncio

import pytest

from clients.redis import keys, types
from clients.redis.types import MemberChange, WriteStatus, Written
from tests.engine.harness import Engine, tenant_key

NOBODY = Written(WriteStatus.GONE)


async def team(engine: Engine) -> str:
    await engine.create("u:ann", un="ann")
    await engine.sync("usr_ann")
    await engine.create("g:1", title="Sales")
    await engine.sync("grp_1")
    return "g:1"


async def test_joining_and_leaving_change_the_version_once(engine: Engine) -> None:
    await team(engine)
    assert await engine.join("g:1", "ann", "bob") == Written(WriteStatus.OK, 2)
    assert await engine.roster("g:1") == {"ann", "bob"}
    assert await engine.leave("g:1", "ann") == Written(WriteStatus.OK, 3)
    assert await engine.roster("g:1") == {"bob"}


async def test_what_changes_nothing_is_no_work(engine: Engine) -> None:
    await team(engine)
    await engine.join("g:1", "ann")
    before = await engine.dump()
    assert await engine.join("g:1", "ann") == Written(WriteStatus.NOOP, 2)
    assert await engine.leave("g:1", "bob") == Written(WriteStatus.NOOP, 2)
    assert await engine.alter("g:1") == Written(WriteStatus.NOOP, 2)
    assert await engine.dump() == before


async def test_changes_apply_in_order(engine: Engine) -> None:
    await team(engine)
    gone_again = (MemberChange(add=("ann", "bob")), MemberChange(remove=("ann",)))
    assert (await engine.alter("g:1", *gone_again)).status is WriteStatus.OK
    assert await engine.roster("g:1") == {"bob"}
    back_again = (MemberChange(remove=("bob",)), MemberChange(add=("bob",)))
    assert (await engine.alter("g:1", *back_again)).status is WriteStatus.NOOP


async def test_no_group_no_members(engine: Engine) -> None:
    assert await engine.join("g:1", "ann") == NOBODY
    await team(engine)
    await engine.join("g:1", "ann")
    await engine.delete("g:1")
    assert await engine.join("g:1", "bob") == NOBODY
    assert await engine.replace("g:1", "bob") == NOBODY
    assert await engine.roster("g:1") == set()
    assert await engine.members.count(engine.tenant, "g:1") == 0
    assert await engine.members.has(engine.tenant, "g:1", ["ann"]) == frozenset()
    assert await engine.members.groups_of(engine.tenant, "u:ann") == []


@pytest.mark.parametrize("bad", ["", "x" * 129])
async def test_an_impossible_id_changes_nothing(engine: Engine, bad: str) -> None:
    await team(engine)
    before = await engine.dump()
    with pytest.raises(ValueError, match="1 to 128 characters"):
        await engine.join("g:1", "ann", bad)
    assert await engine.dump() == before


async def test_the_same_nonce_answers_again_and_does_nothing_more(engine: Engine) -> None:
    await team(engine)
    change = MemberChange(add=("ann",))
    first = await engine.alter("g:1", change, nonce="n")
    await engine.leave("g:1", "ann")
    before = await engine.dump()
    assert await engine.alter("g:1", change, nonce="n") == first
    assert await engine.dump() == before


async def test_a_long_change_goes_in_chunks_and_answers_once(engine: Engine) -> None:
    await team(engine)
    many = tuple(f"m{number}" for number in range(450))
    assert await engine.join("g:1", *many) == Written(WriteStatus.OK, 4)
    assert await engine.roster("g:1") == set(many)
    assert await engine.members.count(engine.tenant, "g:1") == 450


async def test_a_change_repeated_after_a_crash_in_the_middle(engine: Engine) -> None:
    """The first chunks ran, then the gateway died; somebody else changed the group meanwhile."""
    await team(engine)
    many = tuple(f"m{number}" for number in range(10_000))
    await engine.alter("g:1", MemberChange(add=many[:5000]), nonce="n")
    await engine.leave("g:1", "m7")
    answer = await engine.alter("g:1", MemberChange(add=many), nonce="n")
    assert answer == Written(WriteStatus.OK, 1 + 25 + 1 + 25)
    assert await engine.roster("g:1") == set(many) - {"m7"}
    before = await engine.dump()
    assert await engine.alter("g:1", MemberChange(add=many), nonce="n") == answer
    assert await engine.dump() == before


async def test_parallel_writers_lose_nobody(engine: Engine) -> None:
    await team(engine)

    async def write(writer: int) -> None:
        for number in range(20):
            await engine.join("g:1", *(f"w{writer}-{number}-{each}" for each in range(5)))
            await engine.leave("g:1", f"w{writer}-{number}-0")

    await asyncio.gather(*(write(writer) for writer in range(32)))
    wanted = {f"w{w}-{n}-{e}" for w in range(32) for n in range(20) for e in range(1, 5)}
    assert await engine.roster("g:1") == wanted
    (stored,) = await engine.store.read(engine.tenant, ["g:1"])
    assert stored is not None
    assert stored.version == 1 + 32 * 20 * 2


async def test_the_document_is_changed_beside_its_members(engine: Engine) -> None:
    """A write of the document conflicts with a newer document only, not with newer members."""
    await team(engine)
    change = await engine.change("g:1", title="Support")
    other = await engine.change("g:1", title="Research")
    await engine.join("g:1", "ann")
    assert await engine.store.write(engine.tenant, change) == Written(WriteStatus.OK, 3)
    assert await engine.store.write(engine.tenant, other) == Written(WriteStatus.CONFLICT, 3)
    assert await engine.roster("g:1") == {"ann"}


async def test_pages_of_a_small_group_are_in_order(engine: Engine) -> None:
    await team(engine)
    ids = [f"m{number}" for number in range(7)]
    await engine.join("g:1", *ids)
    first = await engine.members.page(engine.tenant, "g:1", after="", limit=3)
    assert (first.ids, first.total) == (("m0", "m1", "m2"), 7)
    second = await engine.members.page(engine.tenant, "g:1", after=first.after or "", limit=4)
    assert (second.ids, second.after) == (("m3", "m4", "m5", "m6"), None)


async def test_pages_of_a_big_group_hold_everybody(engine: Engine) -> None:
    await team(engine)
    ids = {f"m{number}" for number in range(3000)}
    await engine.join("g:1", *sorted(ids))
    found: set[str] = set()
    after: str | None = ""
    while after is not None:
        page = await engine.members.page(engine.tenant, "g:1", after=after, limit=100)
        assert len(page.ids) < 200
        assert page.total == 3000
        found.update(page.ids)
        after = page.after
    assert found == ids
    assert await engine.roster("g:1") == ids


@pytest.mark.parametrize("after", ["5", "@", "@x", ">", "@99999999999999999999"])
async def test_a_made_up_cursor_is_refused(engine: Engine, after: str) -> None:
    with pytest.raises(ValueError, match="not where a page"):
        await engine.members.page(engine.tenant, "g:1", after=after, limit=3)


async def test_who_is_a_member_and_of_what(engine: Engine) -> None:
    await team(engine)
    await engine.create("g:2", title="Support")
    await engine.join("g:1", "ann", "2")
    await engine.join("g:2", "ann")
    assert await engine.members.has(engine.tenant, "g:1", ["ann", "bob", "2"]) == {"ann", "2"}
    assert await engine.members.has(engine.tenant, "g:1", []) == frozenset()
    groups = await engine.members.groups_of(engine.tenant, "u:ann")
    assert {each.rk for each in groups} == {"g:1", "g:2"}
    assert [each.rk for each in await engine.members.groups_of(engine.tenant, "g:2")] == ["g:1"]


async def test_a_deleted_person_leaves_all_groups(engine: Engine) -> None:
    await team(engine)
    await engine.join("g:1", "ann", "bob")
    await engine.delete("u:ann")
    assert await engine.roster("g:1") == {"bob"}
    assert await engine.members.sweep(0) == 0


async def test_a_deleted_person_leaves_many_groups_step_by_step(engine: Engine) -> None:
    await team(engine)
    for number in range(450):
        await engine.create(f"g:x{number}", title="x")
        await engine.join(f"g:x{number}", "ann")
    await engine.delete("u:ann")
    counts = [await engine.members.sweep(0) for _ in range(2)]
    assert counts == [1, 0]
    rosters = [await engine.members.count(engine.tenant, f"g:x{n}") for n in range(450)]
    assert sum(rosters) == 0


async def test_a_deleted_group_is_forgotten_step_by_step(engine: Engine) -> None:
    await team(engine)
    await engine.join("g:1", *(f"m{number}" for number in range(450)))
    await engine.delete("g:1")
    assert [await engine.members.sweep(0) for _ in range(3)] == [1, 1, 0]
    left = [key for key in await engine.dump() if ":ug:" in key or ":gm:" in key or ":gd:" in key]
    assert left == []


async def test_lua_and_python_spell_the_same_member_keys(engine: Engine) -> None:
    await team(engine)
    await engine.join("g:1", "ann", "bob")
    written = {key for key in await engine.dump() if key.startswith(tenant_key("g"))}
    answers = {key for key in written if key.startswith(tenant_key("ga:"))}
    assert written - answers == set(keys.members(0, "acme", "g:1"))
    assert answers == {keys.members_answer(0, "acme", "g:1", f"m{engine.serial}:0")}
    assert keys.groups_of(0, "acme", "bob") in await engine.dump()


async def test_another_installation_is_never_read_or_written(engine: Engine) -> None:
    await team(engine)
    other = type(engine.members)(engine.lane, "another")
    change = [MemberChange(add=("ann",))]
    calls = (
        other.change(engine.tenant, "g:1", change, nonce="n", cause="c"),
        other.clear(engine.tenant, "g:1", nonce="n", cause="c"),
        other.count(engine.tenant, "g:1"),
        other.has(engine.tenant, "g:1", ["ann"]),
        other.groups_of(engine.tenant, "u:ann"),
        other.sweep(0),
    )
    for call in calls:
        with pytest.raises(types.ForeignRedis):
            await call
