from typing import Any

import orjson
import pytest

from mappers.scim import errors, resources
from mappers.scim.attributes import ResourceType
from mappers.scim.schemas import CORE_GROUP, CORE_USER, ENTERPRISE_USER, GROUP, USER
from tests.unit.mappers.scim import samples
from tests.unit.mappers.scim.samples import CREATED, CUSTOM, NOW


def parsed(resource: ResourceType = USER, /, **body: Any) -> resources.Parsed:
    return resources.parse(orjson.dumps(body), resource)


def attributes(**body: Any) -> dict[str, Any]:
    """What a user's document holds beside the userName that is always sent."""
    doc = parsed(userName="u", **body).doc
    return {name: value for name, value in doc.items() if name not in {"schemas", "userName"}}


@pytest.mark.parametrize(
    ("body", "doc"),
    [
        ({}, {}),
        ({"DisplayName": "Joy"}, {"displayName": "Joy"}),
        ({"active": "True"}, {"active": True}),
        ({"active": None, "addresses": None, "roles": [], "title": ""}, {}),
        ({"id": "mine", "meta": {"resourceType": "User"}, "schemas": ["x"]}, {}),
        ({"meta.created": "2026"}, {}),
        ({"name.givenName": "J", "name": {"familyName": "Y"}},
         {"name": {"familyName": "Y", "givenName": "J"}}),
        ({'emails[type eq "work"].value': "a@b"}, {"emails": [{"type": "work", "value": "a@b"}]}),
        ({"department": "D", "manager": "m"},
         {ENTERPRISE_USER: {"department": "D", "manager": {"value": "m"}}}),
        ({ENTERPRISE_USER: {"Department": "D", "manager": None}},
         {ENTERPRISE_USER: {"department": "D"}}),
        ({ENTERPRISE_USER: {"manager.value": "m"}},
         {ENTERPRISE_USER: {"manager": {"value": "m"}}}),
        ({ENTERPRISE_USER: {"manager": {"value": ""}}}, {}),
        ({ENTERPRISE_USER: None}, {}),
        ({f"{ENTERPRISE_USER}:department": "D"}, {ENTERPRISE_USER: {"department": "D"}}),
        ({"urn:ietf:params:scim:schemas:extension:enterprise:2.0User": {"department": "D"}},
         {ENTERPRISE_USER: {"department": "D"}}),
        ({CORE_USER: {"title": "T"}}, {"title": "T"}),
        ({CUSTOM: {"tag": "blue", "Deep": {"a": [None]}, "none": None}},
         {CUSTOM: {"tag": "blue", "Deep": {"a": [None]}}}),
        ({CUSTOM: {}}, {}),
        ({f"{CUSTOM}:tag": "blue"}, {CUSTOM: {"tag": "blue"}}),
        ({f"{CUSTOM}:tag": {"a": 1}}, {CUSTOM: {"tag": {"a": 1}}}),
        ({"urn:example:thing": {"a.b": 1}}, {"urn:example:thing": {"a.b": 1}}),
    ],
)  # fmt: skip
def test_a_body_is_read_into_canonical_form(body: dict[str, Any], doc: dict[str, Any]) -> None:
    assert attributes(**body) == doc


@pytest.mark.parametrize(
    ("body", "schemas"),
    [
        ({"schemas": [ENTERPRISE_USER]}, [CORE_USER]),
        ({"department": "D"}, [CORE_USER, ENTERPRISE_USER]),
        ({CUSTOM: {"tag": 1}, "department": "D"}, [CORE_USER, ENTERPRISE_USER, CUSTOM]),
    ],
)
def test_schemas_name_what_there_is_data_of(body: dict[str, Any], schemas: list[str]) -> None:
    assert parsed(userName="u", **body).doc["schemas"] == schemas


def test_unknown_names_are_ignored_and_reported_but_not_without_end() -> None:
    body = {"colour": 1, "a b": 2, "password": "x", ENTERPRISE_USER: {"shoe": 3}}

    read = parsed(userName="u", name={"nick": 1, "givenName": "J"}, **body)

    assert read.doc["name"] == {"givenName": "J"}
    assert set(read.ignored) == {
        "colour",
        "a b",
        "password",
        f"{ENTERPRISE_USER}:shoe",
        "name.nick",
    }
    assert "x" not in str(read.doc)
    assert len(parsed(userName="u", **{f"x{n}": n for n in range(100)}).ignored) == 20
    assert len(parsed(userName="u", **{"x" * 5000: 1}).ignored[0]) == 100


