import copy
from typing import Any

import pytest

from mappers.scim import errors, patch, path, values
from mappers.scim.attributes import ResourceType
from mappers.scim.operations import Operation
from mappers.scim.schemas import CORE_USER, ENTERPRISE_USER, GROUP, USER
from tests.unit.mappers.scim import samples
from tests.unit.mappers.scim.samples import CUSTOM, Doc

WORK = {"type": "work", "value": "joy@contoso.com", "primary": True}
HOME = {"type": "home", "value": "joy@home.example"}

Step = tuple[Any, ...]


def patched(doc: Doc, *steps: Step, resource: ResourceType = USER) -> Doc:
    operations = [Operation(op, path.parse(text, resource), *value) for op, text, *value in steps]
    return patch.apply(doc, operations, resource)


@pytest.mark.parametrize(
    ("steps", "name", "value"),
    [
        # one value
        ([("replace", "title", "Lead")], "title", "Lead"),
        ([("add", "title", "Lead")], "title", "Lead"),
        ([("add", "nickName", "Jo")], "nickName", "Jo"),
        ([("remove", "title")], "title", None),
        ([("remove", "title", "engineer")], "title", None),
        ([("remove", "title", "Other")], "title", "Engineer"),
        ([("remove", "nickName")], "nickName", None),
        ([("replace", "title", None)], "title", None),
        ([("add", "title", None)], "title", None),
        ([("remove", "displayName"), ("add", "displayName", "M"), ("replace", "displayName", "F")],
         "displayName", "F"),
        # an object
        ([("replace", "name.givenName", "J")], "name", {"givenName": "J", "familyName": "Young"}),
        ([("remove", "name.givenName")], "name", {"familyName": "Young"}),
        ([("replace", "name.givenName", None), ("remove", "name.familyName")], "name", None),
        ([("replace", "name", {"givenName": "J"})], "name",
         {"givenName": "J", "familyName": "Young"}),
        ([("remove", "name")], "name", None),
        ([("remove", "name", {"givenName": "Joy"})], "name", None),
        ([("remove", "name", {"givenName": "Other"})], "name",
         {"givenName": "Joy", "familyName": "Young"}),
        # an extension
        ([("replace", "department", "HR")], ENTERPRISE_USER,
         {"department": "HR", "manager": {"value": "m-1"}}),
        ([("replace", "manager", {"value": "m-2"})], ENTERPRISE_USER,
         {"department": "Sales", "manager": {"value": "m-2"}}),
        ([("replace", "manager.value", "m-2")], ENTERPRISE_USER,
         {"department": "Sales", "manager": {"value": "m-2"}}),
        ([("remove", "manager")], ENTERPRISE_USER, {"department": "Sales"}),
        ([("remove", "manager", {"value": "m-1"})], ENTERPRISE_USER, {"department": "Sales"}),
        ([("remove", "manager", {"value": "m-9"})], ENTERPRISE_USER,
         {"department": "Sales", "manager": {"value": "m-1"}}),
        ([("remove", 'manager[value eq "m-1"]')], ENTERPRISE_USER, {"department": "Sales"}),
        ([("remove", 'manager[value eq "m-9"]')], ENTERPRISE_USER,
         {"department": "Sales", "manager": {"value": "m-1"}}),
        ([("replace", 'manager[value eq "m-9"].displayName', "Z")], ENTERPRISE_USER,
         {"department": "Sales", "manager": {"value": "m-9", "displayName": "Z"}}),
        ([("remove", "manager"), ("remove", "department")], ENTERPRISE_USER, None),
        ([("remove", ENTERPRISE_USER)], ENTERPRISE_USER, None),
        # a list
        ([("add", "emails", [{"value": "n@x"}])], "emails", [WORK, HOME, {"value": "n@x"}]),
        ([("add", "emails", [HOME])], "emails", [WORK, HOME]),
        ([("add", "emails", [{"value": "joy@home.example"}])], "emails", [WORK, HOME]),
        ([("replace", "emails", [{"value": "n@x"}])], "emails", [{"value": "n@x"}]),
        ([("replace", "emails", None)], "emails", None),
        ([("remove", "emails")], "emails", None),
        ([("remove", "emails", [{"value": "JOY@home.example"}])], "emails", [WORK]),
        ([("remove", "emails", [{"value": "other@x"}])], "emails", [WORK, HOME]),
        ([("remove", "emails", [{"value": "joy@home.example", "type": "work"}])], "emails",
         [WORK, HOME]),
        ([("remove", "emails", [])], "emails", [WORK, HOME]),
        ([("remove", "roles")], "roles", None),
        # elements of a list
        ([("replace", 'emails[type eq "WORK"].value', "n@x")], "emails",
         [{**WORK, "value": "n@x"}, HOME]),
        ([("replace", 'emails[type eq "other"].value', "n@x")], "emails",
         [WORK, HOME, {"type": "other", "value": "n@x"}]),
        ([("add", 'emails[type eq "work"]', {"display": "D"})], "emails",
         [{**WORK, "display": "D"}, HOME]),
        ([("replace", 'emails[type eq "work"]', {"display": "D", "value": "v"})], "emails",
         [{"type": "work", "display": "D", "value": "v"}, HOME]),
        ([("replace", 'emails[type eq "other"]', {"value": "v"})], "emails",
         [WORK, HOME, {"type": "other", "value": "v"}]),
        ([("remove", 'emails[type eq "home"]')], "emails", [WORK]),
        ([("remove", 'emails[type eq "other"]')], "emails", [WORK, HOME]),
        ([("remove", 'emails[type eq "home"].value')], "emails", [WORK]),
        ([("replace", 'emails[type eq "home"].value', None)], "emails", [WORK]),
        ([("remove", 'emails[type eq "work"].primary')], "emails",
         [{"type": "work", "value": "joy@contoso.com"}, HOME]),
        ([("remove", 'emails[type eq "home"].value', "x")], "emails", [WORK, HOME]),
        ([("remove", 'emails[type eq "work" or type eq "home"]')], "emails", None),
        ([("replace", "emails.display", "D")], "emails",
         [{**WORK, "display": "D"}, {**HOME, "display": "D"}]),
        ([("replace", "roles.value", "R")], "roles", [{"value": "R"}]),
        ([("add", 'addresses[type eq "work" and country eq "DE"].locality', "Ulm"),
          ("add", 'addresses[type eq "work"].region', "BW")], "addresses",
         [{"type": "work", "country": "DE", "locality": "Ulm", "region": "BW"}]),
        ([("add", "roles[primary eq true].display", "D"),
          ("add", "roles[primary eq true].type", "T")], "roles",
         [{"primary": True, "display": "D", "type": "T"}]),
        ([("replace", 'phoneNumbers[type eq "mobile"].primary', True)], "phoneNumbers", None),
        # one element is primary
        ([("replace", 'emails[type eq "home"].primary', True)], "emails",
         [{**WORK, "primary": False}, {**HOME, "primary": True}]),
        ([("replace", 'emails[type eq "home"].primary', True),
          ("replace", 'emails[type eq "work"].primary', True)], "emails",
         [WORK, {**HOME, "primary": False}]),
        ([("add", "emails", [{"value": "n@x", "primary": True}])], "emails",
         [{**WORK, "primary": False}, HOME, {"value": "n@x", "primary": True}]),
        ([("replace", 'emails[type eq "other"].primary', True),
          ("replace", 'emails[type eq "other"].value', "n@x")], "emails",
         [{**WORK, "primary": False}, HOME, {"type": "other", "primary": True, "value": "n@x"}]),
        # an extension nobody described
        ([("add", f"{CUSTOM}:tag", "blue")], CUSTOM, {"tag": "blue"}),
        ([("add", f"{CUSTOM}:tag", "blue"), ("replace", f"{CUSTOM.lower()}:TAG", "red")], CUSTOM,
         {"tag": "red"}),
        ([("add", f"{CUSTOM}:tags", ["a"]), ("add", f"{CUSTOM}:tags", ["b", "a"])], CUSTOM,
         {"tags": ["a", "b"]}),
        ([("add", f"{CUSTOM}:tags", ["a", "b"]), ("remove", f"{CUSTOM}:tags", ["a"])], CUSTOM,
         {"tags": ["b"]}),
        ([("add", f"{CUSTOM}:rows", [{"k": "x", "n": 1}, {"k": "y"}, "z"]),
          ("remove", f"{CUSTOM}:rows", [{"k": "x"}]), ("add", f"{CUSTOM}:rows.m", 2)],
         CUSTOM, {"rows": [{"k": "y", "m": 2}, "z"]}),
        ([("add", f'{CUSTOM}:rows[k eq "x"].n', 1), ("add", f'{CUSTOM}:rows[k eq "x"].m', 2)],
         CUSTOM, {"rows": [{"k": "x", "n": 1, "m": 2}]}),
        ([("add", f"{CUSTOM}:a.b", 1), ("add", f"{CUSTOM}:a.c", 2)], CUSTOM,
         {"a": {"b": 1, "c": 2}}),
        ([("add", f"{CUSTOM}:tag", "blue"), ("remove", f"{CUSTOM}:tag")], CUSTOM, None),
        ([("add", f"{CUSTOM}:tag", "blue"), ("remove", CUSTOM)], CUSTOM, None),
    ],
)  # fmt: skip
def test_what_an_operation_makes_of_an_attribute(steps: list[Step], name: str, value: Any) -> None:
    before = samples.user()
    untouched = copy.deepcopy(before)

    after = patched(before, *steps)

    assert after.get(name) == value
    others = {"schemas", name}
    assert {k: v for k, v in after.items() if k not in others} == {
        k: v for k, v in before.items() if k not in others
    }
    assert before == untouched


