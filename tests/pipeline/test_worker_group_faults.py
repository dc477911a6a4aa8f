"""Groups when BLDNG refuses, forgets, fails or answers nonsense."""

import pytest

from clients.redis import keys, replies
from clients.redis.types import MemberChange
from tests.support.teams import batch_path, batch_sizes, group_id, login, people
from tests.support.waiting import eventually
from tests.support.worker import Rig, rk, team


async def test_a_person_unknown_to_bldng_is_made_again_and_joins(rig: Rig) -> None:
    docs = await people(rig, 3)
    async with rig.working():
        await rig.put(team(1))
        await rig.until_clean()
        lost = (await rig.state(docs[1])).backend_id
        rig.sandbox.state.org(rig.tenant.org).users.drop(lost)
        await rig.join(team(1), *docs)
        await eventually(lambda: len(rig.groups()["Team 1"]) == 3, within_s=10)
        await rig.until_clean()
    assert rig.groups() == {"Team 1": [login(1), login(2), login(3)]}
    assert (await rig.state(docs[1])).backend_id != lost
    [line] = [line for line in rig.events("sync_attempt") if line.get("members_unknown")]
    assert (line["members_added"], line["members_unknown"]) == (2, 1)


async def test_removing_a_person_unknown_to_bldng_is_done(rig: Rig) -> None:
    docs = await people(rig, 2)
    async with rig.working():
        await rig.put(team(1))
        await rig.join(team(1), *docs)
        await rig.until_clean()
        org = rig.sandbox.state.org(rig.tenant.org)
        lost = (await rig.state(docs[0])).backend_id
        org.users.drop(lost)
        for members in org.members.values():
            members.pop(lost)
        await rig.leave(team(1), docs[0])
        await rig.until_clean()
    assert rig.groups() == {"Team 1": [login(2)]}


@pytest.mark.parametrize("found_by", ["members", "rename"])
async def test_a_group_that_vanished_is_made_again_with_everybody(rig: Rig, found_by: str) -> None:
    docs = await people(rig, 5)
    async with rig.working():
        await rig.put(team(1))
        await rig.join(team(1), *docs[:4])
        await rig.until_clean()
        before = (await rig.state(team(1))).backend_id
        org = rig.sandbox.state.org(rig.tenant.org)
        org.groups.drop(before)
        org.members.pop(before)
        if found_by == "members":
            await rig.change_members(
                team(1), MemberChange(add=(docs[4]["id"],), remove=(docs[0]["id"],))
            )
        else:
            await rig.put(team(1, displayName="Renamed"))
        await rig.until_clean()
    [(name, members)] = rig.groups().items()
    numbers = range(2, 6) if found_by == "members" else range(1, 5)
    assert members == [login(number) for number in numbers], name
    assert (await rig.state(team(1))).backend_id != before
    assert rig.metric("drift_total") == 1


async def test_an_existing_group_of_ours_is_adopted(rig: Rig) -> None:
    [doc] = await people(rig, 1)
    rig.sandbox.order(action="hang", when="after", method="POST", path="/orgs/org-acme/groups",
                      times=1)  # fmt: skip
    async with rig.working():
        await rig.put(team(1))
        await rig.join(team(1), doc)
        await rig.until_clean(within_s=15)
    assert rig.groups() == {"Team 1": [login(1)]}


async def test_a_batch_that_is_too_large_is_halved(rig: Rig) -> None:
    docs = await people(rig, 8)
    async with rig.working():
        await rig.put(team(1))
        await rig.until_clean()
    refuse_batches(rig, status=413, times=2)
    await rig.join(team(1), *docs)
    async with rig.working():
        await rig.until_clean()
    assert batch_sizes(rig) == [8, 4, 2, 2, 2, 2]
    assert len(rig.groups()["Team 1"]) == 8


async def test_a_single_member_who_is_refused_leaves_the_group_to_a_human(rig: Rig) -> None:
    docs = await people(rig, 4)
    async with rig.working():
        await rig.put(team(1))
        await rig.until_clean()
        refuse_batches(rig, status=400)
        await rig.join(team(1), *docs)
        state = await rig.until(team(1), "D")
        assert state.error_code == "rejected"
        rig.sandbox.faults.clear()
        await rig.leave(team(1), docs[0])
        await rig.until_clean()
    assert batch_sizes(rig)[:3] == [4, 2, 1]
    assert rig.groups() == {"Team 1": [login(2), login(3), login(4)]}


