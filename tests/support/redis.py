"""A real Redis for tests: one server for each test process, emptied and set up for each test.

The program is the one that the product embeds, or the one that BLDNG_TEST_REDIS_SERVER names.
"""

import os
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest
import redis as sync_redis

from clients.redis import embedded, stack, types
from clients.redis.connection import Client
from clients.redis.embedded import EmbeddedRedis

PROGRAM = "BLDNG_TEST_REDIS_SERVER"
MEMORY = Path("/dev/shm")


def program() -> Path:
    """The server program under test; a Valkey serves as well."""
    chosen = os.environ.get(PROGRAM)
    return Path(chosen) if chosen else embedded.find_server()


def server(
    directory: Path,
    *,
    port: int = 0,
    appendfsync: str = "always",
    extra: Mapping[str, str] | None = None,
) -> EmbeddedRedis:
    """A server of the program under test, not started yet."""
    return EmbeddedRedis(
        directory, port=port, appendfsync=appendfsync, extra=extra, program=program()
    )


BALLAST = "for i = 1, 200 do redis.call('SET', 'ballast' .. i, string.rep('x', 100000)) end"
"""Twenty megabytes, beside which a server's own needs are small."""


async def use(client: Client, share: float) -> None:
    """Give a server so much memory that this share of it is used."""
    await client.eval(BALLAST, 0)
    info = await client.info("memory")
    used = info["used_memory"] - info["mem_not_counted_for_evict"]
    await client.config_set("maxmemory", int(used / share))


@pytest.fixture(scope="session")
def redis_server() -> Iterator[EmbeddedRedis]:
    """A running redis-server of this test process; tests must leave it running.

    It syncs every write as production does; in memory, where there is any, that costs no time.
    """
    where = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=where) as folder, server(Path(folder)) as running:
        yield running


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