def test_another_manager_does_not_keep_the_old_ones_name() -> None:
    doc = samples.user(**{ENTERPRISE_USER: {"manager": {"value": "a", "displayName": "Ann"}}})

    same = patched(doc, ("replace", "manager", {"value": "a"}))
    other = patched(doc, ("replace", "manager.value", "b"))

    assert same == doc
    assert other[ENTERPRISE_USER] == {"manager": {"value": "b"}}


def test_several_operations_land_in_one_element() -> None:
    steps = [
        ("add", f'addresses[type eq "work"].{part}', part)
        for part in ("formatted", "streetAddress", "locality", "region", "postalCode", "country")
    ]

    [address] = patched(samples.bare_user(), *steps)["addresses"]

    assert len(address) == 7
    assert address["type"] == "work"


def test_schemas_follow_the_data() -> None:
    doc = samples.bare_user()

    with_both = patched(doc, ("add", "department", "D"), ("add", f"{CUSTOM}:tag", 1))
    with_one = patched(with_both, ("remove", "department"))

    assert with_both["schemas"] == [CORE_USER, ENTERPRISE_USER, CUSTOM]
    assert with_one["schemas"] == [CORE_USER, CUSTOM]
    assert patched(doc, ("add", "schemas", [CUSTOM]))["schemas"] == [CORE_USER]


