"""What surrounds every request: tolerant paths, headers, log line, metrics, the last resort."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace

import orjson
import pytest

from clients.redis.store import Store
from clients.redis.types import Change, Stored, Tenant, Written
from gateway.scim.call import Services
from tests.support.gateway import CORE_USER, ENTERPRISE_USER, Gateway, running
from tests.support.waiting import eventually

CANARY = "c4nary"
JOY = {"schemas": [CORE_USER], "userName": "joy@contoso.com", "displayName": "Joy"}


@pytest.mark.parametrize(
    "path",
    ["/Users", "/Users/", "/users", "//Users//", "/USERS?aadOptscim062020", "/Users?a=b&a=c&=&x"],
)
async def test_paths_as_people_and_clients_write_them(gateway: Gateway, path: str) -> None:
    await gateway.create(JOY)
    answer = await gateway.send("GET", path)
    assert (answer.status, answer.json["totalResults"]) == (200, 1)


@pytest.mark.parametrize("path", ["/", "/Users", "/scim/acme/Users", "/scim/v2", "/metrics"])
async def test_a_path_outside_says_where_the_api_is(gateway: Gateway, path: str) -> None:
    answer = await gateway.raw("GET", gateway.root + path, headers={})
    assert answer.status == 404
    assert "https://scim.example.com/scim/v2/{tenant}" in answer.json["detail"]


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "", "nonsense"])
async def test_no_accept_header_makes_a_read_fail(gateway: Gateway, accept: str) -> None:
    headers = gateway.authorized(Accept=accept)
    headers["Content-Type"] = "text/plain"
    assert (await gateway.send("GET", "/Users", headers=headers)).status == 200


@pytest.mark.parametrize(
    "content_type",
    [None, "application/json", "Application/SCIM+JSON;charset=utf-8", "application/json; a=b"],
)
async def test_bodies_as_clients_declare_them(gateway: Gateway, content_type: str | None) -> None:
    headers = {"Authorization": f"Bearer {gateway.token}"}
    if content_type is not None:
        headers["Content-Type"] = content_type
    assert (await gateway.send("POST", "/Users", JOY, headers=headers)).status == 201


async def test_head_is_get_without_its_body(gateway: Gateway) -> None:
    user = await gateway.create(JOY)
    answer = await gateway.send("HEAD", f"/Users/{user['id']}")
    assert (answer.status, answer.raw, answer.headers["ETag"]) == (200, b"", 'W/"1"')
    assert (await gateway.send("HEAD", "/Users")).status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/Users"), ("DELETE", "/Users/x"), ("GET", "/Nothing"), ("PATCH", "/Schemas")],
)
async def test_every_answer_has_an_id_of_its_own(gateway: Gateway, method: str, path: str) -> None:
    answers = [await gateway.send(method, path) for _ in range(2)]
    answers.append(await gateway.send(method, path, headers={}))
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert len(set(ids)) == 3
    assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in ids)
    assert {answer.headers["Server"] for answer in answers} == {"bldng-scim"}


async def test_a_created_user_is_where_the_location_says(gateway: Gateway) -> None:
    created = await gateway.send("POST", "/Users", JOY)
    location = created.headers["Location"]
    assert location == created.json["meta"]["location"]
    assert location.startswith("https://scim.example.com/scim/v2/acme/Users/")
    read = await gateway.raw(
        "GET",
        location.replace("https://scim.example.com", gateway.root),
        headers=gateway.authorized(),
    )
    assert read.json == created.json


async def test_a_request_is_one_line_of_facts(gateway: Gateway) -> None:
    user = await gateway.create(JOY)
    change = {"op": "replace", "path": "displayName", "value": "Joy"}
    answer = await gateway.patch(user["id"], change)
    line = gateway.lines()[-1]
    assert line["duration_ms"] >= 0
    assert {name: line[name] for name in line.keys() - {"duration_ms", "timestamp"}} == {
        "event": "http_request",
        "level": "info",
        "method": "PATCH",
        "route": "/Users/{id}",
        "status": 200,
        "tenant": "acme",
        "request_id": answer.headers["X-Request-Id"],
        "resource_id": user["id"],
        "result": "noop",
    }


async def test_a_filter_is_logged_by_its_shape(gateway: Gateway) -> None:
    path = "/Users?filter=emails[type+eq+%22work%22].value+eq+%22joy@contoso.com%22"
    await gateway.send("GET", path)
    assert gateway.lines()[-1]["filter"] == "emails[type eq ?].value eq ?"
    assert gateway.lines()[-1]["matches"] == "none"


async def test_ignored_attributes_are_named_and_counted(gateway: Gateway) -> None:
    await gateway.create({**JOY, "shoeSize": 43, "joy@contoso.com": 1})
    assert gateway.lines()[-1]["ignored"] == ["shoeSize", "?"]
    assert gateway.metric("ignored_attributes_total") == 2


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_write_carries_its_request_id_to_the_worker(gateway: Gateway, method: str) -> None:
    answer = await gateway.send("POST", "/Users", JOY)
    if method != "POST":
        change = {"op": "replace", "path": "title", "value": "Boss"}
        body = {"PUT": {**JOY, "title": "Boss"}, "PATCH": {"Operations": [change]}}.get(method)
        answer = await gateway.send(method, f"/Users/{answer.json['id']}", body)
    claim = await gateway.redis.queue.claim(
        gateway.tenant.partition, max_items=1, token_prefix="t", lease_ms=1000
    )
    [claimed] = claim.items
    assert claimed.cause == answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("PATCH", {"Operations": [{"op": "Replace", "path": "active", "value": "False"}]}),
        ("PUT", {"userName": "p2", "active": False}),
        ("DELETE", None),
    ],
)
async def test_a_leaver_overtakes_all_other_changes(
    gateway: Gateway, method: str, body: object
) -> None:
    users = [await gateway.create({"userName": f"p{number}"}) for number in range(3)]
    await gateway.send(method, f"/Users/{users[2]['id']}", body)
    claim = await gateway.redis.queue.claim(
        gateway.tenant.partition, max_items=1, token_prefix="t", lease_ms=1000
    )
    assert [claimed.rk for claimed in claim.items] == [f"u:{users[2]['id']}"]


async def test_nothing_about_a_person_or_a_token_is_logged(gateway: Gateway) -> None:
    """Plants a word in every place that a client fills, and looks for it in the debug log."""
    name = f"{CANARY}@contoso.com"
    user = await gateway.create({
        "userName": name, "externalId": CANARY, "displayName": CANARY, CANARY + "@x": 1,
        "name": {"givenName": CANARY}, "emails": [{"type": CANARY, "value": name}],
        ENTERPRISE_USER: {"department": CANARY, "manager": {"value": CANARY}},
    })  # fmt: skip
    path = f"/Users/{user['id']}"
    replaced = {"op": "replace", "path": f'emails[value eq "{name}"].value', "value": CANARY}
    for request in (
        gateway.send("GET", f"/Users?filter=userName+eq+%22{name}%22&attributes={CANARY}"),
        gateway.send("GET", f"/Users?filter={CANARY}+eq+%22{CANARY}%22&count={CANARY}"),
        gateway.send("POST", "/Users", {"userName": name}),
        gateway.send("POST", "/Users", f'{{"userName": "{CANARY}'),
        gateway.send("PATCH", path, {"Operations": [replaced, {"op": CANARY, "path": CANARY}]}),
        gateway.send("PATCH", path, {"Operations": [replaced]}),
        gateway.send("PUT", path, {"userName": CANARY, "name": CANARY}),
        gateway.send("GET", f"/Users/{CANARY}"),
        gateway.send("GET", f"/{CANARY}"),
        gateway.send("GET", f"/Users?filter={CANARY * 4000}"),
        gateway.raw("GET", f"{gateway.root}/scim/v2/{CANARY}/Users", headers={}),
        gateway.raw("GET", f"{gateway.root}/{CANARY}", headers={"Authorization": CANARY}),
        gateway.send("GET", "/Users", headers={"Authorization": f"Bearer {CANARY}"}),
        gateway.send(CANARY.upper(), "/Users"),
    ):
        await request
    written = gateway.log.getvalue().decode()
    assert written.count('"event":"http_request"') == 15
    assert CANARY not in written.lower()
    assert gateway.token not in written


class Broken(Store):
    """A store with a fault of ours, whose message holds what nobody may read."""

    def __init__(self) -> None:
        """Needs nothing."""

    async def read(self, tenant: Tenant, rks: Sequence[str]) -> list[Stored | None]:
        raise KeyError(CANARY)


async def test_a_fault_of_ours_is_a_bare_500_with_a_reference_into_the_log(redis_url: str) -> None:
    def adapt(parts: Services) -> Services:
        return replace(parts, store=Broken())

    async with running(redis_url, adapt) as gateway:
        answer = await gateway.send("GET", "/Users/00000000-0000-4000-8000-000000000000")
        assert (answer.status, answer.json["status"]) == (500, "500")
        assert CANARY not in answer.raw.decode()
        assert "Traceback" not in answer.raw.decode()
        [line] = gateway.lines("request_failed")
        assert line["request_id"] == answer.headers["X-Request-Id"]
        assert line["error_type"] == "KeyError"
        assert any("test_edge" in frame for frame in line["frames"])
        assert CANARY not in gateway.log.getvalue().decode()


async def test_requests_are_counted_by_route_and_not_by_path(gateway: Gateway) -> None:
    user = await gateway.create(JOY)
    await gateway.get(user["id"])
    await gateway.get(user["id"])
    await gateway.send("GET", "/Nothing")
    await gateway.raw("GET", f"{gateway.root}/nothing", headers={})
    counted = gateway.metric
    assert counted("http_requests_total", method="GET", route="/Users/{id}", code="200") == 2
    assert counted("http_request_duration_seconds_count", method="GET", route="/Users/{id}") == 2
    assert counted("http_requests_total", method="GET", route="unmatched", code="404") == 2
    assert counted("writes_total", resource="user", op="create", result="applied") == 1
    assert counted("http_requests_in_flight") == 0


async def test_writes_are_counted_by_what_became_of_them(gateway: Gateway) -> None:
    user = await gateway.create(JOY)
    await gateway.send("POST", "/Users", JOY)
    await gateway.send("POST", "/Users", {})
    await gateway.send("DELETE", f"/Users/{user['id']}")
    for op, result in (
        ("create", "applied"),
        ("create", "conflict"),
        ("create", "rejected"),
        ("delete", "applied"),
    ):
        assert gateway.metric("writes_total", resource="user", op=op, result=result) == 1


class Slow(Store):
    """A store whose writes wait until they are let go."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.began = asyncio.Event()
        self.let_go = asyncio.Event()

    async def write(self, tenant: Tenant, change: Change) -> Written:
        self.began.set()
        await self.let_go.wait()
        return await self._store.write(tenant, change)


async def test_a_client_that_hangs_up_does_not_stop_its_write(redis_url: str) -> None:
    slow: list[Slow] = []

    def adapt(parts: Services) -> Services:
        slow.append(Slow(parts.store))
        return replace(parts, store=slow[0])

    async with running(redis_url, adapt) as gateway:
        writer = await _post_and_keep_open(gateway)
        await slow[0].began.wait()
        writer.transport.abort()
        await eventually(lambda: any(c.transport is None for c in gateway.server.connections))
        slow[0].let_go.set()
        await eventually(lambda: gateway.lines()[-1:] and gateway.lines()[-1]["status"] == 201)
        page = await gateway.redis.store.page(gateway.tenant, "u", 0, 10)
        assert page.total == 1


async def _post_and_keep_open(gateway: Gateway) -> asyncio.StreamWriter:
    """Send a create over a connection of its own, without waiting for the answer."""
    port = int(gateway.root.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    body = orjson.dumps(JOY)
    lines = (
        "POST /scim/v2/acme/Users HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {gateway.token}",
        f"Content-Length: {len(body)}",
    )
    writer.write("\r\n".join((*lines, "", "")).encode() + body)
    return writer
