"""A Redis that is nearly full: nobody new is taken, everybody can change and leave."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from clients.redis.embedded import EmbeddedRedis
from gateway.scim.call import Services
from mappers.scim import errors
from tests.entra import groups
from tests.entra.test_errors import is_error
from tests.support.gateway import Gateway, running
from tests.support.redis import use

JOY = {"userName": "joy@contoso.com", "displayName": "Joy"}
DEACTIVATE = {"op": "replace", "path": "active", "value": False}
RENAME = {"op": "replace", "path": "displayName", "value": "Joy Young"}


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """A server of this test alone, since it will be filled."""
    server = EmbeddedRedis(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def parts() -> list[Services]:
    """Where the gateway leaves its parts."""
    return []


@pytest.fixture
async def filling(redis: EmbeddedRedis, parts: list[Services]) -> AsyncIterator[Gateway]:
    """A gateway on that server."""

    def keep(services: Services) -> Services:
        parts.append(services)
        return services

    async with running(redis.url, keep) as gateway:
        yield gateway


async def test_nobody_new_is_taken_and_everybody_can_leave(
    filling: Gateway, parts: list[Services]
) -> None:
    joy, bob = await filling.create(JOY), await filling.create({"userName": "bob@contoso.com"})
    ann = await filling.create({"userName": "ann@contoso.com"})
    group = await groups.create(filling, "Sales", joy["id"], bob["id"])
    client, [services] = filling.redis.client, parts
    await use(client, 0.8)
    await services.probe()
    assert (await filling.send("POST", "/Users", {"userName": "new@contoso.com"})).status == 201
    await use(client, 0.92)
    await services.probe()
    assert 0.9 < filling.metric("redis_memory_ratio") < 0.95
    for path, body in (("/Users", {"userName": "x@y"}), ("/Groups", {"displayName": "New"})):
        answer = await filling.send("POST", path, body)
        is_error(answer, errors.NearlyFull, "nearly full")
        assert answer.headers["Retry-After"] == "60"
    assert filling.lines()[-1]["error"] == "nearly_full"
    assert (await filling.patch(ann["id"], RENAME)).status == 200
    assert (await filling.patch(bob["id"], DEACTIVATE)).status == 200
    assert (await groups.patch(filling, group, groups.remove(joy["id"]))).status == 204
    assert (await filling.send("DELETE", f"/Users/{joy['id']}")).status == 204
    assert (await filling.send("GET", f"/Users/{bob['id']}")).status == 200
    await use(client, 0.87)
    await services.probe()
    assert (await filling.send("POST", "/Users", {"userName": "x@y"})).status == 503
    await use(client, 0.8)
    await services.probe()
    assert (await filling.send("POST", "/Users", {"userName": "x@y"})).status == 201


async def test_a_server_that_was_nearly_full_when_the_gateway_started(
    filling: Gateway, redis: EmbeddedRedis
) -> None:
    await use(filling.redis.client, 0.95)
    async with running(redis.url) as late:
        assert (await late.send("POST", "/Users", JOY)).status == 503
