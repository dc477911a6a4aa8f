"""HTTP manners (RFC 9110) where SCIM lives by them: conditions, methods, HEAD, views, paths."""

from typing import Any

import pytest

from gateway.scim import endpoints
from mappers.scim.messages import SEARCH_REQUEST
from tests.support.gateway import CORE_USER, ENTERPRISE_USER, Gateway

JOY = {
    "userName": "joy@contoso.com",
    "title": "Engineer",
    "name": {"givenName": "Joy", "familyName": "Young"},
    "emails": [{"type": "work", "value": "joy@contoso.com"}],
    ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "m", "displayName": "Max"}},
}
RENAME = {"Operations": [{"op": "replace", "path": "title", "value": "Boss"}]}
BODIES = {"PUT": {**JOY, "title": "Boss"}, "PATCH": RENAME}
NOBODY = "00000000-0000-4000-8000-000000000000"
READS, WRITES = ("GET", "HEAD"), ("PUT", "PATCH", "DELETE")
CURRENT = ('W/"1"', '"1"', "*", 'W/"7", W/"1"', ' "7" , "1" ')
OTHERS = ('W/"2"', '"11"', "1", 'w/"2", "3"')


CONDITIONS = [
    (READS, "If-None-Match", CURRENT, {304}),
    (READS, "If-None-Match", OTHERS, {200}),
    (READS, "If-Match", CURRENT, {200}),
    (READS, "If-Match", OTHERS, {412}),
    (WRITES, "If-Match", CURRENT, {200, 204}),
    (WRITES, "If-Match", OTHERS, {412}),
    (WRITES, "If-None-Match", CURRENT, {412}),
    (WRITES, "If-None-Match", OTHERS, {200, 204}),
]
ROWS = [
    (method, {header: tag}, wanted)
    for methods, header, tags, wanted in CONDITIONS
    for method in methods
    for tag in tags
]


@pytest.mark.parametrize(("kind", "name"), [("Users", "userName"), ("Groups", "displayName")])
async def test_a_condition(gateway: Gateway, kind: str, name: str) -> None:
    for number, (method, condition, wanted) in enumerate(ROWS):
        body = {name: f"n{number}"}
        made = (await gateway.send("POST", f"/{kind}", body)).json
        path = f"/{kind}/{made['id']}"
        change = {"op": "add", "path": "externalId", "value": f"x{number}"}
        bodies = {"PUT": {**body, "externalId": f"x{number}"}, "PATCH": {"Operations": [change]}}
        sent = bodies.get(method)
        headers = gateway.authorized(sent, **condition)
        answer = await gateway.send(method, path, sent, headers=headers)
        assert answer.status in wanted, (method, condition)
        if answer.status == 304:
            assert (answer.raw, answer.headers["ETag"]) == (b"", 'W/"1"')
        if answer.status == 412:
            assert (await gateway.send("GET", path)).json == made


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
async def test_a_condition_on_nothing_is_a_404(gateway: Gateway, method: str, header: str) -> None:
    """RFC 9110, 13.2.1: conditions count only for what would succeed without them."""
    body = BODIES.get(method)
    headers = gateway.authorized(body, **{header: "*"})
    answer = await gateway.send(method, f"/Users/{NOBODY}", body, headers=headers)
    assert answer.status == 404


async def test_groups_of_a_user_are_never_called_unmodified(gateway: Gateway) -> None:
    """They change without the user's version."""
    user = await gateway.create(JOY)
    held = gateway.authorized(**{"If-None-Match": "*"})
    path = f"/Users/{user['id']}"
    await gateway.send("POST", "/Groups", {"displayName": "G", "members": [{"value": user["id"]}]})
    assert (await gateway.send("GET", path, headers=held)).status == 304
    shown = await gateway.send("GET", f"{path}?attributes=groups.display", headers=held)
    assert shown.json["groups"] == [{"display": "G"}]


METHODS = {
    "/Users": "GET POST",
    "/Users/{id}": "GET PUT PATCH DELETE",
    "/Users/.search": "POST",
    "/Groups": "GET POST",
    "/Groups/{id}": "GET PUT PATCH DELETE",
    "/Groups/.search": "POST",
    "/.search": "POST",
    "/Bulk": "POST",
    "/Me": "GET POST PUT PATCH DELETE",
    "/ServiceProviderConfig": "GET",
    "/ServiceConfiguration": "GET",
    "/ResourceTypes": "GET",
    "/ResourceTypes/{id}": "GET",
    "/Schemas": "GET",
    "/Schemas/{id}": "GET",
}


def test_every_endpoint_is_in_the_table() -> None:
    assert {each.template for each in endpoints.TABLE.values()} == METHODS.keys()


@pytest.mark.parametrize("path", METHODS)
async def test_what_is_not_allowed_says_what_is(gateway: Gateway, path: str) -> None:
    served = METHODS[path].split()
    allowed = {*served, "OPTIONS"} | ({"HEAD"} if "GET" in served else set())
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        if method in served or (method in allowed and method != "OPTIONS"):
            continue
        answer = await gateway.send(method, path)
        assert answer.status == (204 if method == "OPTIONS" else 405), method
        assert set(answer.headers["Allow"].split(", ")) == allowed
        if method == "OPTIONS":
            assert answer.raw == b""
            assert "Access-Control-Allow-Origin" not in answer.headers


