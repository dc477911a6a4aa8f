"""The operators' listener over real HTTP."""

from collections.abc import AsyncIterator, Sequence

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry, Counter

from clients.redis.durability import UNCHECKED, Durability
from clients.redis.types import RedisUnavailable, UnsafeRedis
from gateway import ops
from gateway.ops import watch


class Process:
    """What a gateway or worker tells its listener."""

    def __init__(self) -> None:
        self.not_ready: list[str] = []
        self.not_alive: list[str] = []
        self.registry = CollectorRegistry()
        self.scrapes = Counter("scrapes", "Scrapes.", registry=self.registry)

    def readiness(self) -> Sequence[str]:
        return self.not_ready

    def liveness(self) -> Sequence[str]:
        return self.not_alive

    async def before_scrape(self) -> None:
        self.scrapes.inc()


@pytest.fixture
def process() -> Process:
    return Process()


@pytest.fixture
async def client(process: Process) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    app = ops.make_app(
        process.registry,
        readiness=process.readiness,
        liveness=process.liveness,
        before_scrape=process.before_scrape,
    )
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_a_probe_says_no_with_its_reasons(
    process: Process,
    client: TestClient,  # type: ignore[type-arg]
    path: str,
) -> None:
    fine = await client.get(path)
    assert (fine.status, await fine.json()) == (200, {"ok": True, "reasons": []})
    process.not_ready = process.not_alive = ["draining"]
    bad = await client.get(path)
    assert (bad.status, await bad.json()) == (503, {"ok": False, "reasons": ["draining"]})


async def test_not_ready_is_still_alive(
    process: Process,
    client: TestClient,  # type: ignore[type-arg]
) -> None:
    process.not_ready = ["draining"]
    assert (await client.get("/livez")).status == 200


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain"),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text"),
    ],
)
async def test_metrics_are_refreshed_and_negotiated(
    client: TestClient,  # type: ignore[type-arg]
    accept: str,
    content_type: str,
) -> None:
    answer = await client.get("/metrics", headers={"Accept": accept})
    assert answer.content_type == content_type
    assert "scrapes_total 1.0" in await answer.text()


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


async def fine() -> Durability:
    """Redis answers."""
    return UNCHECKED


async def down() -> Durability:
    raise RedisUnavailable("no answer")


async def unsafe() -> Durability:
    raise UnsafeRedis("maxmemory-policy is allkeys-lru")


async def test_a_blip_of_redis_keeps_a_process_ready_and_an_outage_does_not() -> None:
    clock = Clock()
    redis = ops.RedisWatch(clock=clock)
    await redis.observe(down)
    clock.now_s += watch.GRACE_S
    await redis.observe(down)
    assert redis.reasons() == []
    clock.now_s += 1
    assert redis.reasons() == ["redis has not answered for 31 s"]
    await redis.observe(fine)
    assert redis.reasons() == []


async def test_a_success_between_failures_starts_the_count_again() -> None:
    clock = Clock()
    redis = ops.RedisWatch(clock=clock)
    for probe in (down, fine, down):
        await redis.observe(probe)
        clock.now_s += watch.GRACE_S - 1
    assert redis.reasons() == []


async def test_the_mode_of_acknowledgement_is_told_once_it_is_known() -> None:
    redis = ops.RedisWatch(clock=Clock())
    assert redis.facts() == {}
    await redis.observe(fine)
    await redis.observe(down)
    assert redis.facts() == {"durability": UNCHECKED.facts()}


async def test_an_unsafe_redis_counts_at_once() -> None:
    redis = ops.RedisWatch(clock=Clock())
    await redis.observe(unsafe)
    assert redis.reasons() == ["redis is not safe: maxmemory-policy is allkeys-lru"]
