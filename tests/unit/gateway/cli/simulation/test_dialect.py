"""One change in the two PATCH dialects."""

import pytest

from gateway.cli.simulation import dialect
from gateway.cli.simulation.dialect import Dialect
from gateway.cli.simulation.mapping import Flat

URN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WORK = 'emails[type eq "work"].value'

LEGACY: list[tuple[Flat, Flat, list[dict[str, object]]]] = [
    ({"title": "a"}, {"title": "b"}, [{"op": "Replace", "path": "title", "value": "b"}]),
    ({}, {"title": "b"}, [{"op": "Add", "path": "title", "value": "b"}]),
    ({"active": True}, {"active": False}, [{"op": "Replace", "path": "active", "value": "False"}]),
    ({"active": False}, {"active": True}, [{"op": "Replace", "path": "active", "value": "True"}]),
    (
        {},
        {f"{URN}:manager": "m"},
        [{"op": "Add", "path": "manager", "value": [{"$ref": None, "value": "m"}]}],
    ),
    ({f"{URN}:manager": "m"}, {}, [{"op": "Remove", "path": "manager"}]),
    ({WORK: "a"}, {WORK: "b"}, [{"op": "Replace", "path": WORK, "value": "b"}]),
    ({"title": "a"}, {"title": "a"}, []),
]

FLAG: list[tuple[Flat, Flat, list[dict[str, object]]]] = [
    (
        {"title": "a", "name.givenName": "x"},
        {"title": "b", "name.givenName": "y", f"{URN}:department": "HR"},
        [
            {"op": "add", "value": {f"{URN}:department": "HR"}},
            {"op": "replace", "value": {"title": "b", "name.givenName": "y"}},
        ],
    ),
    ({"active": True}, {"active": False}, [{"op": "replace", "path": "active", "value": False}]),
    ({WORK: "a"}, {WORK: "b"}, [{"op": "replace", "path": WORK, "value": "b"}]),
    ({}, {f"{URN}:manager": "m"}, [{"op": "add", "path": f"{URN}:manager", "value": "m"}]),
    ({f"{URN}:manager": "m"}, {}, [{"op": "remove", "path": f"{URN}:manager"}]),
]


@pytest.mark.parametrize(("before", "after", "operations"), LEGACY)
def test_legacy(before: Flat, after: Flat, operations: list[dict[str, object]]) -> None:
    assert dialect.legacy(before, after) == operations


@pytest.mark.parametrize(("before", "after", "operations"), FLAG)
def test_flag(before: Flat, after: Flat, operations: list[dict[str, object]]) -> None:
    assert dialect.flag(before, after) == operations


def test_both_takes_turns() -> None:
    assert {dialect.choose(Dialect.BOTH, turn) for turn in (0, 1)} == {
        Dialect.LEGACY,
        Dialect.FLAG,
    }
    assert dialect.choose(Dialect.FLAG, 0) is Dialect.FLAG
    assert dialect.choose(Dialect.LEGACY, 1) is Dialect.LEGACY


def test_a_patch_names_its_schema() -> None:
    body = dialect.patch({}, {"title": "b"}, Dialect.LEGACY)
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
