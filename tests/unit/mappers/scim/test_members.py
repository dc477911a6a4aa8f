from typing import Any

import orjson
import pytest

from mappers import entra
from mappers.scim import errors, members
from mappers.scim.members import MemberChange, Membership
from mappers.scim.schemas import GROUP, USER

OR = 'members[value eq "a" or value eq "b" or value eq "a"]'


def steps(*operations: dict[str, Any]) -> tuple[MemberChange, ...]:
    read = entra.operations(orjson.dumps({"Operations": operations}), GROUP)
    return members.split(read.operations)[1]


@pytest.mark.parametrize(
    ("operation", "change"),
    [
        ({"op": "Add", "path": "members", "value": [{"$ref": None, "value": "a"}]}, ("add", "a")),
        ({"op": "add", "path": "members", "value": [{"value": "a"}, {"value": "b"}, "a"]},
         ("add", "a", "b")),
        ({"op": "add", "path": "members", "value": "a"}, ("add", "a")),
        ({"op": "add", "path": "Members", "value": {"Value": "a", "displayName": "A"}},
         ("add", "a")),
        ({"op": "add", "path": "members.value", "value": "a"}, ("add", "a")),
        ({"op": "add", "path": "members", "value": []}, ("add",)),
        ({"op": "add", "value": {"members": [{"value": "a"}]}}, ("add", "a")),
        ({"op": "Remove", "path": "members", "value": [{"$ref": None, "value": "a"}]},
         ("remove", "a")),
        ({"op": "Remove", "path": "members", "value": "a"}, ("remove", "a")),
        ({"op": "remove", "path": 'members[value eq "a"]'}, ("remove", "a")),
        ({"op": "remove", "path": 'members[value eq "a"].value'}, ("remove", "a")),
        ({"op": "remove", "path": 'members[value eq "a"]', "value": [{"value": "b"}]},
         ("remove", "a")),
        ({"op": "remove", "path": 'members[value eq ""]'}, ("remove",)),
        ({"op": "remove", "path": OR}, ("remove", "a", "b")),
        ({"op": "remove", "path": "members"}, ("clear",)),
        ({"op": "remove", "path": "members", "value": None}, ("clear",)),
        ({"op": "replace", "path": "members", "value": [{"value": "a"}]}, ("replace", "a")),
        ({"op": "replace", "path": "members", "value": []}, ("clear",)),
        ({"op": "replace", "value": {"members": []}}, ("clear",)),
    ],
)  # fmt: skip
def test_every_shape_of_a_change_of_members(
    operation: dict[str, Any], change: tuple[str, ...]
) -> None:
    [found] = steps(operation)

    assert (found.kind, *found.ids) == change


@pytest.mark.parametrize("value", [[], "", [{"value": ""}], {"value": ""}, [{"type": "User"}]])
def test_a_remove_that_names_nobody_removes_nobody(value: Any) -> None:
    assert steps({"op": "Remove", "path": "members", "value": value}) == ()


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": 'members[type eq "User"]'},
        {"op": "remove", "path": 'members[value eq "a" and type eq "User"]'},
        {"op": "remove", "path": 'members[not (value eq "a")]'},
        {"op": "remove", "path": 'members[value ne "a"]'},
        {"op": "remove", "path": 'members[value eq "a" or display sw "b"]'},
        {"op": "remove", "path": "members.value"},
        {"op": "remove", "path": "members.display"},
        {"op": "replace", "path": 'members[value eq "a"]', "value": {"value": "b"}},
        {"op": "add", "path": "members.display", "value": "A"},
    ],
)
def test_a_path_that_is_not_understood_never_means_everybody(operation: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidPath, match="members"):
        steps(operation)


def test_a_member_without_id_is_refused() -> None:
    with pytest.raises(errors.InvalidValue, match="members"):
        steps({"op": "add", "path": "members", "value": [{"display": "A"}]})


def test_the_other_operations_are_kept_in_order() -> None:
    read = entra.operations(
        orjson.dumps({
            "Operations": [
                {"op": "Replace", "path": "displayName", "value": "New"},
                {"op": "Add", "path": "members", "value": [{"value": "a"}]},
                {"op": "Add", "path": "externalId", "value": "x"},
            ]
        }),
        GROUP,
    )

    attributes, changes = members.split(read.operations)

    assert [str(operation.path) for operation in attributes] == ["displayName", "externalId"]
    assert changes == (MemberChange("add", ("a",)),)


def test_a_user_has_no_members() -> None:
    read = entra.operations(b'{"Operations":[{"op":"add","path":"members","value":"a"}]}', USER)

    assert read.operations == ()
    assert read.ignored == ("members",)


@pytest.mark.parametrize(
    ("changes", "membership"),
    [
        ([], Membership()),
        ([("add", "a", "b")], Membership(("a", "b"))),
        ([("add", "a"), ("remove", "a")], Membership((), ("a",))),
        ([("remove", "a"), ("add", "a")], Membership(("a",))),
        ([("add", "a"), ("remove", "b"), ("add", "a")], Membership(("a",), ("b",))),
        ([("remove", "x"), ("replace", "a", "b")], Membership(("a", "b"), replace=True)),
        ([("replace", "a", "b"), ("remove", "a")], Membership(("b",), replace=True)),
        ([("clear",)], Membership(replace=True)),
        ([("add", "a"), ("clear",), ("add", "b")], Membership(("b",), replace=True)),
    ],
)
def test_steps_in_order_come_to_one_change(
    changes: list[tuple[Any, ...]], membership: Membership
) -> None:
    folded = members.fold(MemberChange(kind, tuple(ids)) for kind, *ids in changes)

    assert folded == membership
