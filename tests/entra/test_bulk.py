"""Bulk: many writes in one request, each of them what it would be alone (RFC 7644, 3.7)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest

from clients.redis.store import Store
from clients.redis.types import Change, RedisUnavailable, Stored, Tenant, Written
from gateway.scim.call import Services
from mappers.scim import bulk
from tests.support.gateway import CORE_USER, PATCH_OP, Answer, Gateway, running

BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
BULK_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
NOBODY = "00000000-0000-4000-8000-000000000000"

Op = dict[str, Any]


def user(name: str, bulk_id: str | None = None, **more: Any) -> Op:
    data = {"schemas": [CORE_USER], "userName": name, **more}
    return {"method": "POST", "path": "/Users", "data": data} | _bulk_id(bulk_id)


def group(name: str, bulk_id: str | None = None, *, members: Sequence[str] = ()) -> Op:
    data = {"displayName": name, "members": [{"value": each} for each in members]}
    return {"method": "POST", "path": "/Groups", "data": data} | _bulk_id(bulk_id)


def patch(path: str, *operations: Op, **more: Any) -> Op:
    data = {"schemas": [PATCH_OP], "Operations": list(operations)}
    return {"method": "PATCH", "path": path, "data": data, **more}


def _bulk_id(bulk_id: str | None) -> Op:
    return {} if bulk_id is None else {"bulkId": bulk_id}


async def send(gateway: Gateway, *operations: Op, **more: Any) -> Answer:
    body = {"schemas": [BULK_REQUEST], "Operations": operations, **more}
    return await gateway.send("POST", "/Bulk", body)


async def done(gateway: Gateway, *operations: Op, **more: Any) -> list[Op]:
    answer = await send(gateway, *operations, **more)
    assert answer.status == 200, answer.raw
    assert answer.json["schemas"] == [BULK_RESPONSE]
    told: list[Op] = answer.json["Operations"]
    return told


def statuses(told: list[Op]) -> list[str]:
    return [each["status"] for each in told]


async def members_of(gateway: Gateway, location: str) -> set[str]:
    path = location.partition("/acme")[2]
    shown = (await gateway.send("GET", path)).json.get("members", ())
    return {member["value"] for member in shown}


async def test_every_method_at_once(gateway: Gateway) -> None:
    ann, ben, cas = [await gateway.create({"userName": name}) for name in ("ann", "ben", "cas")]
    told = await done(
        gateway,
        user("dan", "d"),
        {"method": "PUT", "path": f"/Users/{ann['id']}", "data": {"userName": "anna"}},
        patch(f"/Users/{ben['id']}", {"op": "replace", "path": "title", "value": "Boss"}),
        {"method": "delete", "path": f"users/{cas['id']}/"},
    )
    assert statuses(told) == ["201", "200", "200", "204"]
    assert [each.get("version") for each in told] == ['W/"1"', 'W/"2"', 'W/"2"', None]
    assert [each["method"] for each in told] == ["POST", "PUT", "PATCH", "DELETE"]
    assert told[0]["bulkId"] == "d"
    made = told[0]["location"].rpartition("/")[2]
    base = "https://scim.example.com/scim/v2/acme/Users/"
    assert [each["location"] for each in told] == [
        base + each for each in (made, ann["id"], ben["id"], cas["id"])
    ]
    assert all("response" not in each for each in told)
    assert (await gateway.get(made))["userName"] == "dan"
    assert (await gateway.get(ann["id"]))["userName"] == "anna"
    assert (await gateway.get(ben["id"]))["title"] == "Boss"
    assert (await gateway.send("GET", f"/Users/{cas['id']}")).status == 404


async def test_references_are_resolved_whatever_the_order(gateway: Gateway) -> None:
    sales = (await gateway.send("POST", "/Groups", {"displayName": "Sales"})).json
    told = await done(
        gateway,
        patch(
            f"/Groups/{sales['id']}",
            {"op": "add", "path": "members", "value": [{"value": "bulkId:ann"}]},
        ),
        group("Team", "team", members=["bulkId:ann", "bulkId:ben"]),
        patch("/Groups/bulkId:team", {"op": "remove", "path": 'members[value eq "bulkId:ben"]'}),
        user("ann", "ann", manager={"value": "bulkId:ben"}),
        user("ben", "ben"),
    )
    assert statuses(told) == ["204", "201", "204", "201", "201"]
    ann, ben = (told[at]["location"].rpartition("/")[2] for at in (3, 4))
    assert await members_of(gateway, f"/acme/Groups/{sales['id']}") == {ann}
    assert await members_of(gateway, told[1]["location"]) == {ann}
    shown = await gateway.get(ann)
    assert next(part["manager"] for name, part in shown.items() if "enterprise" in name) == {
        "value": ben
    }
    assert told[2]["location"] == told[1]["location"]


async def test_a_circle_is_resolved(gateway: Gateway) -> None:
    """The example of RFC 7644, 3.7.1."""
    told = await done(
        gateway,
        group("A", "a", members=["bulkId:b"]),
        group("B", "b", members=["bulkId:a"]),
    )
    assert statuses(told) == ["201", "201"]
    a, b = (each["location"] for each in told)
    assert await members_of(gateway, a) == {b.rpartition("/")[2]}
    assert await members_of(gateway, b) == {a.rpartition("/")[2]}


async def test_what_refers_to_a_failure_fails_and_writes_nothing(gateway: Gateway) -> None:
    await gateway.create({"userName": "ann"})
    told = await done(
        gateway,
        group("Team", "team", members=["bulkId:ann"]),
        patch("/Groups/bulkId:team", {"op": "replace", "path": "displayName", "value": "T"}),
        user("ANN", "ann"),
        user("ben", "ben"),
        group("Ghosts", members=["bulkId:nobody"]),
    )
    assert statuses(told) == ["409", "409", "409", "201", "400"]
    assert told[2]["response"]["scimType"] == "uniqueness"
    assert "scimType" not in told[0]["response"]
    assert "location" not in told[0]
    assert (await gateway.send("GET", "/Groups")).json["totalResults"] == 0


@pytest.mark.parametrize(
    ("operation", "status", "scim_type", "says"),
    [
        ({"method": "POST", "path": "/Users", "data": {}}, "400", "invalidValue", "userName"),
        ({"method": "POST", "path": "/Users"}, "400", "invalidSyntax", "needs data"),
        ({"method": "POST", "path": "/Users", "data": "x"}, "400", "invalidSyntax", "object"),
        ({"method": "GET", "path": "/Users"}, "405", None, "POST, PUT, PATCH, DELETE"),
        ({"method": "DELETE", "path": "/Users"}, "405", None, "GET, POST"),
        ({"method": "POST", "path": "/Bulk", "data": {}}, "404", None, "path must be"),
        ({"method": "POST", "path": "/Users/.search", "data": {}}, "404", None, "path must be"),
        ({"method": "POST", "path": "/Me", "data": {}}, "404", None, "path must be"),
        ({"method": "DELETE", "path": "/Schemas/x"}, "404", None, "path must be"),
        ({"method": "DELETE", "path": f"/Users/{NOBODY}"}, "404", None, "No User"),
        ({"method": "DELETE", "path": "/Users/bulkId:x"}, "400", "invalidValue", "bulkId"),
        ({"method": "DELETE", "path": "/Users/{joy}", "version": 'W/"9"'}, "412", None, "changed"),
        (patch("/Users/{joy}", {"op": "replace", "path": "id", "value": "x"}), "400", "mutability",
         "read-only"),
    ],
)  # fmt: skip
async def test_an_operation_fails_as_it_would_alone(
    gateway: Gateway, operation: Op, status: str, scim_type: str | None, says: str
) -> None:
    joy = await gateway.create({"userName": "joy"})
    filled = orjson.loads(orjson.dumps(operation).replace(b"{joy}", joy["id"].encode()))
    [told, after] = await done(gateway, filled, user("after"))
    assert (told["status"], told["response"].get("scimType")) == (status, scim_type)
    assert told["response"]["status"] == status
    assert says in told["response"]["detail"]
    assert after["status"] == "201"
    assert await gateway.get(joy["id"]) == joy


async def test_a_version_is_a_condition(gateway: Gateway) -> None:
    joy = await gateway.create({"userName": "joy"})
    change = {"op": "replace", "path": "title", "value": "Boss"}
    path = f"/Users/{joy['id']}"
    told = await done(
        gateway, patch(path, change, version='W/"1"'), patch(path, change, version='W/"1"')
    )
    assert statuses(told) == ["200", "412"]


@pytest.mark.parametrize(
    ("fail_on_errors", "wanted"),
    [
        (1, ["201", "409"]),
        (2, ["201", "409", "201", "409"]),
        (3, ["201", "409", "201", "409", "201"]),
        (None, ["201", "409", "201", "409", "201"]),
    ],
)
async def test_it_ends_after_so_many_errors(
    gateway: Gateway, fail_on_errors: int | None, wanted: list[str]
) -> None:
    operations = [user("a"), user("A"), user("b"), user("B"), user("c")]
    told = await done(gateway, *operations, failOnErrors=fail_on_errors)
    assert statuses(told) == wanted
    assert await gateway.total() == wanted.count("201")


async def test_its_limits_are_announced_and_kept(redis_url: str) -> None:
    async with running(redis_url, BODY_LIMIT_BYTES="80000") as gateway:
        config = (await gateway.send("GET", "/ServiceProviderConfig")).json["bulk"]
        assert config == {
            "supported": True,
            "maxOperations": bulk.MAX_OPERATIONS,
            "maxPayloadSize": 80000,
        }
        gone = {"method": "DELETE", "path": f"/Users/{NOBODY}"}
        many = await send(gateway, *[gone] * (config["maxOperations"] + 1))
        large = await send(gateway, user("x" * config["maxPayloadSize"]))
        assert [many.status, large.status] == [413, 413]
        assert "1000" in many.json["detail"]
        assert await gateway.total() == 0
        assert statuses(await done(gateway, *[gone] * 3, user("a"))) == ["404"] * 3 + ["201"]


async def test_every_operation_is_counted_logged_and_traced(gateway: Gateway) -> None:
    answer = await send(gateway, user("ann", shoeSize=1), user("ANN"))
    request_id = answer.headers["X-Request-Id"]
    first, second = gateway.lines("bulk_operation")
    assert (first["request_id"], first["status"], first["route"]) == (
        f"{request_id}.0", 201, "/Users",
    )  # fmt: skip
    assert (first["result"], first["ignored"], first["tenant"]) == (
        "applied", ["shoeSize"], "acme",
    )  # fmt: skip
    assert (second["status"], second["error"], second["result"]) == (409, "uniqueness", "conflict")
    [line] = gateway.lines()
    assert (line["operations"], line["errors"], line["route"]) == (2, 1, "/Bulk")
    for result, count in (("applied", 1), ("conflict", 1)):
        counted = gateway.metric("writes_total", resource="user", op="create", result=result)
        assert counted == count
    assert gateway.metric("scim_errors_total", status="409", scim_type="uniqueness") == 1
    claim = await gateway.redis.queue.claim(
        gateway.tenant.partition, max_items=9, token_prefix="t", lease_ms=1000
    )
    assert [claimed.cause for claimed in claim.items] == [f"{request_id}.0"]
    detail = answer.json["Operations"][1]["response"]["detail"]
    assert detail.endswith(f"(ref {request_id[:12]})")


class Failing(Store):
    """A store that Redis is gone from after so many writes."""

    def __init__(self, store: Store, *, after: int) -> None:
        """Pass calls on to `store`."""
        self._store = store
        self.left = after

    async def read(self, tenant: Tenant, rks: Sequence[str]) -> list[Stored | None]:
        return await self._store.read(tenant, rks)

    async def write(self, tenant: Tenant, change: Change) -> Written:
        self.left -= 1
        if self.left < 0:
            raise RedisUnavailable("gone")
        return await self._store.write(tenant, change)


async def test_after_an_outage_nothing_more_is_tried(redis_url: str) -> None:
    stores: list[Failing] = []

    def adapt(parts: Services) -> Services:
        stores.append(Failing(parts.store, after=1))
        return replace(parts, store=stores[0])

    async with running(redis_url, adapt) as gateway:
        told = await done(gateway, *(user(f"p{number}") for number in range(9)))
        assert statuses(told) == ["201"] + ["503"] * 8
        assert stores[0].left == -1
        again = await send(gateway, user("p1"), user("p2"))
        assert (again.status, again.headers["Retry-After"]) == (503, "5")


@pytest.mark.parametrize(("handling", "status"), [("lenient", "201"), ("strict", "400")])
async def test_strictness_holds_for_every_operation(
    gateway: Gateway, handling: str, status: str
) -> None:
    body = {"schemas": [BULK_REQUEST], "Operations": [user("ann", shoeSize=1)]}
    headers = gateway.authorized(body, Prefer=f"handling={handling}")
    answer = await gateway.send("POST", "/Bulk", body, headers=headers)
    assert statuses(answer.json["Operations"]) == [status]
    unsaid = {"Operations": body["Operations"]}
    answer = await gateway.send("POST", "/Bulk", unsaid, headers=headers)
    assert answer.status == (200 if handling == "lenient" else 400)
