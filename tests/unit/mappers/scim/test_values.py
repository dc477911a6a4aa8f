from typing import Any

import pytest

from mappers.scim import errors, values
from mappers.scim.attributes import Attribute, open_attribute
from mappers.scim.schemas import GROUP, USER


def attribute(name: str) -> Attribute:
    found = USER.find(name) or GROUP.find(name)
    assert found is not None
    return found[1]


def tidied(name: str, value: Any) -> Any:
    return values.tidy(attribute(name), value, [])


@pytest.mark.parametrize(
    ("name", "sent", "kept"),
    [
        ("title", "Engineer", "Engineer"),
        ("title", "  as sent ", "  as sent "),
        ("title", "upd-1a2b3c4d", "upd-1a2b3c4d"),
        ("employeeNumber", 12345, "12345"),
        ("employeeNumber", 1.5, "1.5"),
        ("title", True, "True"),
        ("title", [{"$ref": None, "value": "x"}], "x"),
        ("title", ["x"], "x"),
        ("title", {"value": "x"}, "x"),
        ("title", "", None),
        ("title", None, None),
        ("title", [], None),
        ("title", {}, None),
        ("title", {"value": ""}, None),
        ("title", {"value": None}, None),
        ("active", True, True),
        ("active", "False", False),
        ("active", "false", False),
        ("active", " TRUE ", True),
        ("active", [{"$ref": None, "value": "False"}], False),
        ("active", "", None),
        ("manager", "m-1", {"value": "m-1"}),
        ("manager", [{"$ref": "http://x/1", "value": "1"}], {"$ref": "http://x/1", "value": "1"}),
        ("manager", {"Value": "SuzzyQ"}, {"value": "SuzzyQ"}),
        ("manager", {"value": ""}, None),
        ("manager", {"$ref": None, "value": None}, None),
        ("manager", "", None),
        ("name", {"GIVENNAME": "J", "familyName": None}, {"givenName": "J"}),
        ("name", {"givenName": ""}, None),
        ("emails", "a@b", [{"value": "a@b", "type": "work"}]),
        ("emails", ["a@b"], [{"value": "a@b", "type": "work"}]),
        ("emails", {"value": "a@b", "type": "home"}, [{"value": "a@b", "type": "home"}]),
        ("emails", [{"Primary": "True", "value": "a"}], [{"primary": True, "value": "a"}]),
        ("emails", [{"type": "work", "value": ""}], None),
        ("emails", [{"type": "work", "primary": True}], None),
        ("emails", [None, "", {}], None),
        ("emails", [], None),
        ("roles", [{"value": '{"id":1}'}], [{"value": '{"id":1}'}]),
        ("roles", ["Admin"], [{"value": "Admin"}]),
        ("members", "u-1", [{"value": "u-1"}]),
        ("members", [{"$ref": None, "value": "u-1"}], [{"value": "u-1"}]),
        ("addresses", {"country": "DE", "region": None}, [{"country": "DE"}]),
    ],
)
def test_a_value_takes_its_attributes_shape(name: str, sent: Any, kept: Any) -> None:
    assert tidied(name, sent) == kept


@pytest.mark.parametrize(
    ("name", "sent", "said"),
    [
        ("title", ["a", "b"], "title takes one value, but a list of 2"),
        ("title", {"a": 1}, "title must be text"),
        ("title", [["a", "b"]], "title must be text"),
        ("active", "maybe", "active must be true or false"),
        ("active", 1, "active must be true or false"),
        ("active", {"a": 1}, "active must be true or false"),
        ("name", "Joy Young", "name must be an object with formatted"),
        ("name", 5, "name must be an object"),
        ("addresses", "Main Street 1", "addresses must be an object"),
        ("emails", [["a@b", "c@d"]], "emails takes one value"),
        ("emails", [7], "emails must be an object with value"),
        ("emails", [{"value": {"a": 1}}], "emails.value must be text"),
        ("emails", [{"primary": "maybe", "value": "x"}], "emails.primary must be true or false"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_name(name: str, sent: Any, said: str) -> None:
    with pytest.raises(errors.InvalidValue) as caught:
        tidied(name, sent)

    assert said in caught.value.detail


def test_the_last_primary_of_a_list_is_the_one() -> None:
    sent: list[Any] = [
        {"value": "a", "primary": True},
        {"value": "b", "primary": True},
        {"value": "c"},
    ]

    assert tidied("emails", sent) == [
        {"value": "a", "primary": False},
        {"value": "b", "primary": True},
        {"value": "c"},
    ]
    assert sent[0]["primary"] is True


def test_unknown_sub_attributes_are_reported() -> None:
    ignored: list[str] = []

    kept = values.tidy(attribute("emails"), [{"value": "a", "colour": "red"}], ignored)

    assert kept == [{"value": "a"}]
    assert ignored == ["emails.colour"]


@pytest.mark.parametrize("value", [1, "x", [1, {"a": None}], {"a": {"b": []}}, False])
def test_an_open_attribute_keeps_what_was_sent(value: Any) -> None:
    assert values.tidy(open_attribute("tag"), value, []) == value


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_an_open_attribute_may_be_unset(value: Any) -> None:
    assert values.tidy(open_attribute("tag"), value, []) is None
