"""Okta: its SCIM 2.0 SPEC test step by step, and what its provisioning then sends.

The first is the suite that Okta asks for; its steps are public in BerriAI/litellm,
tests/scim_tests/scim_e2e_test.json. The second follows Okta's guide to SCIM 2.0.
"""

import pytest

from tests.conformance.steps import Client, Doc, members, op
from tests.support.gateway import CORE_USER, Gateway

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


@pytest.fixture
def client(gateway: Gateway) -> Client:
    """Okta's importer, by its headers."""
    return Client(
        gateway,
        **{
            "Accept": "application/scim+json",
            "Accept-Charset": "utf-8",
            "Content-Type": "application/scim+json; charset=utf-8",
            "User-Agent": "OKTA SCIM Integration",
        },
    )


def person(name: str) -> Doc:
    return {
        "schemas": [CORE_USER],
        "userName": name,
        "name": {"givenName": "Isaac", "familyName": "Brock"},
        "emails": [{"primary": True, "value": name, "type": "work"}],
        "displayName": "Isaac Brock",
        "active": True,
    }


async def test_the_spec_test(client: Client, gateway: Gateway) -> None:
    await client.post("/Users", person("first@example.com"))  # the suite wants somebody there

    listed = await client.get("/Users?count=1&startIndex=1")
    assert [type(listed[name]) for name in ("itemsPerPage", "startIndex", "totalResults")] == [
        int, int, int,
    ]  # fmt: skip
    [known] = listed["Resources"]
    shown = await client.get(f"/Users/{known['id']}")
    for each in (known, shown):
        assert each["id"] == known["id"]
        assert each["name"]["familyName"]
        assert each["name"]["givenName"]
        assert each["userName"]
        assert each["active"] is True
        assert each["emails"][0]["value"]

    assert await client.found('/Users?filter=userName eq "abcdefgh@atko.com"') == []
    missing = await client.get("/Users/010101001010101011001010101011", status=404)
    assert missing["schemas"] == [ERROR]
    assert missing["detail"]

    name = "isaac.brock@example.com"
    assert await client.found(f'/Users?filter=userName eq "{name}"') == []
    created = await client.answer(
        "POST", "/Users", person(name), status=201, **{"Content-Type": "application/json"}
    )
    assert {key: created.json[key] for key in person(name)} == person(name)
    assert await client.get(f"/Users/{created.json['id']}") == created.json
    await client.post("/Users", person(name), status=409)
    [found] = await client.found(f'/Users?filter=userName eq "{name.upper()}"')
    assert found["id"] == created.json["id"]
    assert await client.found("/Groups") == []

    for refused in (
        (await client.answer("GET", "/Users", status=401, Authorization="non-token")).json,
        await client.get("/Users/00919288221112222", status=404),
    ):
        assert refused["schemas"] == [ERROR]
        assert refused["detail"]
        assert refused["status"] in {"401", "404"}


async def test_a_person_is_pushed_updated_and_deactivated(client: Client) -> None:
    body = person("joy@example.com") | {"password": "s3cret!", "groups": [], "locale": "en-US"}
    made = await client.post("/Users", body)
    assert "password" not in made
    path = f"/Users/{made['id']}"
    put = await client.put(path, made | {"name": {"givenName": "Joy", "familyName": "Brock"}})
    assert put["name"]["givenName"] == "Joy"
    for active in (False, True):
        change = op("replace", value={"active": active})
        assert (await client.patch(path, change, status=200)).json["active"] is active
    put = await client.put(path, put | {"active": False})
    assert put["active"] is False
    [found] = await client.found('/Users?filter=userName eq "joy@example.com"')
    assert found == put


async def test_a_group_is_pushed_renamed_and_filled(client: Client) -> None:
    ann, ben = [
        (await client.post("/Users", person(f"{name}@example.com")))["id"]
        for name in ("ann", "ben")
    ]
    body = {"schemas": [CORE_GROUP], "displayName": "Test SCIMv2", "members": []}
    group = await client.post("/Groups", body)
    path = f"/Groups/{group['id']}"
    renamed = op("replace", value={"id": group["id"], "displayName": "Renamed"})
    await client.patch(path, renamed, status=204)
    await client.patch(
        path,
        op("remove", f'members[value eq "{ben}"]'),
        op("add", "members", value=[{"value": ann, "display": "ann@example.com"}]),
        status=204,
    )
    await client.patch(path, op("replace", "members", value=[{"value": ben}]), status=204)
    [shown] = await client.found("/Groups?startIndex=1&count=100")
    assert (shown["displayName"], members(shown)) == ("Renamed", [ben])
    put = await client.put(path, body | {"id": group["id"], "members": [{"value": ann}]})
    assert (put["displayName"], members(put)) == ("Test SCIMv2", [ann])
    await client.delete(path)
