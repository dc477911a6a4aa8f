"""The product as its real processes: redis-server, gateway, workers; the sandbox in this one.

The sandbox runs inside the test over real HTTP, so that a test can order faults and read the log.
Leases and settle delays are short: a test waits for what production waits minutes for.
"""

import asyncio
import os
import random
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from clients.bldng.sandbox import app as sandbox_app
from clients.bldng.sandbox.faults import Faults
from clients.bldng.sandbox.state import Logged, State
from clients.redis import connection, embedded
from clients.redis.durability import Ack
from clients.redis.server import Server
from gateway import settings
from tests.support import nursery
from tests.support import redis as servers
from tests.support.waiting import eventually

ORG = "acme"
TENANT = "acme"
LEASE_MS = 2000
SETTLE_MS = 500
START_S = 20.0


class Process:
    """One `bldng-scim` process with its log file.

    `port` is where a gateway serves SCIM, `ops` the port of the operators' listener.
    """

    def __init__(
        self,
        arguments: list[str],
        environment: dict[str, str],
        log: Path,
        *,
        port: int = 0,
        ops: int = 0,
        program: str = nursery.PROGRAM,
    ) -> None:
        self.log = log
        self.port = port
        self.ops = ops
        self._nursery = nursery.shared()
        self.pid = self._nursery.start(arguments, environment, log, program=program)

    @property
    def running(self) -> bool:
        return self.code is None

    @property
    def code(self) -> int | None:
        """The exit code, negative when a signal ended it; None while it runs."""
        return self._nursery.code(self.pid)

    def signal(self, number: int) -> None:
        if self.running:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it as a crash would."""
        self.signal(signal.SIGKILL)
        self.wait()

    def stop(self) -> int:
        """End it with SIGTERM; returns the exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self, within_s: float = 30.0) -> int:
        """The exit code, once it has one."""
        give_up_at = time.monotonic() + within_s
        while (code := self.code) is None:
            assert time.monotonic() < give_up_at, f"still running after {within_s} s"
            time.sleep(0.005)
        return code


