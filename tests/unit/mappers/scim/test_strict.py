"""By the letter: what is refused, what passes, and that nothing else changes."""

from typing import Any

import orjson
import pytest

from mappers import entra
from mappers.scim import errors, members, patch, resources, strict
from mappers.scim.attributes import ResourceType
from mappers.scim.members import MemberChange
from mappers.scim.messages import PATCH_OP
from mappers.scim.schemas import CORE_GROUP, CORE_USER, ENTERPRISE_USER, GROUP, USER
from tests.unit.mappers.scim import samples
from tests.unit.mappers.scim.samples import CUSTOM, Doc

MISSPELT = ENTERPRISE_USER.replace(":User", "User")
BOTH = [CORE_USER, ENTERPRISE_USER]


def user(**attributes: Any) -> Doc:
    return {"schemas": [CORE_USER], "userName": "joy", **attributes}


@pytest.mark.parametrize(
    "body",
    [
        user(),
        user(schemas=[CORE_USER.upper()]),
        user(USERNAME="joy", Active=True, title=None, emails=[], roles=None),
        user(id="x", meta={"created": 7}, groups="anything"),
        user(name={"givenName": "Joy", "familyName": None}),
        user(emails=[{"value": "a", "type": "odd", "primary": True}, {"value": "b"}]),
        user(schemas=BOTH, **{ENTERPRISE_USER: {"department": "D", "manager": {"value": "m"}}}),
        user(schemas=BOTH, **{ENTERPRISE_USER: None}),
        user(schemas=BOTH),
        user(schemas=BOTH, **{ENTERPRISE_USER: {"schemas": [ENTERPRISE_USER]}}),
    ],
)
def test_a_resource_by_the_letter_passes_and_is_read_the_same(body: Doc) -> None:
    sent = orjson.dumps(body)
    strict.require_resource(sent, USER)
    assert resources.parse(sent, USER).doc["userName"] == "joy"


@pytest.mark.parametrize(
    ("body", "error", "named"),
    [
        ({"userName": "joy"}, errors.InvalidSyntax, "schemas"),
        (user(schemas=CORE_USER), errors.InvalidSyntax, "schemas"),
        (user(schemas=[CORE_GROUP, 7]), errors.InvalidSyntax, "schemas"),
        (user(shoeSize=43), errors.InvalidSyntax, "shoeSize"),
        (user(department="D"), errors.InvalidSyntax, "department"),
        (user(**{"name.givenName": "Joy"}), errors.InvalidSyntax, "name.givenName"),
        (user(name={"nick": "J"}), errors.InvalidSyntax, "name.nick"),
        (user(**{ENTERPRISE_USER: {"department": "D"}}), errors.InvalidSyntax, "schemas"),
        (user(schemas=BOTH, **{ENTERPRISE_USER: {"x": 1}}), errors.InvalidSyntax, ":x"),
        (user(schemas=BOTH, **{ENTERPRISE_USER: []}), errors.InvalidValue, "object"),
        (user(**{MISSPELT: {"department": "D"}}), errors.InvalidSyntax, "2.0User"),
        (user(schemas=[CORE_USER, CUSTOM], **{CUSTOM: {"a": 1}}), errors.InvalidSyntax, "Acme"),
        (user(**{f"{ENTERPRISE_USER}:department": "D"}), errors.InvalidSyntax, "department"),
        (user(active="True"), errors.InvalidValue, "active"),
        (user(title=7), errors.InvalidValue, "title"),
        (user(title=""), None, ""),
        (user(title=["a"]), errors.InvalidValue, "title"),
        (user(name="Joy"), errors.InvalidValue, "name"),
        (user(emails={"value": "a"}), errors.InvalidValue, "emails"),
        (user(emails=["a"]), errors.InvalidValue, "emails"),
        (user(emails=[{"value": "a", "primary": "true"}]), errors.InvalidValue, "emails.primary"),
        (
            user(emails=[{"value": "a", "primary": True}, {"value": "b", "Primary": True}]),
            errors.InvalidValue,
            "primary",
        ),
    ],
)
def test_what_only_tolerance_reads_is_refused(
    body: Doc, error: type[errors.ScimError] | None, named: str
) -> None:
    sent = orjson.dumps(body)
    if error is None:
        strict.require_resource(sent, USER)
        return
    with pytest.raises(error, match=named):
        strict.require_resource(sent, USER)


def apply(*operations: Any, doc: Doc | None = None, resource: ResourceType = USER) -> Doc:
    body = orjson.dumps({"schemas": [PATCH_OP], "Operations": operations})
    strict.require_patch(body, resource)
    asked = entra.operations(body, resource)
    assert asked.ignored == ()
    return patch.apply(doc or samples.user(), asked.operations, resource, strictly=True)


