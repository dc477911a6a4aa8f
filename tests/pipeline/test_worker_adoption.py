"""People whom BLDNG knew before SCIM: linked, refused or put to a human, and never taken over."""

from typing import Any

import pytest

from clients.redis.types import Policy, ResourceState
from tests.support.worker import Rig, person


def legacy(rig: Rig, number: int, **fields: Any) -> str:
    """Put a record of before SCIM into BLDNG; its id."""
    state = rig.sandbox.state
    record = {
        "id": state.new_id("usr_"),
        "username": f"USER{number}@example.com",
        "email": None,
        "mobile": "0799",
        "firstName": None,
        "lastName": None,
        "displayName": "by hand",
        "ssoSubject": None,
        "employeeNumber": None,
        "departmentId": None,
        "active": True,
        "createdAt": state.now_iso(),
        "updatedAt": state.now_iso(),
        **fields,
    }
    state.org(rig.tenant.org).users.put(record)
    return str(record["id"])


async def synced(rig: Rig, doc: dict[str, Any], state: str) -> ResourceState:
    async with rig.working():
        await rig.put(doc)
        return await rig.until(doc, state)


async def test_an_unclaimed_namesake_is_linked_and_loses_nothing(rig: Rig) -> None:
    existing = legacy(rig, 1)
    state = await synced(rig, person(1), "S")
    [user] = rig.users()
    assert user["id"] == state.backend_id == existing
    assert user["ssoSubject"] == "object-1"
    assert (user["mobile"], user["displayName"]) == ("0799", "by hand")
    assert not rig.sandbox.calls("POST")
    [line] = rig.events("record_linked")
    assert line["backend_id"] == existing


@pytest.mark.parametrize(
    ("policy", "cause"), [(Policy.STRICT, "conflict"), (Policy.REVIEW, "needs_review")]
)
async def test_other_policies_leave_the_namesake_alone(
    rig: Rig, policy: Policy, cause: str
) -> None:
    existing = legacy(rig, 1)
    await rig.stack.tenants.set_policy("acme", policy)
    state = await synced(rig, person(1), "D")
    assert state.error_code == cause
    assert existing in state.error_text
    assert rig.users()[0]["ssoSubject"] is None


async def test_our_own_record_is_adopted_whatever_the_policy(rig: Rig) -> None:
    existing = legacy(rig, 1, ssoSubject="object-1", username="old-name@example.com")
    await rig.stack.tenants.set_policy("acme", Policy.STRICT)
    state = await synced(rig, person(1), "S")
    assert state.backend_id == existing
    assert rig.users()[0]["username"] == "user1@example.com"


async def test_a_record_with_anothers_claim_is_never_touched(rig: Rig) -> None:
    existing = legacy(rig, 1, ssoSubject="somebody-else")
    state = await synced(rig, person(1), "D")
    assert state.error_code == "conflict"
    assert existing in state.error_text
    assert rig.users()[0]["ssoSubject"] == "somebody-else"
    assert not rig.sandbox.calls("PATCH")


async def test_nobody_is_picked_among_doubles(rig: Rig) -> None:
    ids = [legacy(rig, 1), legacy(rig, 1)]
    state = await synced(rig, person(1), "D")
    assert state.error_code == "duplicate_backend"
    assert all(each in state.error_text for each in ids)
    assert len(rig.sandbox.log) == 2


async def test_a_rename_onto_a_foreign_name_is_dead_and_names_the_holder(rig: Rig) -> None:
    existing = legacy(rig, 2, ssoSubject="somebody-else")
    doc = person(1)
    async with rig.working():
        await rig.put(doc)
        await rig.until(doc, "S")
        await rig.put({**doc, "userName": "user2@example.com"})
        state = await rig.until(doc, "D")
    assert state.error_code == "conflict"
    assert existing in state.error_text
    assert state.failures == 0


async def test_a_newer_change_revives_a_dead_one(rig: Rig) -> None:
    legacy(rig, 2, ssoSubject="somebody-else")
    doc = person(1, userName="user2@example.com")
    async with rig.working():
        await rig.put(doc)
        await rig.until(doc, "D")
        await rig.put(person(1))
        await rig.until(doc, "S")
    assert {user["username"] for user in rig.users()} == {
        "USER2@example.com",
        "user1@example.com",
    }


async def test_a_name_that_moves_between_ours_waits_for_its_holder(rig: Rig) -> None:
    """The store has both as they shall be; BLDNG must see the rename before the create."""
    first, second = person(1), person(2, userName="user1@example.com")
    async with rig.working():
        await rig.put(first)
        await rig.until(first, "S")
    await rig.put({**first, "userName": "renamed@example.com"})
    await rig.put(second)
    async with rig.working():
        await rig.until_clean()
    held = {user["ssoSubject"]: user["username"] for user in rig.users()}
    assert held == {"object-1": "renamed@example.com", "object-2": "user1@example.com"}


async def test_a_value_held_by_one_of_ours_that_changes_is_waited_for(rig: Rig) -> None:
    """BLDNG holds an older name of ours: the newcomer is blocked, not dead."""
    first, second = person(1), person(2)
    legacy(rig, 2, ssoSubject="object-1")
    await rig.put(first)
    path = f"/orgs/{rig.tenant.org}/users/"
    rig.sandbox.order(action="status", status=503, method="PATCH", path=path, times=1)
    await rig.put(second)
    async with rig.working():
        await rig.until_clean()
    held = {user["ssoSubject"]: user["username"] for user in rig.users()}
    assert held == {"object-1": "user1@example.com", "object-2": "user2@example.com"}
    outcomes = {line["outcome"] for line in rig.events("sync_attempt")}
    assert "dead" not in outcomes


async def test_one_deleted_and_created_again_never_gets_the_doomed_record(rig: Rig) -> None:
    first = person(1)
    async with rig.working():
        await rig.put(first)
        old = (await rig.until(first, "S")).backend_id
    await rig.remove(first)
    again = person(2, userName=first["userName"], externalId=first["externalId"])
    await rig.put(again)
    async with rig.working():
        await rig.until(again, "S")
    [user] = rig.users()
    assert user["id"] != old
    deletes = [row.path for row in rig.sandbox.calls("DELETE")]
    assert len(deletes) == 1
    assert deletes[0].endswith(old)
