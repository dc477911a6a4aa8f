from typing import Any

import pytest

from mappers.scim import projection
from mappers.scim.schemas import CORE_USER, ENTERPRISE_USER
from tests.unit.mappers.scim import samples
from tests.unit.mappers.scim.samples import CUSTOM

BASE = "https://scim.example.com/scim/v2/acme"


def joy() -> dict[str, Any]:
    return projection.render(samples.user(**{CUSTOM: {"tag": "b"}}), version=7, base_url=BASE)


def test_a_rendered_resource_says_where_and_which_version_it_is() -> None:
    doc = samples.user()

    shown = projection.render(doc, version=7, base_url=BASE)

    assert shown["meta"]["location"] == f"{BASE}/Users/{doc['id']}"
    assert shown["meta"]["version"] == 'W/"7"'
    assert "location" not in doc["meta"]
    group = projection.render(samples.group(), version=1, base_url=BASE)
    assert group["meta"]["location"] == f"{BASE}/Groups/{group['id']}"


@pytest.mark.parametrize(
    ("attributes", "left"),
    [
        ("userName", {"userName": "joy@contoso.com"}),
        ("USERNAME, title", {"userName": "joy@contoso.com", "title": "Engineer"}),
        (["userName", "title"], {"userName": "joy@contoso.com", "title": "Engineer"}),
        ("id", {}),
        ("nothing", {}),
        (",", {}),
        ("name.givenName", {"name": {"givenName": "Joy"}}),
        ("name.givenName,name", {"name": {"givenName": "Joy", "familyName": "Young"}}),
        ("name,name.givenName", {"name": {"givenName": "Joy", "familyName": "Young"}}),
        ("emails.Type", {"emails": [{"type": "work"}, {"type": "home"}]}),
        ("emails.primary", {"emails": [{"primary": True}]}),
        ('emails[value eq "a,b"].type', {"emails": [{"type": "work"}, {"type": "home"}]}),
        ("emails[", {"emails": samples.user()["emails"]}),
        ("title.sub", {"title": "Engineer"}),
        (f"{CORE_USER}:title", {"title": "Engineer"}),
        (f"{CORE_USER}:name.givenName", {"name": {"givenName": "Joy"}}),
        (CORE_USER, {}),
        (ENTERPRISE_USER.upper(), {ENTERPRISE_USER: samples.user()[ENTERPRISE_USER]}),
        (f"{ENTERPRISE_USER}:Department", {ENTERPRISE_USER: {"department": "Sales"}}),
        (f"{ENTERPRISE_USER}:manager.value", {ENTERPRISE_USER: {"manager": {"value": "m-1"}}}),
        ("department", {ENTERPRISE_USER: {"department": "Sales"}}),
        (f"{CUSTOM}:tag", {CUSTOM: {"tag": "b"}}),
        ("urn:example:other:x", {}),
        ("meta.version", {"meta": {"version": 'W/"7"'}}),
    ],
)
def test_only_the_wanted_attributes_are_shown(attributes: Any, left: dict[str, Any]) -> None:
    doc = joy()

    shown = projection.project(doc, attributes=attributes)

    assert shown == {"schemas": doc["schemas"], "id": doc["id"], **left}


@pytest.mark.parametrize(
    ("excluded", "gone"),
    [
        ("title", {"title": None}),
        ("TITLE,active", {"title": None, "active": None}),
        ("id,schemas", {}),
        ("members", {}),
        ("name.givenName", {"name": {"familyName": "Young"}}),
        ("emails.value,emails.primary", {"emails": [{"type": "work"}, {"type": "home"}]}),
        (f"{ENTERPRISE_USER}:manager", {ENTERPRISE_USER: {"department": "Sales"}}),
        (ENTERPRISE_USER, {ENTERPRISE_USER: None}),
        ("manager", {ENTERPRISE_USER: {"department": "Sales"}}),
        ("title.sub", {}),
        ('emails[type eq "work"]', {"emails": None}),
    ],
)
def test_the_excluded_attributes_are_not_shown(excluded: str, gone: dict[str, Any]) -> None:
    wanted = {name: value for name, value in {**joy(), **gone}.items() if value is not None}

    assert projection.project(joy(), excluded=excluded) == wanted


@pytest.mark.parametrize("nothing", [None, "", []])
def test_without_names_everything_is_shown(nothing: Any) -> None:
    assert projection.project(joy(), attributes=nothing, excluded=nothing) == joy()


def test_both_together_leave_what_is_wanted_and_not_excluded() -> None:
    shown = projection.project(joy(), attributes="name,title", excluded="name.familyName")

    assert shown["name"] == {"givenName": "Joy"}
    assert shown["title"] == "Engineer"
    assert "emails" not in shown


def test_a_group_with_members_can_leave_them_out() -> None:
    doc = samples.group(members=[{"value": "a"}])

    assert "members" not in projection.project(doc, excluded="members")