@pytest.mark.parametrize(
    "step",
    [
        ("replace", "id", "6b4a5c3e-1d2f-4a5b-8c6d-7e8f9a0b1c2d"),
        ("replace", "meta.resourceType", "User"),
        ("replace", "meta", {"resourceType": "User"}),
        ("remove", "schemas"),
    ],
)
def test_naming_a_read_only_attribute_as_it_is_changes_nothing(step: Step) -> None:
    assert patched(samples.user(), step) == samples.user()


@pytest.mark.parametrize(
    ("steps", "error", "named"),
    [
        ([("replace", "id", "evil")], errors.Mutability, "id"),
        ([("remove", "id")], errors.Mutability, "id"),
        ([("replace", "id", None)], errors.Mutability, "id"),
        ([("replace", "meta.created", "2020-01-01T00:00:00Z")], errors.Mutability, "meta"),
        ([("remove", "meta")], errors.Mutability, "meta"),
        ([("remove", "userName")], errors.Mutability, "userName"),
        ([("replace", "userName", None)], errors.InvalidValue, "userName"),
        ([("replace", "userName", "  ")], errors.InvalidValue, "userName"),
        ([("replace", 'emails[value sw "x"].type', "work")], errors.NoTarget, "eq"),
        ([("replace", 'emails[type eq "a" or type eq "b"].value', "x")], errors.NoTarget, "eq"),
        ([("replace", 'emails[type eq "a" and value co "b"].value', "x")], errors.NoTarget, "eq"),
        ([("replace", ENTERPRISE_USER, {"department": "D"})], errors.InvalidPath, "schema"),
        ([("remove", CORE_USER)], errors.InvalidPath, "schema"),
    ],
)
def test_a_failing_operation_undoes_the_request(
    steps: list[Step], error: type[errors.ScimError], named: str
) -> None:
    before = samples.user()

    with pytest.raises(error, match=named):
        patched(before, ("replace", "displayName", "Changed"), *steps)

    assert before == samples.user()


def test_a_group_keeps_its_name() -> None:
    assert patched(samples.group(), ("add", "externalId", "g"), resource=GROUP) == samples.group(
        externalId="g"
    )
    with pytest.raises(errors.Mutability, match="displayName"):
        patched(samples.group(), ("remove", "displayName"), resource=GROUP)


def test_an_element_that_holds_only_labels_goes_but_only_where_something_changed() -> None:
    doc = samples.user(roles=[{"type": "odd"}])

    after = patched(doc, ("remove", 'emails[type eq "home"].value'))

    assert after["emails"] == [WORK]
    assert after["roles"] == [{"type": "odd"}]
    assert values.is_husk({"type": "x", "primary": True})
    assert not values.is_husk({"type": "x", "display": "D"})
