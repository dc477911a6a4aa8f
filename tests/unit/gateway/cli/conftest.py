"""Runs the command in this process, with nothing of the caller's own settings."""

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from tests.support import redis as servers


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


Run = Callable[..., Ended]


async def aside(run: Run, *arguments: str, **environment: str) -> Ended:
    """Run a command from an async test: it has an event loop of its own."""
    return await asyncio.to_thread(run, *arguments, **environment)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Run:
    """`offline("token", "list", SOME="setting")` without any setting but those given."""
    for name in [name for name in os.environ if "BLDNG" in name]:
        monkeypatch.delenv(name)
    runner = CliRunner()

    def run(*arguments: str, **environment: str) -> Ended:
        result = runner.invoke(app, arguments, env=environment)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ended(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def cli(offline: Run, redis_url: str) -> Run:
    """The same with an empty Redis and a public URL."""

    def run(*arguments: str, **environment: str) -> Ended:
        ours = {
            "BLDNG_SCIM_REDIS_URL": redis_url,
            "BLDNG_SCIM_PUBLIC_URL": "https://scim.example.com",
        }
        return offline(*arguments, **(ours | environment))

    return run


@pytest.fixture
def evicting_redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis that may throw away what it holds."""
    extra = {"maxmemory-policy": "allkeys-lru"}
    with servers.server(tmp_path / "evicting", extra=extra) as server:
        yield server.url
