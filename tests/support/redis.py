"""A real Redis for tests: one server for each test process, emptied and set up for each test."""

from collections.abc import AsyncIterator, Iterator, Mapping

import pytest
import redis as sync_redis

from clients.redis import stack, types
from clients.redis.connection import Client
from clients.redis.embedded import EmbeddedRedis


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """A running redis-server of this test process; tests must leave it running."""
    with EmbeddedRedis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: EmbeddedRedis) -> str:
    """The URL of an empty database; whoever opens it first sets the installation up."""
    with sync_redis.Redis(host="127.0.0.1", port=redis_server.port) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
async def redis_stack(redis_url: str) -> AsyncIterator[stack.Stack]:
    """Store, queue and tenants on a fresh installation."""
    async with stack.open_stack(redis_url, install=True) as opened:
        yield opened


@pytest.fixture
async def tenant(redis_stack: stack.Stack) -> types.Tenant:
    """A tenant named acme."""
    return await redis_stack.tenants.create("acme", org="org-acme", now_ms=1_700_000_000_000)


async def commands(client: Client) -> Mapping[str, int]:
    """How often each command was called since the last time, by scripts as well."""
    stats = await client.info("commandstats")
    await client.config_resetstat()
    return {name: found["calls"] for name, found in stats.items() if name not in _OURS}


_OURS = {"cmdstat_config|resetstat", "cmdstat_config", "cmdstat_info", "cmdstat_script|load"}