def op(verb: str, path: str | None = None, *value: Any) -> Doc:
    sent: Doc = {"op": verb}
    if path is not None:
        sent["path"] = path
    return sent | ({"value": value[0]} if value else {})


@pytest.mark.parametrize(
    ("operation", "name", "wanted"),
    [
        (op("add", "title", "Boss"), "title", "Boss"),
        (op("replace", "TITLE", None), "title", None),
        (op("remove", "title"), "title", None),
        (op("remove", "nickName"), "nickName", None),
        (op("add", "name.givenName", "J"), "name", {"givenName": "J", "familyName": "Young"}),
        (op("replace", "name", {"givenName": "J"}), "name",
         {"givenName": "J", "familyName": "Young"}),
        (op("add", "roles", [{"value": "r"}]), "roles", [{"value": "r"}]),
        (op("add", "roles", {"value": "r"}), "roles", [{"value": "r"}]),
        (op("replace", "emails", [{"value": "a"}]), "emails", [{"value": "a"}]),
        (op("replace", 'emails[type eq "home" and value ew ".example"].value', "n"), "emails",
         [samples.user()["emails"][0], {"type": "home", "value": "n"}]),
        (op("replace", 'emails[not (type eq "work")]', {"value": "n"}), "emails",
         [samples.user()["emails"][0], {"value": "n"}]),
        (op("remove", 'emails[primary eq true or type eq "home"]'), "emails", None),
        (op("remove", "emails.primary"), "emails",
         [{"type": "work", "value": "joy@contoso.com"}, samples.user()["emails"][1]]),
        (op("add", None, {"title": "Boss"}), "title", "Boss"),
        (op("replace", None, {ENTERPRISE_USER: {"department": "HR"}}), ENTERPRISE_USER,
         {"department": "HR", "manager": {"value": "m-1"}}),
        (op("replace", f"{ENTERPRISE_USER}:department", "HR"), ENTERPRISE_USER,
         {"department": "HR", "manager": {"value": "m-1"}}),
        (op("replace", f"{ENTERPRISE_USER}:manager.value", "m-2"), ENTERPRISE_USER,
         {"department": "Sales", "manager": {"value": "m-2"}}),
        (op("replace", ENTERPRISE_USER, {"department": "HR"}), ENTERPRISE_USER,
         {"department": "HR", "manager": {"value": "m-1"}}),
        (op("remove", ENTERPRISE_USER), ENTERPRISE_USER, None),
        (op("replace", f"{CORE_USER}:title", "Boss"), "title", "Boss"),
    ],
)  # fmt: skip
def test_an_operation_by_the_letter(operation: Doc, name: str, wanted: Any) -> None:
    assert apply(operation).get(name) == wanted