@dataclass(slots=True)
class Stack:
    """A running product and the means to hurt it.

    `ack` is its mode of acknowledgement, `reach` are settings of how its processes reach Redis,
    when that is more than a URL.
    """

    directory: Path
    redis: embedded.EmbeddedRedis
    backend_url: str
    state: State
    faults: Faults
    http: aiohttp.ClientSession
    base_url: str = ""
    token: str = ""
    reach: dict[str, str] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)
    ack: Ack = Ack.FSYNC

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a process of ours; nothing of the test's own settings leaks in."""
        kept = {name: value for name, value in os.environ.items() if "BLDNG" not in name}
        return {
            **kept,
            "BLDNG_SCIM_REDIS_URL": self.redis.url,
            "BLDNG_SCIM_ACK": self.ack.value,
            "BLDNG_SCIM_BACKEND_URL": self.backend_url,
            "BLDNG_SCIM_BACKEND_TOKEN": self.state.token,
            "BLDNG_SCIM_LEASE_MS": str(LEASE_MS),
            "BLDNG_SCIM_SETTLE_MS": str(SETTLE_MS),
            "BLDNG_SCIM_DRAIN_DELAY_S": "0",
            "BLDNG_SCIM_RATE_LIMIT": "0",
            **self.reach,
            **more,
        }

    @property
    def server(self) -> Server:
        """Redis as the processes see it."""
        return settings.load(self.environment()).redis_server()

    async def start_gateway(self, *options: str, **environment: str) -> Process:
        """A gateway on a free port; the first one is where `request` goes."""
        process = await self.spawn_gateway(*options, **environment)
        await self.ready(process)
        return process

    async def spawn_gateway(self, *options: str, **environment: str) -> Process:
        """A gateway that may not be ready yet."""
        port, ops = embedded.free_port(), free_row(2 if options else 1)
        public = f"http://127.0.0.1:{port}"
        if not self.token:
            await self._create_tenant(public)
        given = {
            "BLDNG_SCIM_LISTEN": f"127.0.0.1:{port}",
            "BLDNG_SCIM_OPS_LISTEN": f"127.0.0.1:{ops}",
            "BLDNG_SCIM_PUBLIC_URL": public,
            **environment,
        }
        return self._start(["serve", *options], **given)

    async def start_worker(self, program: str = nursery.PROGRAM, **environment: str) -> Process:
        """A worker; returns when it is ready to claim. `program` runs another one in its place."""
        process = self.spawn_worker(program, **environment)
        await self.ready(process)
        return process

    def spawn_worker(self, program: str = nursery.PROGRAM, **environment: str) -> Process:
        """A worker that may not be ready yet."""
        listen = f"127.0.0.1:{embedded.free_port()}"
        return self._start(["work"], program, BLDNG_SCIM_OPS_LISTEN=listen, **environment)

    async def request(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, at: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """A SCIM request; the status and the parsed body ({} when there is none).

        `at` is the Tenant URL at another gateway than the first.
        """
        headers = {"Authorization": f"Bearer {self.token}"}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/scim+json; charset=utf-8"
            data = orjson.dumps(body)
        url = (at or self.base_url) + path
        async with self.http.request(method, url, data=data, headers=headers) as answer:
            raw = await answer.read()
            return answer.status, orjson.loads(raw) if raw else {}

    def people(self) -> list[dict[str, Any]]:
        """What BLDNG holds now."""
        return [dict(record) for record in self.state.org(ORG).users]

    def person(self, username: str) -> dict[str, Any] | None:
        """The one BLDNG record with this username; fails when there are several."""
        found = [each for each in self.people() if each["username"] == username]
        assert len(found) <= 1, found
        return found[0] if found else None

    def calls(self, method: str, path: str = "") -> list[Logged]:
        """The requests BLDNG saw with this method and this text in the path."""
        return [each for each in self.state.log if each.method == method and path in each.path]

    async def until_synced(self, within_s: float = 15.0) -> None:
        """Wait until nothing is queued, leased or waiting any more."""
        await eventually(self.idle, within_s=within_s)

    async def idle(self) -> bool:
        """Whether every accepted change has reached BLDNG (dead ones count as not)."""
        return not any(depth for depth in (await self.depths()).values())

    async def depths(self) -> dict[str, int]:
        """`state -> resources` over all tenants, as the queue itself has it."""
        redis = connection.connect(self.server)
        try:
            found = {"q": 0, "dead": 0, "held": 0, "fd": 0}
            for name in found:
                async for key in redis.scan_iter(match=f"sg:*:{TENANT}:{name}"):
                    found[name] += await redis.zcard(key)
            return found
        finally:
            await redis.aclose()

    def close(self) -> None:
        for process in self.processes:
            if process.running:
                process.signal(signal.SIGCONT)
                process.kill()

    async def ready(self, process: Process) -> None:
        """Wait until a process says that it is ready."""

        async def answers() -> bool:
            assert process.running, process.log.read_text()
            return await self.probe(process) == 200

        try:
            await eventually(answers, within_s=START_S)
        except AssertionError:
            raise AssertionError(process.log.read_text()[-2000:]) from None

    async def probe(self, process: Process, path: str = "/readyz") -> int:
        """The status of a process' probe, 0 when nobody answers."""
        try:
            async with self.http.get(f"http://127.0.0.1:{process.ops}{path}") as answer:
                return answer.status
        except aiohttp.ClientError:
            return 0

    async def _create_tenant(self, public: str) -> None:
        environment = self.environment(BLDNG_SCIM_PUBLIC_URL=public)
        arguments = ["tenant", "create", TENANT, "--org", ORG, "-o", "json"]
        log = self.directory / f"tenant-{time.monotonic_ns()}.log"
        made = Process(arguments, environment, log)
        assert await asyncio.to_thread(made.wait) == 0, made.log.read_text()
        said = made.log.read_text()
        answer = orjson.loads(said[said.index("{") : said.rindex("}") + 1])
        self.base_url, self.token = answer["tenant_url"], answer["secret_token"]

    def _start(
        self, arguments: list[str], program: str = nursery.PROGRAM, **environment: str
    ) -> Process:
        log = self.directory / f"{arguments[0]}-{len(self.processes)}.log"
        process = Process(
            arguments,
            self.environment(**environment),
            log,
            port=_port(environment.get("BLDNG_SCIM_LISTEN", ":0")),
            ops=_port(environment["BLDNG_SCIM_OPS_LISTEN"]),
            program=program,
        )
        self.processes.append(process)
        return process


def free_row(number: int) -> int:
    """The first of so many free ports in a row, where the kernel takes none for clients."""
    while True:
        first = random.randrange(12_000, 32_000)
        with suppress(OSError), ExitStack() as held:
            for port in range(first, first + number):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
            return first


def _port(listen: str) -> int:
    return int(listen.rpartition(":")[2])


@asynccontextmanager
async def running(directory: Path, *, appendfsync: str = "always") -> AsyncIterator[Stack]:
    """Redis and the sandbox; gateway and workers are started by the test."""
    redis = servers.server(directory / "redis", appendfsync=appendfsync)
    redis.start()
    try:
        async with around(directory, redis) as stack:
            stack.ack = Ack.FSYNC if appendfsync == "always" else Ack.MEMORY
            yield stack
    finally:
        redis.kill()


@asynccontextmanager
async def around(
    directory: Path, redis: embedded.EmbeddedRedis, reach: Mapping[str, str] | None = None
) -> AsyncIterator[Stack]:
    """The sandbox beside a Redis that runs already; `reach` is how to get to it."""
    state = State(token="sandbox-token", now_ms=sandbox_app.wall_clock_ms)
    faults = Faults(seed=1)
    app = sandbox_app.make_app(state, faults)
    async with (
        sandbox_app.serve(app, host="127.0.0.1", port=0) as url,
        aiohttp.ClientSession() as http,
    ):
        stack = Stack(directory, redis, url, state, faults, http, reach=dict(reach or {}))
        try:
            yield stack
        finally:
            stack.close()


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    """A product with one gateway and no worker yet."""
    async with running(tmp_path) as each:
        await each.start_gateway()
        yield each


def lines(process: Process, event: str) -> Iterator[dict[str, Any]]:
    """The log lines of one process with that event name; the last one may not be whole yet."""
    for line in process.log.read_bytes().splitlines(keepends=True):
        if line.startswith(b"{") and line.endswith(b"\n"):
            parsed = orjson.loads(line)
            if parsed.get("event") == event:
                yield parsed
