"""The life of the gateway process: starting, serving, draining, stopped."""

import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest
from aiohttp import ClientConnectionError, ClientSession

from clients import telemetry
from clients.redis.embedded import EmbeddedRedis, free_port
from clients.redis.stack import open_stack
from clients.redis.types import Token, UnsafeRedis
from gateway import app, settings, tokens
from gateway.settings import Settings
from tests.support import redis as servers
from tests.support.waiting import eventually


def configured(redis_url: str, **environ: str) -> Settings:
    given = {
        "REDIS_URL": redis_url,
        "PUBLIC_URL": "https://scim.example.com",
        "LISTEN": f"127.0.0.1:{free_port()}",
        "OPS_LISTEN": f"127.0.0.1:{free_port()}",
        "DRAIN_DELAY_S": "0",
        **environ,
    }
    return settings.load({f"BLDNG_SCIM_{name}": value for name, value in given.items()})


class Process:
    """A gateway that runs in this test, and what it says."""

    def __init__(self, configuration: Settings, http: ClientSession) -> None:
        self.settings = configuration
        self.http = http
        self.stop = asyncio.Event()
        self.log = io.BytesIO()
        self.running = True

    async def run(self) -> None:
        try:
            log = telemetry.make_logger("debug", self.log)
            await app.serve(self.settings, self.stop, log=log)
        finally:
            self.running = False

    async def readiness(self) -> tuple[int, list[str]]:
        """Status and reasons of /readyz; 0 when nobody listens."""
        try:
            async with self.http.get(f"http://{self.settings.ops_listen}/readyz") as answer:
                return answer.status, (await answer.json())["reasons"]
        except ClientConnectionError:
            return 0, []

    async def scim(self, authorization: str = "") -> int:
        """The status of a list of users; 0 when nobody listens."""
        url = f"http://{self.settings.listen}/scim/v2/acme/Users"
        try:
            async with self.http.get(url, headers={"Authorization": authorization}) as answer:
                return answer.status
        except ClientConnectionError:
            return 0

    async def is_closed(self) -> bool:
        """Whether the SCIM listener takes no more connections."""
        return await self.scim() == 0

    async def is_busy(self) -> bool:
        """Whether a request is in hand."""
        async with self.http.get(f"http://{self.settings.ops_listen}/metrics") as answer:
            return "http_requests_in_flight 1.0" in await answer.text()

    async def until(self, status: int, *reasons: str) -> None:
        async def reached() -> bool:
            return await self.readiness() == (status, list(reasons))

        await eventually(reached)

    def events(self) -> list[str]:
        return [orjson.loads(line)["event"] for line in self.log.getvalue().splitlines()]


@asynccontextmanager
async def started(redis_url: str, **environ: str) -> AsyncIterator[Process]:
    """A process that is stopped at the end, if it was not before."""
    async with ClientSession() as http:
        process = Process(configured(redis_url, **environ), http)
        async with asyncio.TaskGroup() as group:
            group.create_task(process.run())
            yield process
            process.stop.set()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """A server of this test alone, not started yet."""
    server = servers.server(tmp_path)
    yield server
    server.kill()


async def test_a_process_waits_for_redis_and_for_its_installation(redis: EmbeddedRedis) -> None:
    async with started(redis.url) as process:
        await process.until(503, "starting")
        assert await process.scim() == 0
        redis.start()
        await eventually(lambda: process.events().count("redis_awaited") >= 2)
        assert await process.readiness() == (503, ["starting"])
        async with open_stack(redis.url, install=True):
            await process.until(200)
        assert await process.scim() == 401


async def test_a_process_drains_before_it_stops(redis_url: str) -> None:
    async with (
        open_stack(redis_url, install=True),
        started(redis_url, DRAIN_DELAY_S="0.3") as process,
    ):
        await process.until(200)
        process.stop.set()
        await process.until(503, "draining")
        assert await process.scim() == 401
        await eventually(lambda: not process.running)
        assert await process.scim() == 0
    assert [event for event in process.events() if event.startswith("gateway")] == [
        "gateway_started",
        "gateway_draining",
        "gateway_stopped",
    ]


async def test_a_request_in_hand_is_finished_before_the_process_stops(
    redis: EmbeddedRedis,
) -> None:
    redis.start()
    async with (
        open_stack(redis.url, install=True) as stack,
        started(redis.url, REDIS_TIMEOUT_MS="10000") as process,
    ):
        await process.until(200)
        secret = tokens.make(bytes(tokens.ENTROPY_BYTES))
        await stack.tenants.create("acme", org="acme", now_ms=0)
        await stack.tenants.add_token(Token(secret.key_id, "acme", secret.digest, created_ms=0))
        os.kill(redis.pid or 0, signal.SIGSTOP)
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(process.scim(f"Bearer {secret.text}"))
            await eventually(process.is_busy)
            process.stop.set()
            await eventually(process.is_closed)
            os.kill(redis.pid or 0, signal.SIGCONT)
        assert asked.result() == 200


async def test_a_process_told_to_stop_while_it_waits_ends(redis: EmbeddedRedis) -> None:
    async with started(redis.url) as process:
        await process.until(503, "starting")
        process.stop.set()
        await eventually(lambda: not process.running)


async def test_an_unsafe_redis_is_refused_with_its_cure(tmp_path: Path) -> None:
    unsafe = {"maxmemory-policy": "allkeys-lru"}
    with servers.server(tmp_path, extra=unsafe) as redis:
        async with ClientSession() as http:
            with pytest.raises(UnsafeRedis, match="maxmemory-policy noeviction"):
                await Process(configured(redis.url), http).run()


async def test_a_redis_without_persistence_serves_when_it_is_allowed(tmp_path: Path) -> None:
    with servers.server(tmp_path, extra={"appendonly": "no"}) as redis:
        async with (
            open_stack(redis.url, allow_volatile=True, install=True),
            started(redis.url, ALLOW_UNSAFE_REDIS="true") as process,
        ):
            await process.until(200)


async def test_the_operators_listener_is_not_on_the_public_one(redis_url: str) -> None:
    async with open_stack(redis_url, install=True), started(redis_url) as process:
        await process.until(200)
        for path in ("/metrics", "/readyz", "/livez"):
            async with process.http.get(f"http://{process.settings.listen}{path}") as answer:
                assert answer.status == 404
        async with process.http.get(f"http://{process.settings.ops_listen}/metrics") as answer:
            assert "bldng_scim_http_requests_total" in await answer.text()


async def test_a_gateway_needs_to_know_its_public_url(redis_url: str) -> None:
    configuration = settings.load({"BLDNG_SCIM_REDIS_URL": redis_url})
    with pytest.raises(settings.SettingsError, match="BLDNG_SCIM_PUBLIC_URL: is required here"):
        await app.serve(
            configuration, asyncio.Event(), log=telemetry.make_logger("info", io.BytesIO())
        )
