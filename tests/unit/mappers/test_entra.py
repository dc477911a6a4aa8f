"""Each deviation of Entra from RFC 7644, by the name of the function that reads it."""

from typing import Any

import orjson
import pytest

from mappers import entra
from mappers.scim import errors, patch
from mappers.scim.schemas import CORE_USER, ENTERPRISE_USER, USER
from tests.unit.mappers.scim import samples
from tests.unit.mappers.scim.samples import CUSTOM, Doc


def read(*operations: Any, key: str = "Operations") -> entra.Patch:
    return entra.operations(orjson.dumps({key: operations}), USER)


def patched(*operations: dict[str, Any], doc: Doc | None = None) -> Doc:
    return patch.apply(doc or samples.user(), read(*operations).operations, USER)


@pytest.mark.parametrize("key", ["Operations", "operations", "OPERATIONS"])
def test_operations_in_any_case(key: str) -> None:
    [found] = read({"op": "replace", "path": "title", "value": "x"}, key=key).operations

    assert (found.op, str(found.path), found.value) == ("replace", "title", "x")


@pytest.mark.parametrize("op", ["Add", "add", "ADD", "Replace", "replace", "Remove", "remove"])
def test_verb_in_any_case(op: str) -> None:
    [found] = read({"Op": op, "PATH": "title", "Value": "Engineer"}).operations

    assert found.op == op.lower()


def test_extra_keys_of_an_operation_are_passed_over() -> None:
    operation = {"op": "Replace", "path": "title", "value": "x", "name": "updateTitle"}

    assert patched(operation)["title"] == "x"


@pytest.mark.parametrize("path", [{}, {"path": ""}, {"path": " "}, {"path": None}])
def test_no_empty_path(path: dict[str, Any]) -> None:
    assert patched({"op": "replace", "value": {"title": "x"}, **path})["title"] == "x"


@pytest.mark.parametrize("op", ["add", "replace"])
def test_keys_as_paths(op: str) -> None:
    after = patched({
        "op": op,
        "value": {
            "displayName": "J",
            "name.givenName": "K",
            "name": {"middleName": "M", "familyName": None},
            f"{ENTERPRISE_USER}:department": "HR",
            ENTERPRISE_USER: {"costCenter": "C"},
            'emails[type eq "work"].value': "n@x",
            "id": samples.user()["id"],
            "meta": {"resourceType": "User", "location": "elsewhere"},
            "schemas": ["anything"],
            f"{CUSTOM}:tag": "blue",
        },
    })

    assert after["displayName"] == "J"
    assert after["name"] == {"givenName": "K", "middleName": "M"}
    assert after[ENTERPRISE_USER] == {
        "department": "HR",
        "costCenter": "C",
        "manager": {"value": "m-1"},
    }
    assert after["emails"][0]["value"] == "n@x"
    assert after[CUSTOM] == {"tag": "blue"}
    assert after["meta"] == samples.user()["meta"]


@pytest.mark.parametrize("value", ["False", "false", "FALSE", False, [{"value": "False"}]])
@pytest.mark.parametrize("op", ["Replace", "Add"])
def test_a_leaver_is_disabled_in_every_spelling(op: str, value: Any) -> None:
    assert patched({"op": op, "path": "active", "value": value})["active"] is False
    assert patched({"op": op, "value": {"active": value}})["active"] is False


@pytest.mark.parametrize("value", ["", None, [], {"value": ""}])
def test_active_is_said(value: Any) -> None:
    leaver = samples.user(active=False)

    for operation in (
        {"op": "Replace", "path": "active", "value": value},
        {"op": "replace", "value": {"active": value}},
    ):
        with pytest.raises(errors.InvalidValue, match="Switch"):
            patched(operation, doc=leaver)


@pytest.mark.parametrize(
    "value",
    [
        "m-2",
        {"value": "m-2"},
        [{"value": "m-2"}],
        [{"$ref": None, "value": "m-2"}],
    ],
)
@pytest.mark.parametrize("path", ["manager", f"{ENTERPRISE_USER}:manager"])
def test_a_manager_in_every_shape(path: str, value: Any) -> None:
    after = patched({"op": "Add", "path": path, "value": value})

    assert after[ENTERPRISE_USER]["manager"] == {"value": "m-2"}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "Remove", "path": "manager"},
        {"op": "Remove", "path": "manager", "value": "m-1"},
        {"op": "Remove", "path": "manager", "value": [{"value": "m-1"}]},
        {"op": "remove", "path": 'manager[value eq "m-1"]'},
        {"op": "remove", "path": "manager.value"},
        {"op": "replace", "path": "manager", "value": ""},
        {"op": "replace", "path": "manager", "value": None},
        {"op": "replace", "path": "manager", "value": {"value": ""}},
        {"op": "replace", "path": "manager.value", "value": ""},
        {"op": "replace", "value": {"manager": {"value": None}}},
    ],
)
def test_a_manager_is_removed_in_every_shape(operation: dict[str, Any]) -> None:
    assert patched(operation)[ENTERPRISE_USER] == {"department": "Sales"}


