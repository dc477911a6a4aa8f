"""Microsoft's Logic App validation for the gallery (AzureAD/SCIMReferenceCode): its SCIM tests.

Of its eleven, Federated_Identity needs a token endpoint, which is not offered; see
docs/conformance.md. Its user and group tests drive a real Entra and are replayed as recorded
requests in tests/entra.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from tests.conformance.steps import Client, Doc, op
from tests.support.gateway import CORE_USER, ENTERPRISE_USER, Gateway

CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
NOT_EMPTIED = frozenset({"userName", "active", "externalId", "manager", "roles", "groups"})


@pytest.fixture
def client(gateway: Gateway) -> Client:
    return Client(gateway)


async def schemas(client: Client) -> dict[str, Sequence[Doc]]:
    return {each["id"]: each["attributes"] for each in await client.found("/Schemas")}


def discoverable(attributes: Sequence[Mapping[str, Any]], prefix: str = "") -> Iterator[str]:
    """Attributes as the validation counts them: one for every canonical type and sub-attribute."""
    for attribute in attributes:
        name, subs = f"{prefix}{attribute['name']}", attribute.get("subAttributes", ())
        if name.rpartition(":")[2] in {"manager", "members"} or not subs:
            yield name  # a reference, or a value
        elif not attribute["multiValued"]:
            yield from (f"{name}.{sub['name']}" for sub in subs)
        else:
            yield from _by_type(name, subs)


def _by_type(name: str, subs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    types = next((sub.get("canonicalValues", ()) for sub in subs if sub["name"] == "type"), ())
    for kind in types:
        for sub in subs:
            if sub["name"] not in {"type", "primary"}:
                yield f'{name}[type eq "{kind}"].{sub["name"]}'


async def optional(client: Client) -> list[str]:
    """Every path that may be emptied: not required, not read-only, not of the exceptions."""
    paths: list[str] = []
    for urn, prefix in ((CORE_USER, ""), (ENTERPRISE_USER, f"{ENTERPRISE_USER}:")):
        chosen = [
            attribute
            for attribute in (await schemas(client))[urn]
            if not attribute["required"] and attribute["name"] not in NOT_EMPTIED
        ]
        paths += discoverable(chosen, prefix)
    return paths


async def test_schema_discoverability(client: Client) -> None:
    found = await schemas(client)
    named = {name for attributes in found.values() for name in discoverable(attributes)}
    assert {CORE_USER, CORE_GROUP, ENTERPRISE_USER} == found.keys()
    assert {
        "userName", "active", "displayName", "title", "name.givenName", "name.familyName",
        "preferredLanguage", "externalId", 'emails[type eq "work"].value',
        'phoneNumbers[type eq "work"].value', 'phoneNumbers[type eq "mobile"].value',
        'phoneNumbers[type eq "fax"].value', 'addresses[type eq "work"].formatted',
        'addresses[type eq "work"].country', 'addresses[type eq "other"].formatted',
        "employeeNumber", "department", "manager", "members",
    } <= named  # fmt: skip


@pytest.mark.parametrize("empty", ["", None])
@pytest.mark.parametrize("pathless", [False, True])
async def test_null_update(client: Client, empty: str | None, *, pathless: bool) -> None:
    """What is emptied is absent afterwards, which satisfies the validation for both values."""
    paths = await optional(client)
    assert len(paths) > 60
    made = await client.post("/Users", {"userName": "u", "externalId": "x", "active": True})
    where = f"/Users/{made['id']}"
    filled = [op("replace", path, value=f"v{number}") for number, path in enumerate(paths)]
    full = (await client.patch(where, *filled, status=200)).json
    assert {"name", "emails", "addresses", ENTERPRISE_USER} <= full.keys()
    emptied = (
        [op("replace", value=dict.fromkeys(paths, empty))]
        if pathless
        else [op("replace", path, value=empty) for path in paths]
    )
    await client.patch(where, *emptied, status=200)
    left = await client.get(where)
    assert left.keys() == {"schemas", "id", "userName", "externalId", "active", "meta"}


async def test_user_create_and_update(client: Client) -> None:
    """Random texts even for e-mail and phone, numbers as text: kept as they are sent."""
    paths = await optional(client)
    made = await client.post("/Users", {"schemas": [CORE_USER], "userName": "u@contoso.com"})
    where = f"/Users/{made['id']}"
    for turn in ("upd-1a2b3c4d", "99999"):
        changes = [op("replace", path, value=f"{turn}{at}") for at, path in enumerate(paths)]
        patched = (await client.patch(where, *changes, status=200)).json
        assert patched == await client.get(where)
        kept = str(patched)
        assert [at for at in range(len(paths)) if f"'{turn}{at}'" not in kept] == []


async def test_group_create_and_update(client: Client) -> None:
    body = {"schemas": [CORE_GROUP], "displayName": "G", "externalId": "g-1"}
    made = await client.post("/Groups", body)
    where = f"/Groups/{made['id']}"
    changes = [op("replace", name, value=f"upd-{name}") for name in ("displayName", "externalId")]
    await client.patch(where, *changes, status=204)
    shown = await client.get(where)
    assert (shown["displayName"], shown["externalId"]) == ("upd-displayName", "upd-externalId")


async def test_validate_credentials(client: Client) -> None:
    assert await client.found("/Users?startIndex=1&count=1") == []


@pytest.mark.parametrize(("kind", "name"), [("Users", "userName"), ("Groups", "displayName")])
async def test_pagination(client: Client, kind: str, name: str) -> None:
    made = [(await client.post(f"/{kind}", {name: f"n{number:02}"}))["id"] for number in range(11)]
    seen: list[str] = []
    for page in range(3):
        start = 5 * page + 1
        listed = await client.get(f"/{kind}?startIndex={start}&count=5")
        assert (listed["startIndex"], listed["totalResults"]) == (start, 11)
        seen += [each["id"] for each in listed["Resources"]]
    assert seen == made


async def test_update_manager(client: Client) -> None:
    first, second, person = [
        (await client.post("/Users", {"userName": name}))["id"] for name in ("a", "b", "c")
    ]
    where, path = f"/Users/{person}", f"{ENTERPRISE_USER}:manager"
    for verb, boss in (("add", first), ("replace", second)):
        await client.patch(where, op(verb, path, value=boss), status=200)
        assert (await client.get(where))[ENTERPRISE_USER]["manager"]["value"] == boss
    await client.patch(where, op("replace", path, value=""), status=200)
    assert ENTERPRISE_USER not in await client.get(where)
