"""Whether what was sent is at BLDNG, and how fast it came."""

from typing import Any

import pytest

from gateway.cli.local import arrival
from gateway.cli.simulation.cycle import Link
from gateway.cli.simulation.group_cycle import GroupLink
from gateway.cli.simulation.journal import Action, Entry
from gateway.cli.simulation.mapping import ENTERPRISE, Flat
from gateway.cli.simulation.transport import Answer

OBJECT_ID = "8a6bcff8-b1d0-4e0f-b1c2-4e0f1f0f1f0f"
SENT: Flat = {
    "userName": "joy@x",
    "active": True,
    "externalId": OBJECT_ID,
    "displayName": "Joy Young",
    "title": "Planner",
    f"{ENTERPRISE}:department": "HR",
}
RECORD: dict[str, Any] = {
    "id": "usr_1",
    "username": "joy@x",
    "active": True,
    "displayName": "Joy Young",
    "email": None,
    "firstName": None,
    "lastName": None,
    "mobile": None,
    "ssoSubject": OBJECT_ID,
    "employeeNumber": None,
    "departmentId": "dep_1",
}


def organisation(**changed: Any) -> dict[str, Any]:
    return {"users": [RECORD | changed], "departments": [{"id": "dep_1", "name": "HR"}]}


def missing(found: dict[str, Any], sent: Flat = SENT) -> list[str]:
    return arrival.missing(found, {OBJECT_ID: Link("1", sent)}, ())


def test_a_person_who_is_there_as_sent_is_not_missing() -> None:
    assert missing(organisation()) == []


def test_a_person_who_is_not_there_is_missing() -> None:
    assert missing({}) == [OBJECT_ID]


@pytest.mark.parametrize(
    ("field", "value"),
    [("username", "x"), ("active", False), ("displayName", None), ("departmentId", None),
     ("mobile", "1"), ("email", "joy@x")],
)  # fmt: skip
def test_a_person_with_another_value_is_missing(field: str, value: object) -> None:
    assert missing(organisation(**{field: value})) == [OBJECT_ID]


def test_the_tombstone_in_front_of_a_login_name_never_arrives() -> None:
    sent = {**SENT, "active": False, "userName": OBJECT_ID.replace("-", "") + "joy@x"}
    assert missing(organisation(active=False), sent) == []
    assert missing(organisation(active=False, username=sent["userName"]), sent) == [OBJECT_ID]


def test_the_deleted_must_be_gone() -> None:
    assert arrival.missing(organisation(), {}, [OBJECT_ID]) == [OBJECT_ID]
    assert arrival.missing({}, {}, [OBJECT_ID]) == []


GROUP = "5e6f1c7e-0000-4000-8000-000000000001"
LINKS = {GROUP: GroupLink("g1", {"displayName": "Keys", "externalId": GROUP})}


def with_group(*members: str, name: str = "Keys") -> dict[str, Any]:
    record = {"id": "grp_1", "name": name, "externalId": GROUP}
    return {**organisation(), "groups": [record], "members": {"grp_1": list(members)}}


@pytest.mark.parametrize(
    ("found", "late"),
    [
        (with_group("usr_1"), []),
        (with_group(), [GROUP]),
        (with_group("usr_1", "usr_2"), [GROUP]),
        (with_group("usr_1", name="Other"), [GROUP]),
        ({}, [GROUP]),
    ],
)
def test_a_group_must_have_its_name_and_exactly_its_members(
    found: dict[str, Any], late: list[str]
) -> None:
    members = {GROUP: frozenset({OBJECT_ID})}
    assert arrival.missing_groups(found, LINKS, members, ()) == late


def test_a_deleted_group_must_be_gone() -> None:
    assert arrival.missing_groups(with_group("usr_1"), {}, {}, [GROUP]) == [GROUP]
    assert arrival.missing_groups(organisation(), {}, {}, [GROUP]) == []


def accepted(request_id: str, at_ms: int, *, problem: str = "") -> Entry:
    answer = Answer(200, {}, 1.0, ended_at_ms=at_ms, request_id=request_id)
    return Entry(0, Action.UPDATE, "x", answer, problem)


def row(
    request_id: str, at_ms: int, *, method: str = "PATCH", status: int = 200
) -> dict[str, Any]:
    return {"request_id": request_id, "at_ms": at_ms, "method": method, "status": status}


def test_freshness_is_measured_by_the_request_id_that_both_sides_carry() -> None:
    entries = [accepted("a", 100), accepted("b", 100), accepted("c", 100), accepted("d", 1)]
    log = [
        row("a.1", 90, method="GET"),
        row("a.1", 110),
        row("b.1", 120, status=500),
        row("b.2", 400),
        row("c.1", 50, method="GET"),
        row("d.1", 9, status=422),
    ]
    fresh = arrival.freshness(entries, log)
    assert (fresh.accepted, fresh.measured) == (4, 2)
    assert (fresh.p50_ms, fresh.p99_ms) == (10, 300)


def test_what_failed_at_scim_is_not_awaited() -> None:
    assert arrival.freshness([accepted("a", 1, problem="refused")], []).accepted == 0
