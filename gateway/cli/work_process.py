"""The worker process: settings in, a worker and its operators' listener out.

    starting   the operators' listener answers; Redis is waited for (/readyz 503)
    serving    claims and syncs (/readyz 200 while it makes progress)
    draining   told to stop: claims nothing more, finishes or gives back what is in hand

An unsafe Redis ends the process. An unreachable one, or one without our installation in it, is
waited for.
"""

import asyncio
import importlib.metadata
import random
import secrets
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry
from structlog.typing import FilteringBoundLogger

from clients.bldng import client as bldng_client
from clients.bldng import transport
from clients.bldng.client import Bldng
from clients.bldng.transport import Observer, Toll
from clients.redis import stack
from clients.redis.budget import Budget
from clients.redis.durability import Durability
from clients.redis.health import Health
from clients.redis.stack import Stack
from clients.redis.types import RedisUnavailable
from clients.redis.wake import Wake
from clients.telemetry import Metrics, QueueCollector
from gateway import app as gateway_app
from gateway import failovers, ops
from gateway.app import Phase
from gateway.cli import profiles
from gateway.settings import Settings
from mappers import profile
from workers.concurrency import Concurrency
from workers.means import Means
from workers.pace import Pace
from workers.purse import Purse
from workers.runner import Links, Worker

REOPEN_S: Final = 1.0
"""Seconds between attempts to open Redis at the start."""

PROBE_INTERVAL_S: Final = 5.0


class Vitals:
    """What the probes of a worker process know."""

    def __init__(self) -> None:
        self.phase = Phase()
        self.watch = ops.RedisWatch(clock=time.monotonic)
        self.worker: Worker | None = None
        self._redis_answers = False

    async def observe(self, health: Health) -> Durability:
        """Ask Redis whether it still is there and safe. Raises RedisUnavailable, UnsafeRedis."""
        self._redis_answers = False
        kept = await health.probe()
        self._redis_answers = True
        return kept

    def readiness(self) -> list[str]:
        """Why it is not well; the backend has no say."""
        return [*self.phase.reasons(), *self.watch.reasons(), *self._stuck()]

    def liveness(self) -> list[str]:
        """A worker that claims nothing although Redis answers is helped by a restart."""
        return self._stuck() if self._redis_answers and not self.phase.reasons() else []

    async def refresh(self) -> None:
        """Look at the queue before a scrape; while Redis is away the old figures stay."""
        if self.worker is not None:
            with suppress(RedisUnavailable):
                await self.worker.janitor.refresh()

    def _stuck(self) -> list[str]:
        well = self.worker is None or self.worker.healthy()
        return [] if well else ["no progress with Redis, or the event loop lags"]


async def work(settings: Settings, stop: asyncio.Event, *, log: FilteringBoundLogger) -> None:
    """Run a worker until `stop` is set, then drain. Raises UnsafeRedis and Failure."""
    mappings = profiles.load(settings.profile_dir)
    metrics = Metrics(CollectorRegistry(), version=importlib.metadata.version("bldng-scim"))
    vitals = Vitals()
    operators = ops.make_app(
        metrics.registry,
        readiness=vitals.readiness,
        liveness=vitals.liveness,
        before_scrape=vitals.refresh,
        facts=vitals.watch.facts,
    )
    async with AsyncExitStack() as open_:
        await open_.enter_async_context(gateway_app.listening(operators, settings.ops_listen))
        redis = await _redis(settings, stop, open_, failed=vitals.watch.failed, log=log)
        if redis is None:
            return
        means = _means(settings, metrics, log)
        purse = _purse(settings, redis, means)
        concurrency = Concurrency(
            means.pace.slots, clock=means.clock, shown=metrics.backend_concurrency_limit.set
        )
        links = Links(
            queue=redis.queue,
            store=redis.store,
            members=redis.members,
            tenants=redis.tenants,
            bldng=await open_.enter_async_context(
                _bldng(settings, metrics, purse.pay, concurrency.called)
            ),
            wake=Wake(redis.client),
            partitions=redis.partitions,
            profile_of=lambda name: mappings.get(name, profile.DEFAULT),
            purse=purse,
            patrol=redis.patrol,
            concurrency=concurrency,
        )
        worker = Worker(links, means)
        metrics.registry.register(QueueCollector(worker.janitor.snapshot))
        log.info("redis_opened", **redis.durability.facts())
        tell = failovers.teller(settings.ack, metrics, log, repair=worker.patroller.ask)
        await _run(worker, vitals, stop, failovers.health(settings, redis, tell))


async def _redis(
    settings: Settings,
    stop: asyncio.Event,
    open_: AsyncExitStack,
    *,
    log: FilteringBoundLogger,
    failed: Callable[[RedisUnavailable], None] = lambda _error: None,
) -> Stack | None:
    """Wait for a safe Redis that holds our installation; None when stopped before."""
    while not stop.is_set():
        try:
            return await open_.enter_async_context(
                stack.open_stack(
                    settings.redis_server(),
                    timeout_ms=settings.redis_timeout_ms,
                    allow_volatile=settings.allow_unsafe_redis,
                    ack=settings.ack,
                )
            )
        except RedisUnavailable as error:
            log.warning("redis_awaited", reason=str(error))
            failed(error)
        with suppress(TimeoutError):
            async with asyncio.timeout(REOPEN_S):
                await stop.wait()
    return None


def _purse(settings: Settings, redis: Stack, means: Means) -> Purse:
    host = urlsplit(settings.backend_url or "").netloc.lower()
    rate = settings.backend_rate
    budget = Budget(redis.lane, host, rate) if rate else None
    return Purse(budget, clock=means.clock, dice=means.dice)


def _bldng(
    settings: Settings,
    metrics: Metrics,
    toll: Toll = transport.free,
    learn: Observer = transport.ignore,
) -> AbstractAsyncContextManager[Bldng]:
    token = settings.backend_token

    def observe(operation: str, code: str, duration_s: float) -> None:
        metrics.observe_backend(operation, code, duration_s)
        learn(operation, code, duration_s)

    return bldng_client.connect(
        base_url=settings.backend_url or "",
        token=token.get_secret_value() if token else "",
        timeout_s=_pace(settings).request_timeout_s,
        observer=observe,
        toll=toll,
    )


def _means(settings: Settings, metrics: Metrics, log: FilteringBoundLogger) -> Means:
    return Means(
        metrics=metrics,
        log=log,
        clock=time.monotonic,
        dice=random.random,  # noqa: S311 - jitter
        boot_id=secrets.token_hex(8),
        pace=_pace(settings),
    )


def _pace(settings: Settings) -> Pace:
    return Pace(
        slots=settings.slots,
        lease_ms=settings.lease_ms,
        settle_ms=settings.settle_ms,
        drain_s=settings.drain_timeout_s,
        sweep_days=settings.sweep_days,
    )


async def _run(worker: Worker, vitals: Vitals, stop: asyncio.Event, health: Health) -> None:
    """Work until `stop`, with the probes told how it goes."""
    vitals.worker = worker
    observe = partial(vitals.observe, health)
    async with asyncio.TaskGroup() as group:
        probing = group.create_task(vitals.watch.run(observe, interval_s=PROBE_INTERVAL_S))
        draining = group.create_task(_drain_when(stop, vitals.phase))
        vitals.phase.name = "serving"
        await worker.run(stop)
        probing.cancel()
        draining.cancel()


async def _drain_when(stop: asyncio.Event, phase: Phase) -> None:
    await stop.wait()
    phase.name = "draining"