async def test_what_was_confirmed_before_a_failure_is_not_sent_again(rig: Rig) -> None:
    docs = await people(rig, 4)
    async with rig.working():
        await rig.put(team(1))
        await rig.until_clean()
    refuse_batches(rig, status=413, times=1)
    rig.sandbox.order(action="delay", path=batch_path(rig), times=1)
    refuse_batches(rig, status=500, times=1)
    await rig.join(team(1), *docs)
    async with rig.working():
        await rig.until_clean(within_s=10)
    assert batch_sizes(rig) == [4, 2, 2, 2]
    first, again = rig.batches()[1], rig.batches()[3]
    assert not set(first.body["add"]) & set(again.body["add"])
    assert not rig.sandbox.calls("PATCH"), "the group's own fields were never in doubt"
    assert len(rig.groups()["Team 1"]) == 4


async def test_an_unreadable_success_is_compared_with_what_bldng_holds(rig: Rig) -> None:
    docs = await people(rig, 3)
    async with rig.working():
        await rig.put(team(1))
        await rig.join(team(1), docs[0])
        await rig.until_clean()
        sent = len(rig.batches())
        rig.sandbox.order(action="body", body="html", path=batch_path(rig), times=1)
        await rig.change_members(
            team(1),
            MemberChange(add=(docs[1]["id"], docs[2]["id"]), remove=(docs[0]["id"],)),
        )
        await rig.until_clean()
    assert rig.groups() == {"Team 1": [login(2), login(3)]}
    assert len(rig.batches()) == sent + 1
    assert len(rig.sandbox.calls("GET", batch_path(rig).partition(":")[0])) == 1
    assert rig.metric("jobs_total", outcome="retry") == 0


@pytest.mark.parametrize("joins", [True, False])
async def test_an_unreadable_success_that_was_none_is_sent_again(rig: Rig, *, joins: bool) -> None:
    docs = await people(rig, 2)
    async with rig.working():
        await rig.put(team(1))
        await rig.join(team(1), *(docs[:1] if joins else docs))
        await rig.until_clean()
        lost = (await rig.state(docs[1])).backend_id
        members = rig.sandbox.state.org(rig.tenant.org).members[group_id(rig)]
        path = batch_path(rig).partition(":")[0]
        rig.sandbox.order(action="body", body="html", method="POST", path=path, times=1)
        rig.sandbox.order(action="delay", delay_ms=200, method="GET", path=path, times=1)
        await (rig.join if joins else rig.leave)(team(1), docs[1])
        await eventually(lambda: (lost in members) is joins)
        if joins:
            members.pop(lost)
        else:
            members[lost] = None
        await rig.until_clean(within_s=10)
    assert rig.groups() == {"Team 1": [login(1), login(2)][: 1 + joins]}
    assert rig.metric("jobs_total", outcome="retry") == 1


async def test_an_unreadable_success_and_an_unreadable_comparison_are_tried_again(
    rig: Rig,
) -> None:
    [doc] = await people(rig, 1)
    async with rig.working():
        await rig.put(team(1))
        await rig.until_clean()
        path = batch_path(rig).partition(":")[0]
        rig.sandbox.order(action="body", body="html", path=path, times=2)
        await rig.join(team(1), doc)
        await rig.until_clean(within_s=10)
    assert rig.groups() == {"Team 1": [login(1)]}
    assert rig.metric("jobs_total", outcome="retry") == 1


async def test_a_late_batch_of_a_lost_lease_does_not_stay(rig: Rig) -> None:
    """The add lands after the removal that a later lease sent: it is taken back."""
    [doc] = await people(rig, 1)
    async with rig.working():
        await rig.put(team(1))
        await rig.until_clean()
        rig.sandbox.order(action="delay", delay_ms=500, path=batch_path(rig), times=1)
        await rig.join(team(1), doc)
        await eventually(lambda: not rig.sandbox.faults.ordered)
        assert await rig.stack.queue.recover(rig.tenant.partition, await claim_of(rig)) == 1
        await rig.leave(team(1), doc)
        await eventually(lambda: rig.metric("stale_settles_total") == 1)
        await rig.until_clean()
    assert rig.groups() == {"Team 1": []}


async def claim_of(rig: Rig) -> str:
    """The token prefix of the claim that holds the one group."""
    key = keys.state(rig.tenant.partition, rig.tenant.name, rk(team(1)))
    token = replies.text(await rig.stack.client.hget(key, "tok"))
    return token.rpartition(".")[0]


def refuse_batches(rig: Rig, *, status: int, times: int | None = None) -> None:
    rig.sandbox.order(action="status", status=status, path=batch_path(rig), times=times)
