"""The gateway process: settings in, two listeners out. The composition root of `serve`.

    starting   the operators' listener answers; Redis is waited for (/readyz 503)
    serving    the SCIM listener is open (/readyz 200)
    draining   told to stop: /readyz 503 while load balancers notice, requests are still served,
               and each answer ends its connection
    stopped    the SCIM listener is closed, requests in hand are finished

One of several processes that is relieved by a successor leaves its sockets to it at once, and
drains what it has.

An unsafe Redis ends the process. An unreachable one, or one without our installation in it, is
waited for: a gateway must never mistake an empty database for a tenant without users.
"""

import asyncio
import gc
import importlib.metadata
import secrets
import socket
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

from aiohttp import web
from prometheus_client import CollectorRegistry
from structlog.typing import FilteringBoundLogger

from clients.redis import memory, stack
from clients.redis.connection import Client
from clients.redis.durability import Durability
from clients.redis.health import Health
from clients.redis.stack import Stack
from clients.redis.types import RedisUnavailable
from clients.telemetry import Metrics
from gateway import failovers, ops, place
from gateway.place import Place
from gateway.scim import protocol
from gateway.scim.admission import Admission, Allowance
from gateway.scim.auth import Authenticator
from gateway.scim.call import SERVICES, Services
from gateway.scim.edge import dispatch, edge
from gateway.scim.meters import Meters
from gateway.scim.room import Room
from gateway.settings import Address, Settings

REOPEN_S: Final = 1.0
"""Seconds between attempts to open Redis at the start."""

PROBE_INTERVAL_S: Final = 5.0

SHUTDOWN_S: Final = 1.0
"""Seconds that aiohttp gives to what is left when a listener ends."""


class Phase:
    """Where the process is in its life; a probe of `/readyz`."""

    def __init__(self) -> None:
        self.name = "starting"

    def reasons(self) -> list[str]:
        """Why no work should be sent here; empty while serving."""
        return [] if self.name == "serving" else [self.name]


def make_app(
    settings: Settings,
    *,
    metrics: Metrics,
    log: FilteringBoundLogger,
    room: Room | None = None,
) -> web.Application:
    """The SCIM application; Redis is opened when it starts and closed when it is cleaned up.

    `room` is told how full Redis is; without one the application makes its own.
    Starting it raises RedisUnavailable or UnsafeRedis.
    """
    app = web.Application(middlewares=[edge], client_max_size=settings.body_limit_bytes)
    app.router.add_route("*", "/{path:.*}", dispatch)
    room = room or _room(settings, metrics)
    context = partial(_services, settings=settings, metrics=metrics, log=log, room=room)
    app.cleanup_ctx.append(context)
    return app


async def _services(
    app: web.Application,
    *,
    settings: Settings,
    metrics: Metrics,
    log: FilteringBoundLogger,
    room: Room,
) -> AsyncIterator[None]:
    """Open Redis, check it, and hand the parts to the handlers."""
    server, volatile = settings.redis_server(), settings.allow_unsafe_redis
    opening = stack.open_stack(
        server, timeout_ms=settings.redis_timeout_ms, allow_volatile=volatile, ack=settings.ack
    )
    async with opening as redis:
        log.info("redis_opened", **redis.durability.facts())
        tell = failovers.teller(settings.ack, metrics, log)
        health = failovers.health(settings, redis, tell)
        probe = partial(_probe, redis.client, health, room)
        await probe()
        app[SERVICES] = _compose(settings, redis, metrics=metrics, log=log, room=room, probe=probe)
        yield


async def _probe(client: Client, health: Health, room: Room) -> Durability:
    """Ask Redis whether it is there and safe, and how full it is."""
    kept = await health.probe()
    room.observe(await memory.used_share(client))
    return kept


def _compose(
    settings: Settings,
    redis: Stack,
    *,
    metrics: Metrics,
    log: FilteringBoundLogger,
    room: Room,
    probe: Callable[[], Awaitable[Durability]],
) -> Services:
    authenticator = Authenticator(
        redis.tenants,
        metrics,
        cache_s=settings.token_cache_s,
        clock=time.monotonic,
        now_ms=now_ms,
    )
    return Services(
        store=redis.store,
        members=redis.members,
        authenticator=authenticator,
        admission=Admission(_allowance(settings), metrics, clock=time.monotonic),
        metrics=metrics,
        meters=Meters(metrics),
        room=room,
        log=log,
        probe=probe,
        public_url=settings.public_url or "",
        body_limit_bytes=settings.body_limit_bytes,
        now_ms=now_ms,
        new_id=lambda: str(uuid.uuid4()),
        new_request_id=lambda: secrets.token_hex(16),
    )


def _room(settings: Settings, metrics: Metrics) -> Room:
    return Room(settings.redis_memory_limit / 100, metrics)


def _allowance(settings: Settings) -> Allowance:
    return Allowance(
        tenant_per_s=settings.rate_limit,
        tenant_burst=settings.rate_burst,
        failures_per_s=settings.auth_failure_limit,
    )


