"""`Prefer: handling=strict` over HTTP: the same requests with and without tolerance (RFC 7240)."""

from typing import Any

import pytest

from tests.support.gateway import CORE_USER, PATCH_OP, Answer, Gateway

JOY = {"schemas": [CORE_USER], "userName": "joy@contoso.com"}
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


async def send(gateway: Gateway, handling: str, method: str, path: str, body: Any) -> Answer:
    headers = gateway.authorized(body, Prefer=f"handling={handling}")
    answer = await gateway.send(method, path, body, headers=headers)
    assert answer.headers["Preference-Applied"] == f"handling={handling}"
    return answer


def patch(op: str, path: str, *value: Any) -> dict[str, Any]:
    operation = {"op": op, "path": path} | ({"value": value[0]} if value else {})
    return {"schemas": [PATCH_OP], "Operations": [operation]}


@pytest.mark.parametrize(
    ("body", "scim_type"),
    [
        (patch("replace", "shoeSize", 43), "invalidPath"),
        (patch("replace", 'emails[type eq "work"].value', "x"), "noTarget"),
        (patch("remove", 'emails[type eq "work"]'), "noTarget"),
        (patch("Replace", "title", "x"), "invalidSyntax"),
        (patch("replace", "active", "True"), "invalidValue"),
        (patch("remove", "emails", [{"value": "x"}]), "invalidValue"),
        ({"Operations": [{"op": "replace", "path": "title", "value": "x"}]}, "invalidSyntax"),
    ],
)
async def test_a_patch_that_tolerance_takes(
    gateway: Gateway, body: dict[str, Any], scim_type: str
) -> None:
    user = await gateway.create(JOY)
    path = f"/Users/{user['id']}"
    refused = await send(gateway, "strict", "PATCH", path, body)
    assert (refused.status, refused.json["scimType"]) == (400, scim_type)
    assert await gateway.get(user["id"]) == user
    assert (await send(gateway, "lenient", "PATCH", path, body)).status == 200
    assert (await gateway.send("PATCH", path, body)).status == 200


@pytest.mark.parametrize(("method", "path"), [("POST", "/Users"), ("PUT", "/Users/{id}")])
async def test_a_resource_that_tolerance_takes(gateway: Gateway, method: str, path: str) -> None:
    user = await gateway.create(JOY)
    where = path.replace("{id}", user["id"])
    body = {**JOY, "userName": "other@contoso.com", "shoeSize": 43}
    refused = await send(gateway, "strict", method, where, body)
    assert (refused.status, refused.json["scimType"]) == (400, "invalidSyntax")
    assert await gateway.total() == 1
    assert (await send(gateway, "lenient", method, where, body)).status < 300


async def test_what_is_read_only_is_ignored_by_the_strict_too(gateway: Gateway) -> None:
    body = {**JOY, "id": "mine", "meta": {"created": "x"}, "groups": [{"value": "g"}]}
    created = await send(gateway, "strict", "POST", "/Users", body)
    assert created.status == 201
    assert created.json["id"] != "mine"
    path = f"/Users/{created.json['id']}"
    put = await send(gateway, "strict", "PUT", path, body)
    assert (put.status, put.json) == (200, created.json)


async def test_a_member_who_is_not_there(gateway: Gateway) -> None:
    body = {"schemas": [CORE_GROUP], "displayName": "Sales", "members": [{"value": "ann"}]}
    group = (await send(gateway, "strict", "POST", "/Groups", body)).json
    path = f"/Groups/{group['id']}"
    gone = patch("remove", 'members[value eq "ben"]')
    refused = await send(gateway, "strict", "PATCH", path, gone)
    assert (refused.status, refused.json["scimType"]) == (400, "noTarget")
    assert (await send(gateway, "lenient", "PATCH", path, gone)).status == 204
    there = patch("remove", 'members[value eq "ann"]')
    assert (await send(gateway, "strict", "PATCH", path, there)).status == 204
    assert (await send(gateway, "strict", "PATCH", path, there)).status == 400


@pytest.mark.parametrize("handling", ["strict", "lenient"])
async def test_a_members_id_cannot_be_changed(gateway: Gateway, handling: str) -> None:
    body = {"schemas": [CORE_GROUP], "displayName": "Sales", "members": [{"value": "ann"}]}
    group = (await gateway.send("POST", "/Groups", body)).json
    change = patch("replace", 'members[value eq "ann"].value', "ben")
    refused = await send(gateway, handling, "PATCH", f"/Groups/{group['id']}", change)
    assert (refused.status, refused.json["scimType"]) == (400, "mutability")


async def test_without_the_header_nothing_is_said_of_it(gateway: Gateway) -> None:
    for headers in ({}, {"Prefer": "return=minimal"}):
        answer = await gateway.send("GET", "/Users", headers=gateway.authorized(**headers))
        assert "Preference-Applied" not in answer.headers
