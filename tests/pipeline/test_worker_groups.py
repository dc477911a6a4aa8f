"""Groups and their members from Redis to BLDNG, through a real worker, Redis and HTTP."""

from clients.redis.types import MemberChange
from tests.support import crowd
from tests.support.teams import batch_sizes, login, people
from tests.support.waiting import eventually
from tests.support.worker import Rig, person, rk, team


async def test_a_group_arrives_with_its_members_in_one_batch(rig: Rig) -> None:
    docs = await people(rig, 3)
    async with rig.working():
        await rig.put(team(1))
        await rig.join(team(1), *docs)
        await rig.until_clean()
    assert rig.groups() == {"Team 1": [login(1), login(2), login(3)]}
    assert sum(batch_sizes(rig)) == 3
    assert rig.metric("members_synced_total", change="add") == 3


async def test_only_the_difference_is_sent(rig: Rig) -> None:
    docs = await people(rig, 6)
    async with rig.working():
        await rig.put(team(1))
        await rig.join(team(1), *docs[:5])
        await rig.until_clean()
        sent = len(rig.batches())
        await rig.change_members(
            team(1), MemberChange(add=(docs[5]["id"],), remove=(docs[0]["id"],))
        )
        await rig.until_clean()
    assert rig.groups() == {"Team 1": [login(number) for number in range(2, 7)]}
    assert sum(batch_sizes(rig)[sent:]) == 2
    assert not rig.sandbox.calls("PATCH"), "the group's own fields did not change"


async def test_a_member_who_is_there_already_or_never_was_costs_no_call(rig: Rig) -> None:
    docs = await people(rig, 2)
    async with rig.working():
        await rig.put(team(1))
        await rig.join(team(1), docs[0])
        await rig.until_clean()
        sent = len(rig.sandbox.log)
        await rig.join(team(1), docs[0])
        await rig.leave(team(1), docs[1])
        await rig.until_clean()
    assert len(rig.sandbox.log) == sent


async def test_a_rename_and_a_new_member_are_one_call_each(rig: Rig) -> None:
    docs = await people(rig, 2)
    async with rig.working():
        await rig.put(team(1))
        await rig.join(team(1), docs[0])
        await rig.until_clean()
        rig.sandbox.state.log.clear()
    await rig.put(team(1, displayName="Renamed"))
    await rig.join(team(1), docs[1])
    async with rig.working():
        await rig.until_clean()
    assert rig.groups() == {"Renamed": [login(1), login(2)]}
    assert [row.method for row in rig.sandbox.log] == ["PATCH", "POST"]


async def test_members_go_in_batches_of_500(rig: Rig) -> None:
    ids = await crowd.settle_in(rig.stack, rig.tenant, rig.sandbox.state, range(1200))
    await rig.put(team(1))
    await rig.change_members(team(1), MemberChange(add=tuple(ids)))
    async with rig.working():
        await rig.until_clean()
    assert len(rig.groups()["Team 1"]) == 1200
    assert batch_sizes(rig) == [500, 500, 200]
    lines = [line for line in rig.events("sync_attempt") if line["rk"] == rk(team(1))]
    assert [line["members_added"] for line in lines] == [500, 500, 200]


async def test_a_group_before_its_people_gets_each_as_they_come(rig: Rig) -> None:
    docs = [person(number) for number in range(1, 5)]
    await rig.put(team(1))
    await rig.join(team(1), *docs)
    async with rig.working():
        await eventually(lambda: "Team 1" in rig.groups())
        for doc in reversed(docs):
            await rig.put(doc)
        await eventually(lambda: len(rig.groups()["Team 1"]) == 4, within_s=10)
        await rig.until_clean()
    assert sum(batch_sizes(rig)) == 4, "each person exactly once"


async def test_a_member_who_never_comes_holds_up_nobody(rig: Rig) -> None:
    docs = await people(rig, 2)
    await rig.put(team(1))
    await rig.join(team(1), docs[0], person(99), team(2), docs[1])
    async with rig.working():
        await eventually(lambda: rig.groups() == {"Team 1": [login(1), login(2)]})


async def test_a_nested_group_is_never_sent(rig: Rig) -> None:
    [doc] = await people(rig, 1)
    async with rig.working():
        await rig.put(team(1))
        await rig.put(team(2))
        await rig.until_clean()
        await rig.join(team(1), team(2), doc)
        await eventually(lambda: rig.groups() == {"Team 1": [login(1)], "Team 2": []})
    assert sum(batch_sizes(rig)) == 1


async def test_adding_and_removing_somebody_unknown_is_no_call(rig: Rig) -> None:
    await rig.put(team(1))
    await rig.join(team(1), person(1))
    await rig.leave(team(1), person(1))
    async with rig.working():
        await rig.put(person(1))
        await rig.until_clean()
    assert rig.groups() == {"Team 1": []}
    assert not rig.batches()


async def test_a_deleted_person_leaves_and_a_disabled_one_stays(rig: Rig) -> None:
    docs = await people(rig, 3)
    async with rig.working():
        await rig.put(team(1))
        await rig.join(team(1), *docs)
        await rig.until_clean()
        await rig.remove(docs[0])
        await rig.put({**docs[1], "active": False})
        await rig.until_clean()
        assert rig.groups() == {"Team 1": [login(2), login(3)]}
        await rig.put(docs[1])
        await rig.until_clean()
    assert rig.groups() == {"Team 1": [login(2), login(3)]}


async def test_a_group_deleted_while_members_wait_is_gone(rig: Rig) -> None:
    docs = await people(rig, 3)
    async with rig.working():
        await rig.put(team(1))
        await rig.until_clean()
    await rig.join(team(1), *docs)
    await rig.remove(team(1))
    async with rig.working():
        await rig.until_clean()
    assert rig.groups() == {}
    assert len(rig.users()) == 3
    assert not rig.batches()


async def test_what_a_deleted_group_leaves_in_redis_is_swept(rig: Rig) -> None:
    await rig.put(team(1))
    await rig.join(team(1), *(person(number) for number in range(1000)))
    await rig.remove(team(1))

    async def swept() -> bool:
        left = [key async for key in rig.stack.client.scan_iter(match="*:gm:*")]
        return not left and await rig.members.sweep(rig.tenant.partition) == 0

    assert not await swept()
    async with rig.working():
        await eventually(swept, within_s=10)


async def test_a_line_about_a_group_counts_members_and_names_nobody(rig: Rig) -> None:
    docs = await people(rig, 2)
    await rig.put(team(1))
    await rig.join(team(1), *docs)
    async with rig.working():
        await rig.until_clean()
    [line] = [line for line in rig.events("sync_attempt") if line["rk"] == rk(team(1))]
    assert (line["op"], line["members_added"], line["members_removed"]) == ("create", 2, 0)
    assert b"Team 1" not in rig.lines.getvalue()