@pytest.mark.parametrize(
    ("path", "value", "left"),
    [
        ("emails", [{"value": "joy@home.example"}], ["joy@contoso.com"]),
        ("emails", "joy@home.example", ["joy@contoso.com"]),
        ("emails", ["joy@contoso.com", "joy@home.example"], []),
        ("emails", "other@x", ["joy@contoso.com", "joy@home.example"]),
        ("emails", [], ["joy@contoso.com", "joy@home.example"]),
        ("emails", "", ["joy@contoso.com", "joy@home.example"]),
        ("emails", [{"value": ""}], ["joy@contoso.com", "joy@home.example"]),
        ("emails", None, []),
        ('emails[type eq "home"]', "ignored", ["joy@contoso.com"]),
        ('emails[type eq "home"].value', "JOY@home.example", ["joy@contoso.com"]),
        ('emails[type eq "home"].value', "", ["joy@contoso.com"]),
    ],
)
def test_only_the_named_values(path: str, value: Any, left: list[str]) -> None:
    after = patched({"op": "Remove", "path": path, "value": value})

    assert [email["value"] for email in after.get("emails", [])] == left


@pytest.mark.parametrize(
    ("value", "left"), [("Engineer", None), ("Other", "Engineer"), ("", None)]
)
def test_only_the_named_value_of_a_single_one(value: str, left: str | None) -> None:
    assert patched({"op": "Remove", "path": "title", "value": value}).get("title") == left


@pytest.mark.parametrize("value", ["", None, [], {}])
@pytest.mark.parametrize("path", ["title", "name.givenName", "department", "emails", "externalId"])
def test_an_empty_value_unsets_the_attribute(path: str, value: Any) -> None:
    by_path = patched({"op": "replace", "path": path, "value": value})
    by_key = patched({"op": "replace", "value": {path: value}})

    assert by_path == by_key == patched({"op": "remove", "path": path})
    assert by_path != samples.user()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (ENTERPRISE_USER, {"department": "D", "Manager": None}),
        (CORE_USER, {"title": "T"}),
        (CUSTOM, {"tag": "blue"}),
        (f"{CUSTOM}:tag", {"a": 1}),
    ],
)
def test_a_schema_may_be_the_path(path: str, value: Any) -> None:
    by_path = patched({"op": "Replace", "path": path, "value": value})

    assert by_path == patched({"op": "Replace", "value": {path: value}})
    assert by_path != samples.user()


def test_an_extension_set_to_nothing_goes() -> None:
    assert ENTERPRISE_USER not in patched({"op": "replace", "path": ENTERPRISE_USER, "value": {}})


@pytest.mark.parametrize("value", ["n@x", {"value": "n@x"}, [{"value": "n@x"}]])
def test_an_element_may_be_given_as_text(value: Any) -> None:
    after = patched({"op": "add", "path": 'emails[type eq "home"]', "value": value})

    assert after["emails"][1] == {"type": "home", "value": "n@x"}


@pytest.mark.parametrize(
    ("operation", "named"),
    [
        ({"op": "Replace", "path": "favouriteColour", "value": "red"}, "favouriteColour"),
        ({"op": "Remove", "path": "favouriteColour"}, "favouriteColour"),
        ({"op": "Replace", "value": {"favouriteColour": "red"}}, "favouriteColour"),
        (
            {"op": "Replace", "path": f"{ENTERPRISE_USER}:shoe", "value": 1},
            f"{ENTERPRISE_USER}:shoe",
        ),
        (
            {"op": "Replace", "path": ENTERPRISE_USER, "value": {"shoe": 1}},
            f"{ENTERPRISE_USER}:shoe",
        ),
        ({"op": "Replace", "path": "name", "value": {"shoe": 1}}, "name.shoe"),
        ({"op": "Replace", "path": "emails", "value": [{"shoe": 1}]}, "emails.shoe"),
        ({"op": "Replace", "path": 'x[a eq "b"].c', "value": 1}, "x"),
    ],
)
def test_an_unknown_attribute_does_not_keep_a_leaver_active(
    operation: dict[str, Any], named: str
) -> None:
    asked = read(operation, {"op": "Replace", "path": "active", "value": "False"})
    after = patch.apply(samples.user(), asked.operations, USER)

    assert asked.ignored == (named,)
    assert after["active"] is False