async def test_options_are_for_those_with_a_token(gateway: Gateway) -> None:
    assert (await gateway.send("OPTIONS", "/Users", headers={})).status == 401
    assert (await gateway.send("OPTIONS", "/Nothing")).status == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
async def test_there_is_no_me(gateway: Gateway, method: str) -> None:
    assert (await gateway.send(method, "/Me")).status == 501


@pytest.mark.parametrize(
    "path",
    ["/Users", "/Users/{joy}", "/Users/{nobody}", "/Users?filter=bad", "/Users?count=0",
     "/Schemas", "/ServiceProviderConfig", "/ResourceTypes/User", "/Nothing"],
)  # fmt: skip
async def test_head_has_the_headers_of_get_and_no_body(gateway: Gateway, path: str) -> None:
    user = await gateway.create(JOY)
    path = path.replace("{joy}", user["id"]).replace("{nobody}", NOBODY)
    head, get = await gateway.send("HEAD", path), await gateway.send("GET", path)
    assert (head.status, head.raw) == (get.status, b"")
    first, second = (
        {name.lower(): value for name, value in answer.headers.items()} for answer in (head, get)
    )
    assert first.keys() == second.keys()
    differing = {name for name in first if first[name] != second[name]}
    assert differing <= {"x-request-id", "date"}


@pytest.mark.parametrize(
    "path", ["/Users/{id}", "/users/{id}/", "/USERS//{id}", "//uSeRs/{id}//", "/Users/{id}?a=b"]
)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_routes_have_no_case_and_slashes_do_not_count(
    gateway: Gateway, method: str, path: str
) -> None:
    user = await gateway.create(JOY)
    answer = await gateway.send(method, path.replace("{id}", user["id"]), BODIES.get(method))
    assert answer.status == (204 if method == "DELETE" else 200)


VIEWS = [
    ("attributes=userName", {"userName": "joy@contoso.com"}),
    ("attributes=username,title", {"userName": "joy@contoso.com", "title": "Engineer"}),
    ("ATTRIBUTES=name.givenName", {"name": {"givenName": "Joy"}}),
    ("attributes=emails.value", {"emails": [{"value": "joy@contoso.com"}]}),
    (f"attributes={CORE_USER}:name.familyName", {"name": {"familyName": "Young"}}),
    (f"attributes={ENTERPRISE_USER}:department", {ENTERPRISE_USER: {"department": "Sales"}}),
    (
        f"attributes={ENTERPRISE_USER.lower()}:manager.displayName",
        {ENTERPRISE_USER: {"manager": {"displayName": "Max"}}},
    ),
    (f"attributes={ENTERPRISE_USER}", {ENTERPRISE_USER: JOY[ENTERPRISE_USER]}),
    ("attributes=id", {}),
    ("attributes=shoeSize", {}),
    (
        f"excludedAttributes=emails,name.familyName,meta,active,{ENTERPRISE_USER}:manager,id",
        {
            "userName": "joy@contoso.com",
            "title": "Engineer",
            "name": {"givenName": "Joy"},
            ENTERPRISE_USER: {"department": "Sales"},
        },
    ),
    ("attributes=name,title&excludedAttributes=name.givenName,title",
     {"name": {"familyName": "Young"}}),
]  # fmt: skip


@pytest.mark.parametrize(("query", "wanted"), VIEWS)
async def test_every_answer_shows_the_same_view(
    gateway: Gateway, query: str, wanted: dict[str, Any]
) -> None:
    created = await gateway.send("POST", f"/Users?{query}", JOY)
    path = f"/Users/{created.json['id']}?{query}"
    same = {"Operations": [{"op": "replace", "path": "title", "value": "Engineer"}]}
    listed = await gateway.send("GET", f"/Users?{query}")
    parameters = dict(part.split("=") for part in query.split("&"))
    searched = [
        (await gateway.send("POST", where, parameters)).json["Resources"]
        for where in ("/Users/.search", "/.search")
    ]
    shown = [
        created.json,
        (await gateway.send("GET", path)).json,
        (await gateway.send("PUT", path, JOY)).json,
        (await gateway.send("PATCH", path, same)).json,
        *listed.json["Resources"],
        *(user for users in searched for user in users),
    ]
    always = {name: created.json[name] for name in ("schemas", "id")}
    assert shown == [{**always, **wanted}] * 7


@pytest.mark.parametrize(("handling", "status"), [("lenient", 200), ("strict", 400)])
async def test_both_kinds_of_view_exclude_each_other_for_the_strict(
    gateway: Gateway, handling: str, status: int
) -> None:
    headers = gateway.authorized({}, Prefer=f"handling={handling}")
    query = "attributes=title&excludedAttributes=name"
    listed = await gateway.send("GET", f"/Users?{query}", headers=headers)
    body = {"schemas": [SEARCH_REQUEST], "attributes": ["title"], "excludedAttributes": ["name"]}
    searched = await gateway.send("POST", "/.search", body, headers=headers)
    assert [listed.status, searched.status] == [status, status]
    created = await gateway.send(
        "POST", f"/Users?{query}", {"schemas": [CORE_USER], "userName": "joy"}, headers=headers
    )
    assert created.status == (201 if status == 200 else 400)
    assert await gateway.total() == (1 if status == 200 else 0)