async def serve(
    settings: Settings,
    stop: asyncio.Event,
    *,
    log: FilteringBoundLogger,
    at: Place | None = None,
) -> None:
    """Run the gateway until `stop` is set, then drain. Raises UnsafeRedis, SettingsError."""
    settings.require("public_url")
    at = at or Place()
    metrics = Metrics(CollectorRegistry(), version=importlib.metadata.version("bldng-scim"))
    watch, phase = ops.RedisWatch(clock=time.monotonic), Phase()
    room = _room(settings, metrics)
    operators = _Operators(
        ops.make_app(
            metrics.registry,
            readiness=lambda: [*phase.reasons(), *watch.reasons()],
            liveness=list,
            before_scrape=_nothing,
            facts=lambda: {**watch.facts(), "warnings": room.warnings()},
        ),
        settings,
        at,
    )
    async with operators:
        make = partial(make_app, settings, metrics=metrics, log=log, room=room)
        runner = await _started(make, stop, watch=watch, log=log)
        if runner is None:
            return
        try:
            await _serve(
                runner, settings, stop, operators=operators, watch=watch, phase=phase, log=log
            )
        finally:
            await runner.cleanup()
    log.info("gateway_stopped")


class _Operators:
    """The operators' listener: open from the start, or from when a successor serves."""

    def __init__(self, app: web.Application, settings: Settings, at: Place) -> None:
        self.at = at
        self._app = app
        self._address = settings.ops_listen
        self._open = AsyncExitStack()

    async def __aenter__(self) -> None:
        if not self.at.succeeds:
            await self._listen()

    async def __aexit__(self, *error: object) -> None:
        await self._open.aclose()

    async def take_over(self) -> None:
        """The process serves: a successor's listener opens, and the parent hears of it."""
        if self.at.succeeds:
            await self._listen()
        self.at.ready()

    async def hand_over(self) -> None:
        """The process drains: a successor answers here already."""
        if self.at.relieved.is_set():
            await self._open.aclose()

    async def _listen(self) -> None:
        await self._open.enter_async_context(
            listening(self._app, self._address, sockets=self.at.ops)
        )


async def _started(
    make: Callable[[], web.Application],
    stop: asyncio.Event,
    *,
    watch: ops.RedisWatch,
    log: FilteringBoundLogger,
) -> web.AppRunner | None:
    """A runner whose application has opened Redis, or None when told to stop before."""
    while not stop.is_set():
        runner = _runner(make())
        try:
            await runner.setup()
        except RedisUnavailable as error:
            log.warning("redis_awaited", reason=str(error))
            watch.failed(error)
            await runner.cleanup()
            await _wait(stop, REOPEN_S)
        else:
            return runner
    return None


async def _serve(
    runner: web.AppRunner,
    settings: Settings,
    stop: asyncio.Event,
    *,
    operators: _Operators,
    watch: ops.RedisWatch,
    phase: Phase,
    log: FilteringBoundLogger,
) -> None:
    """Serve until `stop`, drain, and finish what is in hand."""
    at, services = operators.at, runner.app[SERVICES]
    async with AsyncExitStack() as accepting, asyncio.TaskGroup() as group:
        await accepting.enter_async_context(
            protocol.listening(runner, *settings.listen, sockets=at.scim)
        )
        gc.collect()
        gc.freeze()  # what the start made is here to stay: looking at it costs each request 6 %
        phase.name = "serving"
        probing = group.create_task(watch.run(services.probe, interval_s=PROBE_INTERVAL_S))
        await operators.take_over()
        log.info(
            "gateway_started",
            listen=place.shown(at.scim, settings.listen),
            ops_listen=place.shown(at.ops, settings.ops_listen),
        )
        await stop.wait()
        phase.name = "draining"
        services.draining.set()
        log.info("gateway_draining", delay_s=settings.drain_delay_s)
        if at.relieved.is_set():
            await accepting.aclose()
        await operators.hand_over()
        await asyncio.sleep(settings.drain_delay_s)
        probing.cancel()
    await _finish(runner, settings, log=log)


async def _finish(runner: web.AppRunner, settings: Settings, *, log: FilteringBoundLogger) -> None:
    """Let the requests in hand finish, now that the listener is closed."""
    if runner.server is not None and not await protocol.in_hand_finished(
        runner.server, within_s=settings.drain_timeout_s
    ):
        log.warning("requests_cut_off", after_s=settings.drain_timeout_s)


@asynccontextmanager
async def listening(
    app: web.Application, address: Address, *, sockets: Sequence[socket.socket] = ()
) -> AsyncIterator[None]:
    """Serve an application on an address, or on `sockets`, for as long as the context lasts."""
    runner = _runner(app)
    await runner.setup()
    try:
        for each in sockets:
            await web.SockSite(runner, each).start()
        if not sockets:
            await web.TCPSite(runner, *address).start()
        yield
    finally:
        await runner.cleanup()


def _runner(app: web.Application) -> web.AppRunner:
    """A runner without aiohttp's access log, which would print whole query strings.

    What it ends is idle or had its time.
    """
    return web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    """Wait until `stop` is set, at most `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


async def _nothing() -> None:
    """The gateway's metrics are always current: nothing to refresh before a scrape."""


def now_ms() -> int:
    """Now, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