@pytest.mark.parametrize(
    ("resource", "body", "named"),
    [
        (USER, {"active": True}, "userName"),
        (USER, {"userName": ""}, "userName"),
        (USER, {"userName": "  "}, "userName"),
        (USER, {"userName": None}, "userName"),
        (USER, {"userName": ["a", "b"]}, "userName"),
        (USER, {"userName": "u", "emails": [1]}, "emails"),
        (USER, {"userName": "u", ENTERPRISE_USER: "x"}, "enterprise"),
        (GROUP, {"externalId": "g"}, "displayName"),
        (GROUP, {"displayName": "g", "members": [{"display": "x"}]}, "members"),
    ],
)
def test_a_body_that_cannot_be_is_refused(
    resource: ResourceType, body: dict[str, Any], named: str
) -> None:
    with pytest.raises(errors.InvalidValue, match=named):
        parsed(resource, **body)


@pytest.mark.parametrize(
    ("body", "members"),
    [
        ({}, None),
        ({"members": []}, ()),
        ({"members": None}, ()),
        ({"members": [{"value": "a", "display": "A"}, {"value": "b"}, "a"]}, ("a", "b")),
    ],
)
def test_members_of_a_group_are_kept_apart(
    body: dict[str, Any], members: tuple[str, ...] | None
) -> None:
    read = parsed(GROUP, displayName="g", **body)

    assert read.members == members
    assert read.doc == {"schemas": [CORE_GROUP], "displayName": "g"}


def test_a_new_user_is_active_unless_it_was_said() -> None:
    doc = resources.new(parsed(userName="u").doc, id="i", now_iso=NOW, resource=USER)

    assert doc == {
        "schemas": [CORE_USER],
        "id": "i",
        "userName": "u",
        "active": True,
        "meta": {"resourceType": "User", "created": NOW, "lastModified": NOW},
    }
    assert next(iter(doc)) == "schemas"
    assert list(doc)[-1] == "meta"
    disabled = parsed(userName="u", active="False").doc
    assert resources.new(disabled, id="i", now_iso=NOW, resource=USER)["active"] is False


def test_a_new_group_is_not_active() -> None:
    doc = resources.new(parsed(GROUP, displayName="g").doc, id="i", now_iso=NOW, resource=GROUP)

    assert "active" not in doc
    assert doc["meta"]["resourceType"] == "Group"


def test_put_keeps_the_id_and_the_creation_and_unsets_the_rest() -> None:
    stored = samples.user()

    after = resources.replaced(stored, parsed(userName="joy2", active=True).doc, now_iso=NOW)

    assert after == {
        "schemas": [CORE_USER],
        "id": stored["id"],
        "userName": "joy2",
        "active": True,
        "meta": {"resourceType": "User", "created": CREATED, "lastModified": NOW},
    }


def test_put_without_active_does_not_let_a_leaver_back_in() -> None:
    after = resources.replaced(samples.user(active=False), parsed(userName="joy").doc, now_iso=NOW)

    assert after["active"] is False


def test_put_of_the_same_content_changes_nothing() -> None:
    stored = samples.user()

    assert resources.replaced(stored, parsed(**stored).doc, now_iso=NOW) is stored


def test_touched_dates_only_a_change() -> None:
    before = samples.user()

    assert resources.touched(before, dict(before), NOW) is before
    after = resources.touched(before, {**before, "title": "Lead"}, NOW)
    assert after["meta"] == {"resourceType": "User", "created": CREATED, "lastModified": NOW}
    assert list(after)[-1] == "meta"
    assert before["meta"]["lastModified"] == CREATED


@pytest.mark.parametrize(
    ("before", "after", "urgent"),
    [
        ({"active": True}, {"active": False}, True),
        ({}, {"active": False}, True),
        (None, {"active": False}, True),
        ({"active": False}, {"active": False}, False),
        ({"active": True}, {"active": True}, False),
        ({"active": False}, {"active": True}, False),
        ({"active": False}, {}, False),
    ],
)
def test_a_deactivation_is_told_apart(
    before: dict[str, Any] | None, after: dict[str, Any], *, urgent: bool
) -> None:
    assert resources.is_deactivation(before, after) is urgent


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ({"active": False}, {"active": True}, True),
        ({"active": False}, {}, True),
        ({"active": False}, {"active": False}, False),
        ({"active": True}, {"active": True}, False),
        ({"active": True}, {"active": False}, False),
    ],
)
def test_a_return_is_told_apart(
    before: dict[str, Any], after: dict[str, Any], *, wanted: bool
) -> None:
    assert resources.is_return(before, after) is wanted
