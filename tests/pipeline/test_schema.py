"""Data of a newer program: nothing is read, served or written, from the start or from when it is.

The newer program is a number in Redis here: raising it is all that it does to the older one.
"""

import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from aiohttp import ClientError
from redis.asyncio import Redis

from clients.redis import keys, schema
from clients.redis.durability import Ack
from clients.redis.health import Health
from clients.redis.stack import open_stack
from clients.redis.types import IncompatibleData
from tests.chaos.scene import Entra
from tests.support.stack import Process, Stack
from tests.support.waiting import eventually

NOTICED_S = 15.0
"""A running process looks every five seconds."""


@asynccontextmanager
async def stored(url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(url) as client:
        yield client


async def reasons(product: Stack, process: Process) -> tuple[int, Sequence[str]]:
    url = f"http://127.0.0.1:{process.ops}/readyz"
    async with product.http.get(url) as answer:
        return answer.status, (await answer.json())["reasons"]


async def test_an_installation_has_a_number_and_an_old_one_needs_none(redis_url: str) -> None:
    async with open_stack(redis_url, install=True), stored(redis_url) as redis:
        assert int(await redis.get(keys.META_SCHEMA) or 0) == schema.SCHEMA
        await redis.delete(keys.META_SCHEMA)
        async with open_stack(redis_url) as opened:
            assert await opened.tenants.list() == []
        assert not await redis.exists(keys.META_SCHEMA), "a start never writes it"


@pytest.mark.parametrize("install", [False, True])
async def test_newer_data_is_not_opened_and_not_touched(
    redis_url: str,
    *,
    install: bool,
) -> None:
    async with open_stack(redis_url, install=True), stored(redis_url) as redis:
        await redis.set(keys.META_SCHEMA, schema.SCHEMA + 1)
        await redis.delete(keys.epoch(3))
        with pytest.raises(IncompatibleData, match="newer bldng-scim"):
            async with open_stack(redis_url, install=install):
                pass
        assert not await redis.exists(keys.epoch(3))


async def test_a_lane_is_shut_while_the_number_is_too_high(redis_url: str) -> None:
    async with open_stack(redis_url, install=True) as opened, stored(redis_url) as redis:
        health = Health(opened.client, ack=Ack.FSYNC, allow_unsafe=False, lane=opened.lane)
        await redis.set(keys.META_SCHEMA, schema.SCHEMA + 1)
        with pytest.raises(IncompatibleData):
            await health.probe()
        for _ in range(2):
            with pytest.raises(IncompatibleData):
                await opened.tenants.create("acme", org="acme", now_ms=1)
        await redis.set(keys.META_SCHEMA, schema.SCHEMA)
        await health.probe()
        await opened.tenants.create("acme", org="acme", now_ms=1)


async def test_running_processes_stop_serving_and_claiming_until_it_is_back(
    stack: Stack,
) -> None:
    worker = await stack.start_worker()
    gateway = stack.processes[0]
    entra = Entra(stack)
    await entra.create("before")
    await entra.check()
    async with stored(stack.redis.url) as redis:
        await redis.set(keys.META_SCHEMA, schema.SCHEMA + 1)
        await eventually(lambda: refused(stack, gateway), within_s=NOTICED_S)
        await eventually(lambda: refused(stack, worker), within_s=NOTICED_S)
        sent, size = len(stack.state.log), await redis.dbsize()
        assert (await entra.send("GET", "/Users"))[0] == 503
        assert (await entra.try_create("meanwhile"))[0] == 503
        assert (len(stack.state.log), await redis.dbsize()) == (sent, size)
        assert await stack.probe(worker, "/livez") == 200, "a restart would not mend it"
        await redis.set(keys.META_SCHEMA, schema.SCHEMA)
    await stack.ready(gateway)
    await stack.ready(worker)
    await entra.create("after")
    await entra.check()


async def refused(product: Stack, process: Process) -> bool:
    """Whether it says that it is not ready because of the data."""
    status, why = await reasons(product, process)
    return status == 503 and any("newer bldng-scim" in each for each in why)


async def test_a_start_waits_and_says_why(stack: Stack) -> None:
    async with stored(stack.redis.url) as redis:
        await redis.set(keys.META_SCHEMA, schema.SCHEMA + 1)
        worker = stack.spawn_worker()
        gateway = await stack.spawn_gateway()
        await eventually(lambda: said(stack, worker), within_s=NOTICED_S)
        await eventually(lambda: said(stack, gateway), within_s=NOTICED_S)
        await redis.set(keys.META_SCHEMA, schema.SCHEMA)
    await stack.ready(worker)
    await stack.ready(gateway)


async def said(product: Stack, process: Process) -> bool:
    with contextlib.suppress(ClientError):
        return await refused(product, process)
    return False
