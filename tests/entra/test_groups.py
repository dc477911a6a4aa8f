"""Groups at the edge: what a change is answered, and that it happens whole or not at all."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.entra.groups import RENAME, add, create, members, patch, read, remove
from tests.support.gateway import Gateway


async def test_a_patch_answers_204_with_the_new_etag(gateway: Gateway) -> None:
    group = await create(gateway, "Sales")
    answers = [await patch(gateway, group, each) for each in (RENAME, add("a"), add("a"))]
    assert [(answer.status, answer.raw) for answer in answers] == [(204, b"")] * 3
    versions = [int(answer.headers["ETag"][3:-1]) for answer in answers]
    assert versions[0] < versions[1] == versions[2]
    assert (await read(gateway, group))["meta"]["version"] == answers[2].headers["ETag"]


async def test_a_patch_that_asks_for_attributes_is_answered_with_them(gateway: Gateway) -> None:
    group = await create(gateway, "Sales", "a")
    whole = await patch(gateway, group, add("b"), query="?attributes=members,displayName")
    assert (whole.status, whole.json["displayName"]) == (200, "Sales")
    assert {member["value"] for member in whole.json["members"]} == {"a", "b"}
    name = await patch(gateway, group, RENAME, query="?attributes=displayName")
    assert name.json.keys() == {"schemas", "id", "displayName"}
    assert (await patch(gateway, group, RENAME, query="?excludedAttributes=members")).status == 204


@pytest.mark.parametrize(
    ("operations", "status"),
    [
        ([RENAME, add("b"), {"op": "remove", "path": 'members[type eq "User"]'}], 400),
        ([add("b"), RENAME, {"op": "add", "path": "members", "value": [{"display": "B"}]}], 400),
        ([add("b"), {"op": "remove", "path": "displayName"}], 400),
        ([add("b"), {"op": "replace", "path": "id", "value": "x"}], 400),
        ([add("b"), {"op": "Replace", "path": "displayName", "value": "TAKEN"}], 409),
        ([add("b"), {"op": "Replace", "path": "externalId", "value": "taken"}], 409),
        ([add("b" * 129), RENAME], 400),
    ],
)
async def test_a_patch_is_applied_whole_or_not_at_all(
    gateway: Gateway, operations: Sequence[Any], status: int
) -> None:
    await gateway.send("POST", "/Groups", {"displayName": "Taken", "externalId": "taken"})
    group = await create(gateway, "Sales", "a")
    before = await read(gateway, group)
    assert (await patch(gateway, group, *operations)).status == status
    assert await read(gateway, group) == before


async def test_names_of_groups_are_unique_without_case(gateway: Gateway) -> None:
    await create(gateway, "Straße", "a")
    again = await gateway.send("POST", "/Groups", {"displayName": "STRASSE"})
    assert (again.status, again.json["scimType"]) == (409, "uniqueness")
    found = await gateway.send("GET", "/Groups?filter=displayName+eq+%22strasse%22")
    assert found.json["totalResults"] == 1


async def test_if_match_is_honoured_and_never_asked_for(gateway: Gateway) -> None:
    group = await create(gateway, "Sales")
    body = {"Operations": [add("a")]}
    stale = gateway.authorized(body, **{"If-Match": 'W/"1"'})
    assert (await gateway.send("PATCH", f"/Groups/{group}", body, headers=stale)).status == 204
    again = await gateway.send("PATCH", f"/Groups/{group}", body, headers=stale)
    assert (again.status, await members(gateway, group)) == (412, {"a"})


async def test_a_group_made_again_begins_empty(gateway: Gateway) -> None:
    first = await create(gateway, "Sales", "a", "b")
    assert (await gateway.send("DELETE", f"/Groups/{first}")).status == 204
    again = [await gateway.send(method, f"/Groups/{first}") for method in ("GET", "DELETE")]
    assert [answer.status for answer in again] == [404, 404]
    assert (await patch(gateway, first, add("c"))).status == 404
    second = await create(gateway, "Sales")
    assert (second != first, await members(gateway, second)) == (True, set())


async def test_put_says_all_of_a_group_but_silence_about_members_keeps_them(
    gateway: Gateway,
) -> None:
    group = await create(gateway, "Sales", "a", "b")

    async def put(**body: Any) -> dict[str, Any]:
        answer = await gateway.send("PUT", f"/Groups/{group}", body)
        assert answer.status == 200, answer.raw
        assert answer.json == await read(gateway, group)
        return answer.json

    assert len((await put(displayName="Renamed"))["members"]) == 2
    assert (await put(displayName="Renamed", members=[{"value": "c"}]))["members"] == [
        {"value": "c"}
    ]
    assert (await put(displayName="Renamed", members=[]))["members"] == []


async def test_changes_of_members_are_logged_by_number_and_counted(gateway: Gateway) -> None:
    group = await create(gateway, "Sales")
    await patch(gateway, group, add("c4nary", "b"), remove("x"))
    await patch(gateway, group, add("b"))
    await patch(gateway, group, {**add("b"), "op": "Replace"})
    changed, again, exchanged = gateway.lines()[-3:]
    assert (changed["members_add"], changed["members_remove"]) == (2, 1)
    assert [line["result"] for line in (changed, again, exchanged)] == [
        "applied",
        "noop",
        "applied",
    ]
    assert exchanged["members_replaced"] is True
    assert b"c4nary" not in gateway.log.getvalue()
    counted = [
        gateway.metric("writes_total", resource="group", op="update", result=result)
        for result in ("applied", "noop")
    ]
    assert counted == [2, 1]
