"""What Microsoft's SCIM Validator checks: its 25 required tests and its 7 preview tests.

The tool is interactive and cannot run here; these are its tests in own words, in its order.
"""

from typing import Any

import pytest

from tests.conformance.steps import Client, Doc, members, op
from tests.support.gateway import CORE_USER, ENTERPRISE_USER, Gateway

CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
NOBODY = "00000000-0000-4000-8000-000000000000"
MANAGER = f"{ENTERPRISE_USER}:manager"
PARTS = ("formatted", "streetAddress", "locality", "region", "postalCode", "country")

VERBOSE: dict[str, Any] = {
    "displayName": "OQVQ", "title": "UFJN", "preferredLanguage": "sr-Latn", "nickName": "RGVB",
    "userType": "XEHF", "locale": "DNJX", "timezone": "Asia/Pyongyang", "profileUrl": "KVJY",
    "name.givenName": "Marge", "name.familyName": "Kassulke", "name.formatted": "Vella",
    "name.middleName": "Rae", "name.honorificPrefix": "Bret", "name.honorificSuffix": "Buck",
    'emails[type eq "work"].value': "lulu@mills.example",
    'emails[type eq "work"].primary': True,
    'phoneNumbers[type eq "work"].value': "73-811-4610",
    'phoneNumbers[type eq "mobile"].value': "73-811-4611",
    'phoneNumbers[type eq "fax"].value': "73-811-4612",
    **{f'addresses[type eq "work"].{part}': f"{part}!" for part in PARTS},
    'roles[primary eq "True"].value': "WDEI", 'roles[primary eq "True"].display': "MRON",
    **{f"{ENTERPRISE_USER}:{name}": f"{name}!"
       for name in ("employeeNumber", "department", "costCenter", "organization", "division")},
}  # fmt: skip
"""Path -> value of one operation each."""


@pytest.fixture
def client(gateway: Gateway) -> Client:
    return Client(gateway)


@pytest.fixture
async def joy(client: Client) -> Doc:
    """A user with the attributes of the validator's create test."""
    return await client.post("/Users", user("joy@contoso.com", externalId="e-joy"))


@pytest.fixture
async def sales(client: Client) -> Doc:
    return await client.post("/Groups", group("Sales"))


def user(name: str, **more: Any) -> Doc:
    return {
        "schemas": [CORE_USER, ENTERPRISE_USER],
        "userName": name,
        "active": True,
        "displayName": "JEST",
        "name": {"givenName": "Elfrieda", "familyName": "Urban"},
        "emails": [{"type": "work", "value": name, "primary": True}],
        "roles": [{"primary": "True", "display": "MRON", "value": "WDEI", "type": "XVTU"}],
        ENTERPRISE_USER: {"department": "ZYWT", "manager": {"value": "XYMK"}},
        **more,
    }


def group(name: str) -> Doc:
    return {"schemas": [CORE_GROUP], "displayName": name, "externalId": f"ext-{name}"}


def at(user: Doc, path: str) -> Any:
    """The value of a path of VERBOSE in a user."""
    urn, _, name = path.rpartition(":")
    holder = user[urn] if urn else user
    head, bracket, tail = name.partition("[")
    if not bracket:
        above, dot, below = name.partition(".")
        return holder[above][below] if dot else holder[name]
    where, _, sub = tail.partition("].")
    key, _, wanted = where.partition(" eq ")
    [element] = [each for each in holder[head] if str(each[key]) == wanted.strip('"')]
    return element[sub]


async def test_create_a_user_and_again(client: Client, joy: Doc) -> None:
    assert joy["schemas"] == [CORE_USER, ENTERPRISE_USER]
    assert joy["roles"][0]["primary"] is True
    assert joy[ENTERPRISE_USER]["manager"] == {"value": "XYMK"}
    assert await client.get(f"/Users/{joy['id']}") == joy
    refused = await client.post("/Users", user("joy@contoso.com"), status=409)
    assert refused["scimType"] == "uniqueness"


@pytest.mark.parametrize("name", ["joy@contoso.com", "JOY@Contoso.COM"])
async def test_filter_users(client: Client, joy: Doc, name: str) -> None:
    assert await client.found(f'/Users?filter=userName eq "{name}"') == [joy]
    assert await client.found('/Users?filter=userName eq "nobody@contoso.com"') == []


@pytest.mark.parametrize("verb", ["replace", "Replace", "add", "Add"])
@pytest.mark.parametrize("minimal", [False, True])
async def test_every_attribute_verbosely(client: Client, verb: str, *, minimal: bool) -> None:
    body = {"userName": "m@contoso.com"} if minimal else user("m@contoso.com")
    path = f"/Users/{(await client.post('/Users', body))['id']}"
    operations = [op(verb, name, value=value) for name, value in VERBOSE.items()]
    patched = (await client.patch(path, *operations, status=200)).json
    assert patched == await client.get(path)
    assert {name: at(patched, name) for name in VERBOSE} == VERBOSE
    assert [len(patched[name]) for name in ("emails", "addresses", "roles")] == [1, 1, 1]