@pytest.mark.parametrize(
    ("body", "error", "named"),
    [
        (b"{", errors.InvalidSyntax, "JSON"),
        (b"[]", errors.InvalidSyntax, "object"),
        (b"{}", errors.InvalidSyntax, "Operations"),
        (b'{"Operations":[]}', errors.InvalidSyntax, "Operations"),
        (b'{"Operations":{}}', errors.InvalidSyntax, "Operations"),
        (b'{"Operations":["x"]}', errors.InvalidSyntax, "Operations"),
        (b'{"Operations":[' + b",".join([b"{}"] * 2001) + b"]}", errors.InvalidSyntax, "2000"),
        (b'{"Operations":[{"op":"Move","path":"title"}]}', errors.InvalidSyntax, "op"),
        (b'{"Operations":[{"path":"title"}]}', errors.InvalidSyntax, "op"),
        (b'{"Operations":[{"op":1}]}', errors.InvalidSyntax, "op"),
        (b'{"Operations":[{"op":"remove"}]}', errors.NoTarget, "path"),
        (b'{"Operations":[{"op":"add","value":"x"}]}', errors.InvalidValue, "object"),
        (b'{"Operations":[{"op":"add"}]}', errors.InvalidValue, "object"),
        (b'{"Operations":[{"op":"add","path":"title"}]}', errors.InvalidValue, "value"),
        (b'{"Operations":[{"op":"add","path":7,"value":1}]}', errors.InvalidPath, "path"),
        (b'{"Operations":[{"op":"add","path":"a[","value":1}]}', errors.InvalidPath, "path"),
        (b'{"Operations":[{"op":"add","value":{"a[":1}}]}', errors.InvalidPath, "path"),
        (
            b'{"Operations":[{"op":"add","path":"name","value":"J Y"}]}',
            errors.InvalidValue,
            "name",
        ),
        (
            b'{"Operations":[{"op":"add","path":"active","value":"no"}]}',
            errors.InvalidValue,
            "active",
        ),
        (
            b'{"Operations":[{"op":"add","path":"emails[type eq \\"work\\"]","value":7}]}',
            errors.InvalidValue,
            "emails",
        ),
        (
            b'{"Operations":[{"op":"add","path":"urn:a:User","value":"x"}]}',
            errors.InvalidValue,
            "urn:a:User",
        ),
    ],
)
def test_what_is_no_patch_is_refused(
    body: bytes, error: type[errors.ScimError], named: str
) -> None:
    with pytest.raises(error, match=named):
        entra.operations(body, USER)


HEX = "8a6bcff8b1d04e0fb1c24e0f1f0f1f0f"


@pytest.mark.parametrize(
    ("doc", "tombstone", "login"),
    [
        ({"userName": f"{HEX}joy@contoso.com", "active": False}, True, "joy@contoso.com"),
        ({"userName": f"{HEX.upper()}joy@contoso.com", "active": False}, True, "joy@contoso.com"),
        ({"userName": f"{HEX}joy@contoso.com", "active": True}, False, f"{HEX}joy@contoso.com"),
        ({"userName": f"{HEX}joy@contoso.com"}, False, f"{HEX}joy@contoso.com"),
        ({"userName": "joy@contoso.com", "active": False}, False, "joy@contoso.com"),
        ({"userName": HEX, "active": False}, False, HEX),
        ({"userName": f"{HEX[:-1]}joy@contoso.com", "active": False}, False,
         f"{HEX[:-1]}joy@contoso.com"),
    ],
)  # fmt: skip
def test_the_name_of_an_account_in_the_recycle_bin(
    doc: Doc, *, tombstone: bool, login: str
) -> None:
    assert entra.is_tombstone(doc) is tombstone
    assert entra.login_name(doc) == login


def test_a_tombstone_and_a_restore_round_trip() -> None:
    gone = patched(
        {"op": "Replace", "path": "userName", "value": f"{HEX}joy@contoso.com"},
        {"op": "Replace", "path": "active", "value": "False"},
    )
    back = patched(
        {"op": "Replace", "path": "userName", "value": "joy@contoso.com"},
        {"op": "Replace", "path": "active", "value": "True"},
        doc=gone,
    )

    assert entra.login_name(gone) == "joy@contoso.com"
    assert back == samples.user()
