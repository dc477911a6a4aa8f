"""What Microsoft's Postman collection asserts (AzureAD/SCIMReferenceCode), folder by folder.

Where we answer otherwise the test says so and docs/conformance.md says why.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.conformance.steps import Client, Doc, members, op
from tests.support.gateway import CORE_USER, ENTERPRISE_USER, Gateway

CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


@pytest.fixture
def client(gateway: Gateway) -> Client:
    return Client(gateway)


def user(login: str, **more: Any) -> Doc:
    """A user with the capitalised keys of the collection."""
    return {
        "userName": login,
        "active": True,
        "displayName": "Daniel Mcgee",
        "schemas": [CORE_USER],
        "externalId": f"ext-{login}",
        "name": {"formatted": "Daniel Mcgee", "familyName": "Employee", "honorificPrefix": None},
        "emails": [
            {"Primary": True, "type": "work", "value": f"{login}@example.com"},
            {"Primary": False, "type": "home", "value": f"{login}@example.org"},
        ],
        **more,
    }


def enterprise(name: str) -> Doc:
    extension = {"Department": "some department", "Manager": {"Value": "SuzzyQ"}}
    return user(name, schemas=[ENTERPRISE_USER, CORE_USER], **{ENTERPRISE_USER: extension})


def address(kind: str, country: str | None) -> Doc:
    return {"type": kind, "primary": False, "country": country, "locality": None}


async def test_the_endpoints(client: Client) -> None:
    assert await client.found("/Users") == await client.found("/Groups") == []
    assert (await client.found("/ResourceTypes"))[0]["endpoint"] == "/Users"
    assert (await client.get("/serviceConfiguration"))["patch"]["supported"] is True
    assert "User Account" in str(await client.get("/Schemas"))


async def test_users(client: Client) -> None:
    one = await client.post("/Users", user("one", displayName="BobIsAmazing"))
    two = await client.post("/Users", enterprise("two"))
    assert two[ENTERPRISE_USER] == {
        "department": "some department", "manager": {"value": "SuzzyQ"},
    }  # fmt: skip
    for made in (one, two):
        assert await client.get(f"/Users/{made['id']}") == made
    listed = await client.found("/Users?attributes=userName,emails")
    assert [each.keys() for each in listed] == [{"schemas", "id", "userName", "emails"}] * 2
    [found] = await client.found('/Users/?filter=DisplayName eq "BobIsAmazing"')
    assert found["id"] == one["id"]
    await client.patch(f"/Users/{one['id']}", op("replace", "userName", value="ryan3"), status=200)
    assert (await client.get(f"/Users/{one['id']}"))["userName"] == "ryan3"
    renamed = enterprise("two") | {"id": two["id"], "name": {"formatted": "NewName"}}
    await client.put(f"/Users/{two['id']}", renamed)
    assert (await client.get(f"/Users/{two['id']}"))["name"]["formatted"] == "NewName"
    for made in (one, two):
        await client.delete(f"/Users/{made['id']}")


async def test_groups(client: Client) -> None:
    three, four = [(await client.post("/Users", enterprise(name)))["id"] for name in ("3", "4")]

    def group(name: str, *people: str) -> Doc:
        listed = [{"value": each, "display": "VP"} for each in people]
        return {"schemas": [CORE_GROUP], "displayName": name, "members": listed}

    first = f"/Groups/{(await client.post('/Groups', group('G1')))['id']}"
    assert members(await client.post("/Groups", group("G2", three))) == [three]
    third = (await client.post("/Groups", group("G3")))["id"]
    await client.put(f"/Groups/{third}", group("putName", three, four) | {"id": third})
    assert members(await client.get(f"/Groups/{third}")) == sorted([three, four])
    adding = op(
        "add", "members", name="addMember", value=[{"displayName": "new User", "value": four}]
    )
    await client.patch(first, adding, status=204)
    await client.patch(first, op("remove", f'members[value eq "{four}"]'), status=204)
    assert members(await client.get(first)) == []
    await client.patch(first, adding, status=204)
    shown = await client.get(first)
    assert shown["members"] == [{"value": four}]  # deviation: no "new User", ids alone are kept
    await client.patch(first, op("remove", "members"), status=204)
    assert members(await client.get(first)) == []
    for each in await client.found("/Groups"):
        await client.delete(f"/Groups/{each['id']}")


async def test_complex_attributes(client: Client) -> None:
    work = {"type": "work", "value": "emailName357"}
    await client.post("/Users", user("one", emails=[work]))
    for name in ('emails[type eq "work"]', 'emails[value eq "emailName357"]'):
        [shown] = await client.found(f"/Users?attributes={name}")
        assert shown["emails"] == [work]


@pytest.fixture
async def garbage(client: Client) -> AsyncIterator[Doc]:
    """OMalley, made first of five; after the test all are gone."""
    addresses = [address("work", "Bermuda"), address("other", None)]
    meta = {"created": "2019-09-18T18:15:26.5788954+00:00", "resourceType": "User"}
    first = await client.post(
        "/Users",
        user("OMalley", addresses=addresses, meta=meta, roles=[], name={"familyName": "OMalley"}),
    )
    made = [await client.post("/Users", user("emp1", active="True"))]
    assert made[0]["active"] is True
    assert len(await client.found("/Users")) == 2
    made += [await client.post("/Users", user(name)) for name in ("emp2", "emp3")]
    made.append(await client.post("/Users", enterprise("enterprise")))
    yield first
    for each in (first, *made):
        await client.delete(f"/Users/{each['id']}")
    assert await client.found("/Users?attributes=userName") == []


async def test_users_with_garbage(client: Client, garbage: Doc) -> None:
    path = f"/Users/{garbage['id']}"
    assert (garbage["userName"], garbage["active"]) == ("OMalley", True)
    nameless = {name: value for name, value in user("x").items() if name != "userName"}
    await client.post("/Users", nameless, status=400)
    await client.post("/Users", '{"acve": tre, "adadfdresses": [', status=400)
    for _ in range(2):
        assert (await client.post("/Users", user("emp3"), status=409))["detail"]
    await client.put(path, nameless | {"userame": "OMalley"}, status=400)
    put = await client.put(
        path, user("OMalley", active=False, adreses=[address("work", "Germany")], id=garbage["id"])
    )
    assert "addresses" not in put
    # deviation: 200 with the user, where the collection asserts 204
    await client.patch(path, op("Replace", "userName", value="newusername"), status=200)
    await client.patch(path, op("Replace", "active", value=False), status=200)
    shown = await client.get(path)
    assert (shown["userName"], shown["active"]) == ("newusername", False)
    put = await client.put(
        path, user("OMalley", active=False, addresses=[address("w", "Germany")])
    )
    assert (put["userName"], put["active"]) == ("OMalley", False)
    assert put["addresses"][0]["country"] == "Germany"


EMPLOYEES = (
    "filter=name.FamilyName eq Employee and"
    " (emails.Value co example.com or emails.Value co example.org)"
)


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("startIndex=1&count=2", 5),
        ("attributes=userName,emails", 5),
        (EMPLOYEES, 4),
        ("filter=userName sw O", 1),
        ("filter=meta.Created gt 2015-10-10T14:38:21.8617979-07:00", 5),
    ],
)
async def test_lists_with_garbage(client: Client, garbage: Doc, query: str, total: int) -> None:
    assert (await client.get(f"/Users?{query}"))["totalResults"] == total


async def test_groups_with_garbage(client: Client) -> None:
    body = {"displayName": "Group 1", "externalId": "g-1", "schemas": [CORE_GROUP]}
    path = f"/Groups/{(await client.post('/Groups', body))['id']}"
    for name in ("string id 1", "string id 2"):
        await client.patch(path, op("add", "members", value=name), status=204)
    assert members(await client.get(path)) == ["string id 1", "string id 2"]
    assert "members" not in await client.get(f"{path}?excludedAttributes=members")
    put = await client.put(path, body | {"displayName": "Tiffany Ortiz", "externalId": "g-2"})
    assert put["displayName"] == "Tiffany Ortiz"
    await client.delete(path)
    assert await client.found("/Groups") == []


async def test_its_users_share_an_external_id_and_ours_must_not(client: Client) -> None:
    """Deviation: the collection sends one externalId for several users, and asserts 201."""
    await client.post("/Users", user("one", externalId="${__UUID}"))
    refused = await client.post("/Users", user("two", externalId="${__UUID}"), status=409)
    assert refused["scimType"] == "uniqueness"
    assert "externalId" in refused["detail"]
