"""The recorded writes once more, with a real worker behind: BLDNG holds what SCIM was told."""

from collections.abc import Mapping
from typing import Any

import pytest

from mappers import profile
from mappers.bldng import translate
from tests.entra import scene
from tests.entra.test_cases import CASES, RECORDED
from tests.support.gateway import Gateway
from tests.support.worker import Rig

WRITES = [case for case in CASES if case["method"] != "GET"]


@pytest.mark.parametrize("case", WRITES, ids=[case["name"] for case in WRITES])
async def test_what_a_recorded_write_leaves_reaches_bldng(
    rig: Rig, gateway: Gateway, case: dict[str, Any]
) -> None:
    await scene.play(scene.Scene(gateway, RECORDED["people"]), case)
    async with rig.working():
        await rig.until_clean()
    told = (await gateway.send("GET", "/Users")).json["Resources"]
    assert held(rig) == sorted((wanted(user) for user in told), key=username)
    groups = (await gateway.send("GET", "/Groups")).json["Resources"]
    names = {user["id"]: user["userName"] for user in told}
    assert held_groups(rig) == {
        group["displayName"]: wanted_group(group, names) for group in groups
    }


def wanted(user: dict[str, Any]) -> dict[str, Any]:
    """What the default mapping makes of a user."""
    return dict(translate.to_user(user, profile.DEFAULT).fields)


def held(rig: Rig) -> list[dict[str, Any]]:
    """What BLDNG holds, departments by name, without its own fields."""
    names = {
        each["id"]: each["name"] for each in rig.sandbox.state.org(rig.tenant.org).departments
    }
    records = [
        {
            **{name: value for name, value in record.items() if name not in OWN_FIELDS},
            "department": names.get(record["departmentId"]),
        }
        for record in rig.users()
    ]
    return sorted(records, key=username)


Group = tuple[str | None, list[str]]
"""A group's externalId and the usernames of its members."""


def wanted_group(group: Mapping[str, Any], names: Mapping[str, str]) -> Group:
    """What BLDNG should hold of a group: members who are nobody yet, or groups, are not sent."""
    found = [names[each["value"]] for each in group["members"] if each["value"] in names]
    return group.get("externalId"), sorted(found)


def held_groups(rig: Rig) -> dict[str, Group]:
    """The groups that BLDNG holds, by name."""
    org = rig.sandbox.state.org(rig.tenant.org)
    names = {user["id"]: user["username"] for user in org.users}
    return {
        group["name"]: (
            group["externalId"],
            sorted(names[each] for each in org.members.get(group["id"], ())),
        )
        for group in org.groups
    }


OWN_FIELDS = frozenset({"id", "createdAt", "updatedAt", "departmentId"})


def username(record: dict[str, Any]) -> str:
    return str(record["username"])