async def test_rename_and_disable(client: Client, joy: Doc) -> None:
    path = f"/Users/{joy['id']}"
    await client.patch(path, op("replace", value={"userName": "new@contoso.com"}), status=200)
    disabled = await client.patch(path, op("replace", "active", value=False), status=200)
    [found] = await client.found('/Users?filter=userName eq "new@contoso.com"')
    assert found == disabled.json
    assert found["active"] is False


@pytest.mark.parametrize("empty", ["", {"value": ""}, None])
async def test_a_manager_comes_and_goes(client: Client, joy: Doc, empty: Any) -> None:
    path = f"/Users/{joy['id']}"
    for verb, name in (("add", "boss-1"), ("replace", "boss-2")):
        shown = await client.patch(path, op(verb, MANAGER, value=name), status=200)
        assert shown.json[ENTERPRISE_USER]["manager"] == {"value": name}
    shown = await client.patch(path, op("replace", MANAGER, value=empty), status=200)
    assert "manager" not in shown.json[ENTERPRISE_USER]


async def test_delete_a_user(client: Client, joy: Doc) -> None:
    await client.delete(f"/Users/{joy['id']}")
    await client.get(f"/Users/{joy['id']}", status=404)
    assert await client.found('/Users?filter=userName eq "joy@contoso.com"') == []


async def test_read_and_filter_groups(client: Client, sales: Doc) -> None:
    without = "excludedAttributes=members"
    assert "members" not in await client.get(f"/Groups/{sales['id']}?{without}")
    for name, found in (("Sales", 1), ("sALES", 1), ("Nobody", 0)):
        asked = f'filter=displayName eq "{name}"'
        listed = await client.found(f"/Groups?{without}&{asked}")
        assert len(listed) == len(await client.found(f"/Groups?{asked}")) == found
        assert all("members" not in each for each in listed)


async def test_create_a_group_and_again(client: Client, sales: Doc) -> None:
    assert sales["externalId"] == "ext-Sales"
    refused = await client.post("/Groups", group("Sales"), status=409)
    assert refused["scimType"] == "uniqueness"


async def test_change_a_group(client: Client, sales: Doc) -> None:
    path = f"/Groups/{sales['id']}"
    await client.patch(path, op("replace", value={"externalId": "other"}), status=204)
    await client.patch(path, op("replace", "displayName", value="Marketing"), status=204)
    shown = await client.get(path)
    assert (shown["displayName"], shown["externalId"]) == ("Marketing", "other")


async def test_members_of_a_group(client: Client, joy: Doc, sales: Doc) -> None:
    path = f"/Groups/{sales['id']}"
    for _ in range(2):
        await client.patch(
            path, op("replace", "members", value=[{"value": joy["id"]}]), status=204
        )
        assert members(await client.get(path)) == [joy["id"]]
    await client.patch(path, op("remove", f'members[value eq "{joy["id"]}"]'), status=204)
    assert members(await client.get(path)) == []


async def test_delete_a_group(client: Client, sales: Doc) -> None:
    await client.delete(f"/Groups/{sales['id']}")
    await client.get(f"/Groups/{sales['id']}", status=404)


async def test_preview_several_operations(client: Client, joy: Doc) -> None:
    path = f"/Users/{joy['id']}"
    shown = await client.patch(
        path,
        op("remove", "title"),
        op("add", "displayName", value="A"),
        op("replace", "nickName", value="N"),
        op("replace", "displayName", value="B"),
        status=200,
    )
    assert (shown.json["displayName"], shown.json["nickName"]) == ("B", "N")


async def test_preview_delete_twice_and_what_is_not_there(client: Client, joy: Doc) -> None:
    await client.delete(f"/Users/{NOBODY}", status=404)
    await client.delete(f"/Groups/{NOBODY}", status=404)
    await client.delete(f"/Users/{joy['id']}")
    await client.delete(f"/Users/{joy['id']}", status=404)


async def test_preview_a_member_comes_and_goes_in_one_patch(
    client: Client, joy: Doc, sales: Doc
) -> None:
    path, named = f"/Groups/{sales['id']}", [{"value": joy["id"]}]
    adding, removing = (op(verb, "members", value=named) for verb in ("add", "remove"))
    await client.patch(path, adding, removing, status=204)
    assert members(await client.get(path)) == []
    await client.patch(path, removing, adding, status=204)
    assert members(await client.get(path)) == [joy["id"]]
