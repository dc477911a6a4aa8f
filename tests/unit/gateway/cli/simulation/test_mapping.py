"""The attribute mapping: a person as flat SCIM paths, the JSON body, and back."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.simulation import mapping, people
from gateway.cli.simulation.people import Person, Standing

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def person(seed: int = 1) -> Person:
    return people.person(7, domain="example.com", dice=Random(seed))


def test_a_body_is_nested_as_scim_wants_it() -> None:
    body = mapping.nested({
        "userName": "joy@x",
        "name.givenName": "Joy",
        'emails[type eq "work"].value': "joy@x",
        'emails[type eq "work"].primary': True,
        'emails[type eq "home"].value': "joy@home",
        f"{ENTERPRISE}:department": "HR",
        f"{ENTERPRISE}:manager": "id-1",
    })
    assert body == {
        "userName": "joy@x",
        "name": {"givenName": "Joy"},
        "emails": [
            {"type": "work", "value": "joy@x", "primary": True},
            {"type": "home", "value": "joy@home"},
        ],
        ENTERPRISE: {"department": "HR", "manager": {"value": "id-1"}},
    }


@given(st.integers(min_value=0, max_value=10_000), st.sampled_from(["", "manager-id"]))
def test_flattening_the_body_gives_the_map_back(seed: int, manager_id: str) -> None:
    flat = mapping.mapped(person(seed), manager_id=manager_id)
    assert mapping.flattened(mapping.nested(flat)) == flat


def test_what_the_server_adds_is_not_compared() -> None:
    resource = {"schemas": ["x"], "id": "1", "meta": {"version": "1"}, "userName": "joy@x"}
    assert mapping.flattened(resource) == {"userName": "joy@x"}


def test_unassigned_attributes_are_absent() -> None:
    flat = mapping.mapped(replace(person(), mobile=""))
    assert 'phoneNumbers[type eq "mobile"].value' not in flat
    assert mapping.MANAGER not in flat


@pytest.mark.parametrize(
    ("standing", "active", "prefixed"),
    [
        (Standing.ACTIVE, True, False),
        (Standing.DISABLED, False, False),
        (Standing.SOFT_DELETED, False, True),
    ],
)
def test_standing_shows_in_active_and_login(
    standing: Standing, *, active: bool, prefixed: bool
) -> None:
    one = replace(person(), standing=standing)
    flat = mapping.mapped(one)
    assert flat["active"] is active
    prefix = one.object_id.replace("-", "") if prefixed else ""
    assert flat["userName"] == prefix + one.upn


@pytest.mark.parametrize(
    ("found", "exactly", "paths"),
    [
        ({"a": "1", "b": "2"}, True, ()),
        ({"a": "1"}, True, ("b",)),
        ({"a": "1", "b": "3"}, True, ("b",)),
        ({"a": "1", "b": "2", "c": "3"}, True, ("c",)),
        ({"a": "1", "b": "2", "c": "3"}, False, ()),
        ({"a": "1", "c": "3"}, False, ("b",)),
    ],
)
def test_differences_are_named_by_path(
    found: dict[str, str], *, exactly: bool, paths: tuple[str, ...]
) -> None:
    assert mapping.different({"a": "1", "b": "2"}, found, exactly=exactly) == paths


@given(st.integers(min_value=0, max_value=10_000))
def test_login_names_are_ascii_and_numbered(seed: int) -> None:
    one = person(seed)
    assert one.upn.isascii()
    assert one.upn.endswith("7@example.com")
    assert " " not in one.upn
