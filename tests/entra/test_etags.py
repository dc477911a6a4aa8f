"""Versions: ETags are given and honoured, and never asked for."""

import pytest

from tests.support.gateway import Gateway

RENAME = {"Operations": [{"op": "replace", "path": "title", "value": "Boss"}]}
JOY = {"userName": "joy@contoso.com", "displayName": "Joy"}


async def test_the_etag_is_the_version_in_meta_and_moves_with_every_change(
    gateway: Gateway,
) -> None:
    created = await gateway.send("POST", "/Users", JOY)
    path = f"/Users/{created.json['id']}"
    patched = await gateway.send("PATCH", path, RENAME)
    put = await gateway.send("PUT", path, JOY)
    read = await gateway.send("GET", path)
    tags = [answer.headers["ETag"] for answer in (created, patched, put, read)]
    assert tags == ['W/"1"', 'W/"2"', 'W/"3"', 'W/"3"']
    assert [a.json["meta"]["version"] for a in (created, patched, put, read)] == tags


async def test_a_change_of_nothing_keeps_version_and_date(gateway: Gateway) -> None:
    user = await gateway.create(JOY)
    path = f"/Users/{user['id']}"
    same = {"Operations": [{"op": "replace", "path": "displayName", "value": "Joy"}]}
    for answer in (
        await gateway.send("PATCH", path, same),
        await gateway.send("PUT", path, JOY),
        await gateway.send("GET", path),
    ):
        assert (answer.status, answer.json) == (200, user)
    assert gateway.metric("writes_total", resource="user", op="update", result="noop") == 2


@pytest.mark.parametrize("header", ['W/"1"', '"1"', "*", 'W/"7", W/"1"'])
async def test_a_version_that_the_client_has_is_not_sent(gateway: Gateway, header: str) -> None:
    user = await gateway.create(JOY)
    headers = gateway.authorized(**{"If-None-Match": header})
    answer = await gateway.send("GET", f"/Users/{user['id']}", headers=headers)
    assert (answer.status, answer.raw, answer.headers["ETag"]) == (304, b"", 'W/"1"')


@pytest.mark.parametrize("header", ['W/"2"', "1", ""])
async def test_a_version_that_the_client_has_not_is_sent(gateway: Gateway, header: str) -> None:
    user = await gateway.create(JOY)
    headers = gateway.authorized(**{"If-None-Match": header})
    answer = await gateway.send("GET", f"/Users/{user['id']}", headers=headers)
    assert (answer.status, answer.json) == (200, user)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(("header", "fits"), [('W/"1"', True), ("*", True), ('W/"2"', False)])
async def test_a_write_for_another_version_changes_nothing(
    gateway: Gateway, method: str, header: str, *, fits: bool
) -> None:
    user = await gateway.create(JOY)
    path = f"/Users/{user['id']}"
    body = {"PUT": {**JOY, "title": "Boss"}, "PATCH": RENAME}.get(method)
    headers = gateway.authorized(body, **{"If-Match": header})
    answer = await gateway.send(method, path, body, headers=headers)
    assert (answer.status < 300) is fits
    if not fits:
        assert answer.status == 412
        assert await gateway.get(user["id"]) == user


async def test_if_match_of_a_user_that_is_not_there_is_a_404(gateway: Gateway) -> None:
    headers = gateway.authorized({}, **{"If-Match": "*"})
    path = "/Users/00000000-0000-4000-8000-000000000000"
    assert (await gateway.send("PATCH", path, RENAME, headers=headers)).status == 404
