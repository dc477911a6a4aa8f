"""What holds for every call: headers, error bodies, idempotency keys, health."""

import asyncio
from typing import Any

import pytest

from tests.contract.conftest import Backend


async def test_health_needs_nothing(backend: Backend) -> None:
    async with backend.session.get(f"{backend.base_url}/health") as response:
        assert (response.status, await response.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"X-Request-Id": None}, 400, "missing_header"),
        ({"Idempotency-Key": None}, 400, "missing_header"),
        ({"Authorization": None}, 401, "unauthorized"),
        ({"Authorization": "Bearer wrong"}, 401, "unauthorized"),
        ({"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
    ],
)
async def test_headers_are_checked(
    backend: Backend, headers: dict[str, Any], status: int, code: str
) -> None:
    username = backend.name()
    answer = await backend.raw("POST", "/users", json={"username": username}, headers=headers)
    assert (answer.status, answer.content_type) == (status, "application/problem+json")
    assert (answer.body["status"], answer.body["code"]) == (status, code)
    found = await backend.bldng.users.find_by_username(backend.org, username, request_id="r")
    assert found == ()


async def test_broken_json_is_400(backend: Backend) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await backend.raw("POST", "/users", data=b'{"username":', headers=headers)
    assert (answer.status, answer.body["code"]) == (400, "malformed_json")


@pytest.mark.parametrize("path", ["/users/usr_nobody", "/groups/grp_none", "/nothing"])
async def test_what_is_not_there_is_404(backend: Backend, path: str) -> None:
    answer = await backend.raw("GET", path)
    assert (answer.status, answer.body["code"]) == (404, "not_found")


async def test_the_same_key_and_body_answers_the_same_user(backend: Backend) -> None:
    key = {"Idempotency-Key": backend.name("key")}
    body = {"username": backend.name()}
    first = await backend.raw("POST", "/users", json=body, headers=key)
    again = await backend.raw("POST", "/users", json=body, headers=key)
    assert (first.status, again.status) == (201, 201)
    assert first.body == again.body


async def test_the_same_key_with_another_body_is_a_mismatch(backend: Backend) -> None:
    key = {"Idempotency-Key": backend.name("key")}
    await backend.raw("POST", "/users", json={"username": backend.name()}, headers=key)
    other = await backend.raw("POST", "/users", json={"username": backend.name()}, headers=key)
    assert (other.status, other.body["code"]) == (422, "idempotency_mismatch")


async def test_a_refused_create_does_not_use_up_its_key(backend: Backend) -> None:
    key = {"Idempotency-Key": backend.name("key")}
    body = {"username": backend.name()}
    holder = await backend.raw("POST", "/users", json=body)
    assert (await backend.raw("POST", "/users", json=body, headers=key)).status == 409
    await backend.raw("DELETE", f"/users/{holder.body['id']}")
    assert (await backend.raw("POST", "/users", json=body, headers=key)).status == 201


async def test_an_abandoned_create_and_its_repeats_make_one_user(backend: Backend) -> None:
    key = {"Idempotency-Key": backend.name("key")}
    body = {"username": backend.name(), "ssoSubject": backend.name("subject")}
    for patience_s in (0.001, 0.002, 0.004):
        try:
            async with asyncio.timeout(patience_s):
                await backend.raw("POST", "/users", json=body, headers=key)
        except TimeoutError:
            continue
    answer = await backend.raw("POST", "/users", json=body, headers=key)
    found = await backend.bldng.users.find_by_subject(
        backend.org, body["ssoSubject"], request_id="r"
    )
    assert answer.status == 201
    assert [user.id for user in found] == [answer.body["id"]]


@pytest.mark.parametrize("query", ["limit=0", "limit=ten", "cursor=%00", "ssosubject=x"])
async def test_a_query_that_makes_no_sense_is_422(backend: Backend, query: str) -> None:
    answer = await backend.raw("GET", f"/users?{query}")
    assert (answer.status, answer.body["code"]) == (422, "validation")
