"""The engine fixture: real scripts on a real Redis, the clock a key."""

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from clients.redis.embedded import EmbeddedRedis
from tests.engine import harness, invariants


@pytest.fixture
async def engine(redis_url: str) -> AsyncIterator[harness.Engine]:
    """Whatever a test does, every invariant holds at its end."""
    async with harness.open_engine(redis_url) as opened:
        yield opened
        assert await invariants.broken(opened) == []


@pytest.fixture
def stopped(redis_server: EmbeddedRedis) -> Iterator[Callable[[], None]]:
    """Freezes the server when called; it runs again after the test."""
    assert redis_server.pid is not None
    pid = redis_server.pid
    yield lambda: os.kill(pid, signal.SIGSTOP)
    os.kill(pid, signal.SIGCONT)


@pytest.fixture
def resumed(redis_server: EmbeddedRedis) -> Callable[[], None]:
    """Lets a frozen server run again."""
    assert redis_server.pid is not None
    pid = redis_server.pid
    return lambda: os.kill(pid, signal.SIGCONT)
