"""Redis in trouble: 503 and Retry-After, soon, nothing half-written, never "no such user"."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from clients.redis.embedded import EmbeddedRedis
from mappers.scim import errors
from tests.entra import groups
from tests.support import redis as servers
from tests.support.gateway import Answer, Gateway, running
from tests.support.waiting import eventually

JOY = {"userName": "joy@contoso.com", "displayName": "Joy"}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """A server of this test alone, since it will be hurt."""
    server = servers.server(tmp_path)
    server.start()
    yield server
    if server.pid is not None:
        os.kill(server.pid, signal.SIGCONT)
    server.kill()


@pytest.fixture
async def hurt(redis: EmbeddedRedis) -> AsyncIterator[Gateway]:
    """A gateway on that server; a token is known for a second only."""
    async with running(redis.url, TOKEN_CACHE_S="1") as gateway:
        yield gateway


async def everything(gateway: Gateway, user_id: str) -> list[Answer]:
    """One request of each kind about a user, with the time they took together."""
    replace = {"Operations": [{"op": "replace", "path": "displayName", "value": "Changed"}]}
    sent = (
        gateway.send("GET", f"/Users/{user_id}"),
        gateway.send("GET", "/Users?filter=userName+eq+%22joy@contoso.com%22"),
        gateway.send("GET", "/Users"),
        gateway.send("GET", "/Groups?filter=displayName+eq+%22x%22"),
        gateway.send("POST", "/Users", {"userName": "new@contoso.com"}),
        gateway.send("PUT", f"/Users/{user_id}", {"userName": "joy@contoso.com"}),
        gateway.send("PATCH", f"/Users/{user_id}", replace),
        gateway.send("DELETE", f"/Users/{user_id}"),
    )
    return await asyncio.gather(*sent)


async def refused_soon(gateway: Gateway, user_id: str) -> None:
    started_s = time.monotonic()
    answers = await everything(gateway, user_id)
    assert time.monotonic() - started_s < 1.0
    for answer in answers:
        assert answer.status == errors.Unavailable.status, answer.raw
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.json["status"] == "503"


async def test_a_redis_that_is_gone_and_comes_back(redis: EmbeddedRedis, hurt: Gateway) -> None:
    joy = await hurt.create(JOY)
    redis.kill()
    await refused_soon(hurt, joy["id"])
    asked, waited_for_a_turn = 8, 2
    assert hurt.metric("redis_errors_total", kind="unavailable") == asked - waited_for_a_turn
    assert hurt.metric("writes_total", resource="user", op="create", result="rejected") == 0
    redis.start()

    async def answered() -> bool:
        return (await hurt.send("GET", "/Users")).status == 200

    await eventually(answered)
    assert await hurt.get(joy["id"]) == joy


async def test_a_redis_that_hangs(redis: EmbeddedRedis, hurt: Gateway) -> None:
    joy = await hurt.create(JOY)
    assert redis.pid is not None
    os.kill(redis.pid, signal.SIGSTOP)
    await refused_soon(hurt, joy["id"])


async def test_an_unknown_token_is_not_called_wrong_while_redis_is_gone(
    redis: EmbeddedRedis, hurt: Gateway
) -> None:
    fresh = await hurt.issue("acme")
    redis.kill()
    answer = await hurt.send("GET", "/Users", headers={"Authorization": f"Bearer {fresh}"})
    assert answer.status == 503


async def test_an_empty_redis_is_not_a_tenant_without_users(hurt: Gateway) -> None:
    joy, unused = await hurt.create(JOY), await hurt.issue("acme")
    await hurt.redis.client.flushall()
    await refused_soon(hurt, joy["id"])
    assert hurt.metric("redis_errors_total", kind="foreign") == 8
    hurt.token = unused
    await refused_soon(hurt, joy["id"])


async def test_a_full_redis_refuses_what_grows_and_lets_people_leave(hurt: Gateway) -> None:
    joy = await hurt.create(JOY)
    await hurt.redis.client.config_set("maxmemory", "1")
    refused = await hurt.send("POST", "/Users", {"userName": "new@contoso.com"})
    assert (refused.status, refused.headers["Retry-After"]) == (503, "60")
    assert (await hurt.send("DELETE", f"/Users/{joy['id']}")).status == 204
    assert await hurt.total() == 0


async def test_a_full_redis_refuses_who_joins_a_group_and_lets_members_leave(
    hurt: Gateway,
) -> None:
    group = await groups.create(hurt, "Sales", "a", "b")
    await hurt.redis.client.config_set("maxmemory", "1")
    refused = await groups.patch(hurt, group, groups.add("c"))
    assert (refused.status, refused.headers["Retry-After"]) == (503, "60")
    assert (await groups.patch(hurt, group, groups.remove("b"))).status == 204
    assert await groups.members(hurt, group) == {"a"}
    assert (await hurt.send("DELETE", f"/Groups/{group}")).status == 204


async def test_a_forgotten_script_cache_is_not_noticed(hurt: Gateway) -> None:
    await hurt.redis.client.script_flush()
    assert (await hurt.send("POST", "/Users", JOY)).status == 201