@pytest.mark.parametrize(
    ("operation", "error", "named"),
    [
        # the verb, the path
        (op("Replace", "title", "x"), errors.InvalidSyntax, "lower case"),
        (op("move", "title", "x"), errors.InvalidSyntax, "lower case"),
        (op("add", "", "x"), errors.InvalidPath, "path"),
        (op("add", 7, "x"), errors.InvalidPath, "path"),  # type: ignore[arg-type]  # JSON
        (op("add", "shoeSize", 43), errors.InvalidPath, "shoeSize"),
        (op("add", "department", "D"), errors.InvalidPath, "department"),
        (op("add", f"{ENTERPRISE_USER}:x", "D"), errors.InvalidPath, ":x"),
        (op("add", f"{MISSPELT}:department", "D"), errors.InvalidPath, "2.0User"),
        (op("add", f"{CUSTOM}:tag", "D"), errors.InvalidPath, "Acme"),
        (op("add", "emails.shoe", "D"), errors.InvalidPath, "emails.shoe"),
        (op("remove", "shoeSize"), errors.InvalidPath, "shoeSize"),
        (op("remove", f'{ENTERPRISE_USER}:manager[value eq "m-1"]'), errors.InvalidPath, "filter"),
        (op("remove"), errors.NoTarget, "path"),
        # what a filter finds
        (op("remove", 'emails[type eq "other"]'), errors.NoTarget, "matches no"),
        (op("replace", 'emails[type eq "other"].value', "x"), errors.NoTarget, "matches no"),
        (op("add", 'roles[type eq "other"].value', "x"), errors.NoTarget, "matches no"),
        # values
        (op("remove", "emails", [{"value": "joy@home.example"}]), errors.InvalidValue, "no value"),
        (op("replace", "active", "False"), errors.InvalidValue, "active"),
        (op("replace", "title", 7), errors.InvalidValue, "title"),
        (op("replace", "name", "Joy Young"), errors.InvalidValue, "name"),
        (op("replace", "name", {"nick": "J"}), errors.InvalidPath, "name.nick"),
        (op("add", "emails", "a@x"), errors.InvalidValue, "emails"),
        (op("add", "emails", [{"shoe": "a@x"}]), errors.InvalidPath, "emails.shoe"),
        (op("replace", 'emails[type eq "work"]', "a@x"), errors.InvalidValue, "emails"),
        (op("replace", f"{ENTERPRISE_USER}:manager", "m-2"), errors.InvalidValue, "manager"),
        (op("replace", None, {"name.givenName": "J"}), errors.InvalidPath, "name.givenName"),
        (op("replace", None, {"shoeSize": 43}), errors.InvalidPath, "shoeSize"),
        (op("replace", None, "x"), errors.InvalidValue, "object"),
        (op("replace", "title"), errors.InvalidValue, "value"),
        # mutability
        (op("replace", "id", samples.user()["id"]), errors.Mutability, "id"),
        (op("replace", "meta.created", "2026-01-01T00:00:00Z"), errors.Mutability, "meta"),
        (op("remove", "groups"), errors.Mutability, "groups"),
        (op("add", 'groups[value eq "x"].display', "x"), errors.Mutability, "groups"),
        (op("replace", None, {"meta": {}}), errors.Mutability, "meta"),
        (op("replace", None, {"groups": []}), errors.Mutability, "groups"),
        (op("remove", "userName"), errors.Mutability, "userName"),
        (op("replace", "userName", None), errors.InvalidValue, "userName"),
    ],
)
def test_an_operation_not_by_the_letter(
    operation: Doc, error: type[errors.ScimError], named: str
) -> None:
    with pytest.raises(error, match=named):
        apply(operation)


def test_a_patch_says_what_it_is() -> None:
    for schemas in ({}, {"schemas": [CORE_USER]}, {"schemas": PATCH_OP}):
        body = orjson.dumps({**schemas, "Operations": [op("remove", "title")]})
        with pytest.raises(errors.InvalidSyntax, match="PatchOp"):
            strict.require_patch(body, USER)


def test_an_operation_finds_what_the_one_before_has_made() -> None:
    after = apply(
        op("add", "roles", [{"type": "a", "value": "x"}]),
        op("replace", 'roles[type eq "a"].value', "y"),
        op("remove", 'emails[type eq "home"]'),
    )
    assert after["roles"] == [{"type": "a", "value": "y"}]
    with pytest.raises(errors.NoTarget):
        apply(op("remove", "emails"), op("remove", 'emails[type eq "home"]'))


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (op("add", "members", [{"value": "a"}]), None),
        (op("add", "members", [{"value": "a", "$ref": "/Users/a", "type": "User"}]), None),
        (op("remove", "members"), None),
        (op("remove", 'members[value eq "a"]'), None),
        (op("replace", 'members[value eq "a"].value', "b"), errors.Mutability),
        (op("replace", "members.value", "b"), errors.Mutability),
        (op("remove", "members", [{"value": "a"}]), errors.InvalidValue),
        (op("add", "members", ["a"]), errors.InvalidValue),
    ],
)
def test_members_by_the_letter(operation: Doc, error: type[errors.ScimError] | None) -> None:
    body = orjson.dumps({"schemas": [PATCH_OP], "Operations": [operation]})
    if error is None:
        strict.require_patch(body, GROUP)
        return
    with pytest.raises(error):
        strict.require_patch(body, GROUP)


@pytest.mark.parametrize(
    ("steps", "held", "fits"),
    [
        ([("remove", "a")], "a", True),
        ([("remove", "a")], "", False),
        ([("remove", "ab")], "b", True),
        ([("add", "a"), ("remove", "a")], "", True),
        ([("remove", "a"), ("remove", "a")], "a", False),
        ([("replace", "a"), ("remove", "a")], "", True),
        ([("replace", "b"), ("remove", "a")], "a", False),
        ([("clear", ""), ("remove", "a")], "a", False),
        ([("add", "a"), ("clear", "")], "", True),
    ],
)
def test_a_member_that_is_removed_must_be_there(
    steps: list[tuple[Any, str]], held: str, *, fits: bool
) -> None:
    changes = [MemberChange(kind, tuple(ids)) for kind, ids in steps]
    if fits:
        members.require_targets(changes, frozenset(held))
        return
    with pytest.raises(errors.NoTarget):
        members.require_targets(changes, frozenset(held))
