"""Several real servers that belong together: a master with replicas and Sentinels, a Cluster."""

import asyncio
import random
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from clients.redis import embedded
from clients.redis.embedded import EmbeddedRedis
from tests.support import redis as servers
from tests.support.waiting import eventually

SERVICE = "scim"
DOWN_AFTER_MS = 1000
SLOTS = 16384
NODE_TIMEOUT_MS = 1000


class Sentinels:
    """Three Sentinels; they find each other through the master."""

    def __init__(self, directory: Path, master: EmbeddedRedis) -> None:
        self.ports = [embedded.free_port() for _ in range(3)]
        self._processes: list[subprocess.Popen[bytes]] = []
        for port in self.ports:
            folder = directory / f"sentinel-{port}"
            folder.mkdir(parents=True)
            (folder / "sentinel.conf").write_text(
                f"port {port}\nbind 127.0.0.1\ndir {folder}\nlogfile sentinel.log\n"
                f"sentinel monitor {SERVICE} 127.0.0.1 {master.port} 2\n"
                f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\n"
                f"sentinel failover-timeout {SERVICE} 3000\n"
            )
            arguments = [str(servers.program()), str(folder / "sentinel.conf"), "--sentinel"]
            self._processes.append(
                subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            )

    @property
    def reach(self) -> dict[str, str]:
        """The settings of a process."""
        return {
            "BLDNG_SCIM_REDIS_URL": "redis://",
            "BLDNG_SCIM_REDIS_SENTINELS": ",".join(f"127.0.0.1:{port}" for port in self.ports),
            "BLDNG_SCIM_REDIS_SENTINEL_SERVICE": SERVICE,
        }

    async def agree(self, *, replicas: int) -> bool:
        """Whether each of them knows the other two and all replicas."""
        for port in self.ports:
            async with Redis(port=port) as client:
                try:
                    masters: Any = await client.sentinel_masters()
                    seen = masters[SERVICE]
                except (RedisError, OSError, KeyError):
                    return False
            if (seen["num-other-sentinels"], seen["num-slaves"]) != (2, replicas):
                return False
        return True

    def kill(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


@asynccontextmanager
async def replicated(
    directory: Path, *, replicas: int = 2, extra: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[list[EmbeddedRedis], Sentinels]]:
    """A master, its replicas and three Sentinels; the master comes first."""
    numbers = range(replicas + 1)
    nodes = [servers.server(directory / str(number), extra=extra) for number in numbers]
    sentinels = None
    try:
        for node in nodes:
            await asyncio.to_thread(node.start)
        for node in nodes[1:]:
            await command(node, "REPLICAOF", "127.0.0.1", nodes[0].port)
        sentinels = Sentinels(directory, nodes[0])
        await eventually(lambda: sentinels.agree(replicas=replicas), within_s=20)
        yield nodes, sentinels
    finally:
        if sentinels is not None:
            sentinels.kill()
        for node in nodes:
            node.kill()


@asynccontextmanager
async def clustered(directory: Path, *, replicas: int = 0) -> AsyncIterator[list[EmbeddedRedis]]:
    """Three masters with a third of the slots each, then `replicas` of the first one."""
    extra = {
        "cluster-enabled": "yes",
        "cluster-node-timeout": str(NODE_TIMEOUT_MS),
        "cluster-require-full-coverage": "no",
        "repl-diskless-sync-delay": "0",
    }
    nodes = [
        servers.server(directory / str(number), port=_bus_port(), extra=extra)
        for number in range(3 + replicas)
    ]
    try:
        for node in nodes:
            await asyncio.to_thread(node.start)
        await _join(nodes)
        yield nodes
    finally:
        for node in nodes:
            node.kill()


async def _join(nodes: Sequence[EmbeddedRedis]) -> None:
    masters, replicas = nodes[:3], nodes[3:]
    for number, node in enumerate(masters):
        mine = range(number * SLOTS // 3, (number + 1) * SLOTS // 3)
        await command(node, "CLUSTER", "ADDSLOTS", *mine)
        await command(node, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
    for node in nodes[1:]:
        await command(nodes[0], "CLUSTER", "MEET", "127.0.0.1", node.port)
    await eventually(lambda: whole(nodes), within_s=20)
    first = await node_id(nodes[0])
    for node in replicas:
        await command(node, "CLUSTER", "REPLICATE", first)
    await eventually(lambda: _followed(nodes, len(replicas)), within_s=20)


async def whole(nodes: Sequence[EmbeddedRedis]) -> bool:
    """Whether every node knows all the others and who has which slot."""
    for node in nodes:
        said = await command(node, "CLUSTER INFO")
        known = (said["cluster_known_nodes"], said["cluster_slots_assigned"])
        if said["cluster_state"] != "ok" or known != (str(len(nodes)), str(SLOTS)):
            return False
    return True


async def _followed(nodes: Sequence[EmbeddedRedis], replicas: int) -> bool:
    """Whether so many replicas follow the first node, and all nodes know that."""
    async with Redis(port=nodes[0].port) as client:
        info = await client.info("replication")
    online = [info.get(f"slave{number}", {}).get("state") for number in range(replicas)]
    for node in nodes:
        flags = [each["flags"] for each in (await command(node, "CLUSTER NODES")).values()]
        if sum("slave" in each for each in flags) != replicas:
            return False
    return online == ["online"] * replicas


async def command(node: EmbeddedRedis | int, *words: object) -> Any:
    """What a server, or the one at a port, answers to one command."""
    client: Any = Redis(port=node if isinstance(node, int) else node.port)
    async with client:
        return await client.execute_command(*words)


async def node_id(node: EmbeddedRedis) -> str:
    return str((await command(node, "CLUSTER MYID")).decode())


@dataclass(frozen=True, slots=True)
class Move:
    """A slot on its way from one node to another; step by step, while it is in use."""

    slot: int
    source: EmbeddedRedis
    target: EmbeddedRedis

    async def begin(self) -> None:
        ids = await node_id(self.source), await node_id(self.target)
        await command(self.target, "CLUSTER", "SETSLOT", self.slot, "IMPORTING", ids[0])
        await command(self.source, "CLUSTER", "SETSLOT", self.slot, "MIGRATING", ids[1])

    async def carry(self, most: int) -> int:
        """Move some keys; how many."""
        found = await command(self.source, "CLUSTER", "GETKEYSINSLOT", self.slot, most)
        if found:
            where = ("MIGRATE", "127.0.0.1", self.target.port, "", 0, 5000, "KEYS")
            await command(self.source, *where, *found)
        return len(found)

    async def end(self) -> None:
        """The slot belongs to the target; the other nodes learn it by themselves."""
        for node in (self.target, self.source):
            target = await node_id(self.target)
            await command(node, "CLUSTER", "SETSLOT", self.slot, "NODE", target)


async def move_slot(slot: int, source: EmbeddedRedis, target: EmbeddedRedis) -> int:
    """Move a slot a few keys at a time; how many there were."""
    move, moved = Move(slot, source, target), 0
    await move.begin()
    while some := await move.carry(10):
        moved += some
    await move.end()
    return moved


def reach(node: EmbeddedRedis) -> dict[str, str]:
    """The settings of a process that uses a Cluster."""
    return {"BLDNG_SCIM_REDIS_URL": node.url, "BLDNG_SCIM_REDIS_CLUSTER": "true"}


def _bus_port() -> int:
    """A port that is free with its bus, 10000 above; the kernel gives neither to clients."""
    while True:
        port = random.randrange(12_000, 22_000)
        with suppress(OSError), ExitStack() as held:
            for each in (port, port + 10_000):
                held.enter_context(socket.create_server((embedded.HOST, each)))
            return port
