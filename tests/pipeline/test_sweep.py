"""The sweep: what was changed at BLDNG behind our back is mended, the equal left alone."""

from typing import Any

import pytest

from tests.support.waiting import eventually
from tests.support.worker import Rig, in_department, person, rk, team
from workers.patrol import Patroller

MUTATING = {"POST", "PATCH", "PUT", "DELETE"}


def changes(rig: Rig) -> list[tuple[str, str]]:
    """The calls that changed something, or tried to."""
    return [(row.method, row.path) for row in rig.sandbox.log if row.method in MUTATING]


async def swept(rig: Rig, patroller: Patroller, reason: str, number: int) -> None:
    """One whole quick pass over so many resources."""
    before = rig.metric("swept_resources_total")
    patroller.ask(reason)

    async def passed() -> bool:
        found = await rig.stack.client.hgetall(patrol_key(rig))
        over = b"hurry" not in found and found.get(b"gen") == reason.encode()
        return over and rig.metric("swept_resources_total") >= before + number

    await eventually(passed, within_s=20)
    await rig.until_clean()


def patrol_key(rig: Rig) -> str:
    return f"sg:{{p{rig.tenant.partition}}}:{rig.tenant.name}:patrol"


def record_of(rig: Rig, doc: dict[str, Any]) -> dict[str, Any]:
    """What BLDNG holds of a person."""
    [found] = [each for each in rig.users() if each["ssoSubject"] == doc["externalId"]]
    return found


def group_id(rig: Rig) -> str:
    [found] = rig.sandbox.state.org(rig.tenant.org).groups
    return str(found["id"])


async def test_the_equal_cost_nothing_and_the_different_is_mended(rig: Rig) -> None:
    people = [in_department(1, "Sales"), in_department(2, "Sales"), person(3)]
    group = team(1)
    async with rig.working() as worker:
        for doc in people:
            await rig.put(doc)
        await rig.put(group)
        await rig.join(group, *people[:2])
        await rig.until_clean()
        await eventually(lambda: rig.groups() == {"Team 1": LOGINS[:2]})
        await rig.until_clean()
        before = changes(rig)
        await swept(rig, worker.patroller, "one", 4)
        assert changes(rig) == before
        org, joy = rig.tenant.org, record_of(rig, people[0])["id"]
        edit = {"username": "else@example.com", "departmentId": None}
        await rig.bldng.users.patch(org, joy, fields=edit, request_id="edit")
        name = {"name": "Another"}
        await rig.bldng.groups.patch(org, group_id(rig), fields=name, request_id="edit")
        await swept(rig, worker.patroller, "two", 4)
        assert record_of(rig, people[0])["username"] == LOGINS[0]
        assert record_of(rig, people[0])["departmentId"] is not None
        assert rig.groups() == {"Team 1": LOGINS[:2]}
        assert len(changes(rig)) == len(before) + 4
    assert rig.metric("drift_resources_total", resource="user") == 1
    assert rig.metric("drift_resources_total", resource="group") == 1
    assert {line["rk"] for line in rig.events("drift_found")} == {rk(people[0]), rk(group)}


LOGINS = [f"user{number}@example.com" for number in (1, 2, 3)]


async def test_members_are_mended_both_ways_and_strangers_stay(rig: Rig) -> None:
    people, group = [person(1), person(2), person(3)], team(1)
    async with rig.working() as worker:
        for doc in people:
            await rig.put(doc)
        await rig.put(group)
        await rig.join(group, *people[:2])
        await rig.until_clean()
        await eventually(lambda: rig.groups() == {"Team 1": LOGINS[:2]})
        await rig.until_clean()
        ids = [record_of(rig, doc)["id"] for doc in people]
        stranger = await rig.bldng.users.create(
            rig.tenant.org,
            fields={"username": "local@example.com", "active": True},
            idempotency_key="stranger",
            request_id="test",
        )
        await rig.bldng.groups.change_members(
            rig.tenant.org,
            group_id(rig),
            add=[ids[2], stranger.id],
            remove=[ids[0]],
            request_id="edit",
        )
        await swept(rig, worker.patroller, "one", 4)
        assert rig.groups() == {"Team 1": ["local@example.com", *LOGINS[:2]]}
        before = changes(rig)
        await swept(rig, worker.patroller, "two", 4)
        assert changes(rig) == before


async def test_a_record_that_vanished_is_made_again(rig: Rig) -> None:
    doc = person(1)
    async with rig.working() as worker:
        await rig.put(doc)
        await rig.until_clean()
        await rig.bldng.users.delete(rig.tenant.org, record_of(rig, doc)["id"], request_id="test")
        await swept(rig, worker.patroller, "one", 1)
        assert record_of(rig, doc)["username"] == LOGINS[0]


@pytest.mark.parametrize("status", [500, 403])
async def test_a_backend_in_trouble_is_left_alone(rig: Rig, status: int) -> None:
    """One GET, then the walk waits where it is."""
    async with rig.working() as worker:
        await rig.put(person(1))
        await rig.put(person(2))
        await rig.until_clean()
        before = len(rig.sandbox.log)
        rig.sandbox.order(action="status", status=status, method="GET")
        worker.patroller.ask("one")
        await eventually(lambda: rig.events("sweep_failed"))
        found = await rig.stack.client.hgetall(patrol_key(rig))
        assert found[b"hurry"] == b"1"
        assert len(rig.sandbox.log) == before + 1
    assert rig.metric("drift_resources_total", resource="user") == 0
