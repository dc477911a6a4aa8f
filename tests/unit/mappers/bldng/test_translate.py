"""SCIM documents into BLDNG fields."""

from typing import Any

import pytest

from mappers import profile
from mappers.bldng import translate
from mappers.bldng.desired import Kind

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ADA: dict[str, Any] = {
    "id": "0b8f6f0e-6a55-4bb1-9d5c-0a1c4f4a7b11",
    "externalId": "5f0c1f6e",
    "userName": "Ada@contoso.example",
    "active": True,
    "displayName": "Ada Lovelace",
    "name": {"givenName": "Ada", "familyName": "Lovelace"},
    "emails": [
        {"type": "home", "value": "ada@home.example"},
        {"type": "work", "value": "Ada.L@contoso.example", "primary": True},
    ],
    "phoneNumbers": [
        {"type": "work", "value": "+47 1"},
        {"type": "mobile", "value": "+47 900 00 000"},
    ],
    "title": "Countess",
    ENTERPRISE: {"employeeNumber": "007", "department": "R&D", "manager": {"value": "m"}},
    "meta": {"resourceType": "User"},
}
TOMBSTONE = "5f0c1f6e1b1c4c5e9d527a4c3e0f9b11"


def test_every_row_of_the_default_mapping() -> None:
    assert dict(translate.to_user(ADA, profile.DEFAULT).fields) == {
        "username": "Ada@contoso.example",
        "email": "Ada.L@contoso.example",
        "mobile": "+47 900 00 000",
        "firstName": "Ada",
        "lastName": "Lovelace",
        "displayName": "Ada Lovelace",
        "ssoSubject": "5f0c1f6e",
        "employeeNumber": "007",
        "department": "R&D",
        "active": True,
    }


def test_what_a_person_does_not_have_is_none() -> None:
    fields = translate.to_user({"userName": "a"}, profile.DEFAULT).fields
    assert {name for name, value in fields.items() if value is not None} == {"username", "active"}
    assert len(fields) == 10


@pytest.mark.parametrize(
    ("active", "held"),
    [(True, True), (False, False), (None, True), ("False", False), ("true", True)],
)
def test_absent_active_means_true(active: object, held: object) -> None:
    doc = {"userName": "a", **({} if active is None else {"active": active})}
    assert translate.to_user(doc, profile.DEFAULT).fields["active"] is held


@pytest.mark.parametrize(
    ("user_name", "active", "username"),
    [
        (f"{TOMBSTONE}ada@contoso.example", False, "ada@contoso.example"),
        (f"{TOMBSTONE.upper()}ada@contoso.example", False, "ada@contoso.example"),
        (f"{TOMBSTONE}ada@contoso.example", True, f"{TOMBSTONE}ada@contoso.example"),
        (f"{TOMBSTONE}ada@contoso.example", None, f"{TOMBSTONE}ada@contoso.example"),
        (TOMBSTONE, False, TOMBSTONE),
        ("ada@contoso.example", False, "ada@contoso.example"),
        (f"{TOMBSTONE[:31]}x@y", False, f"{TOMBSTONE[:31]}x@y"),
    ],
)
def test_a_tombstone_never_reaches_bldng(
    user_name: str,
    active: object,
    username: str,
) -> None:
    doc = {"userName": user_name, **({} if active is None else {"active": active})}
    assert translate.to_user(doc, profile.DEFAULT).fields["username"] == username


def test_the_document_is_not_changed() -> None:
    doc = {"userName": f"{TOMBSTONE}ada", "active": False}
    before = dict(doc)
    translate.to_user(doc, profile.DEFAULT)
    assert doc == before


def test_a_group() -> None:
    doc = {"displayName": "Facilities", "externalId": "x"}
    desired = translate.to_group(doc, profile.DEFAULT)
    assert (desired.kind, dict(desired.fields)) == (
        Kind.GROUP,
        {"name": "Facilities", "externalId": "x"},
    )
    assert (desired.login, desired.subject) == ("Facilities", "x")


def mapped(text: str) -> profile.Profile:
    return profile.parse(text)


def test_an_own_profile() -> None:
    mapping = mapped(
        """
        [[users]]
        scim = 'phoneNumbers[type eq "work"].value'
        bldng = "mobile"
        transforms = ["replace:+:00", "digits"]
        [[users]]
        scim = "urn:contoso:params:scim:schemas:building:2.0:User:floor"
        bldng = "department"
        transforms = ["trim", "map:floors", "default:Reception"]
        [[users]]
        scim = 'emails[type eq "home"].value'
        bldng = "username"
        transforms = ["lower"]
        [drop]
        users = ["firstName", "lastName"]
        [tables.floors]
        "1" = "Laboratory"
        """
    )
    extension = {"urn:contoso:params:scim:schemas:building:2.0:User": {"floor": 1}}
    fields = translate.to_user({**ADA, **extension}, mapping).fields
    assert (fields["mobile"], fields["department"]) == ("00471", "Laboratory")
    assert fields["username"] == "ada@home.example"
    assert not {"firstName", "lastName"} & set(fields)
    assert translate.to_user(ADA, mapping).fields["department"] == "Reception"


@pytest.mark.parametrize(
    ("doc", "text", "field"),
    [
        ({"userName": ""}, "", "username"),
        ({}, "", "username"),
        ({"userName": "a", "active": "perhaps"}, "", "active"),
        (
            {"userName": "a", "urn:x:y:User": {"z": {"deep": "1"}}},
            '[[users]]\nscim = "urn:x:y:User:z"\nbldng = "mobile"',
            "mobile",
        ),
    ],
)
def test_what_cannot_be_mapped_is_named_without_its_value(
    doc: dict[str, Any], text: str, field: str
) -> None:
    with pytest.raises(translate.Unmappable) as caught:
        translate.to_user(doc, mapped(text))
    assert caught.value.field == field
    assert "perhaps" not in str(caught.value)
    assert field in str(caught.value)


def test_a_group_needs_a_name() -> None:
    with pytest.raises(translate.Unmappable, match="displayName cannot become name"):
        translate.to_group({"externalId": "x"}, profile.DEFAULT)
