"""Everything of this package that a process needs, opened for one server, closed in order."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

import redis.asyncio

from clients.redis import connection, installation
from clients.redis.cluster import ClusterLane
from clients.redis.durability import UNCHECKED, Ack, Durability
from clients.redis.health import Health
from clients.redis.lane import Lane
from clients.redis.members import Members
from clients.redis.operations import Operations
from clients.redis.patrol import Patrol
from clients.redis.queue import Queue
from clients.redis.server import Address, Server
from clients.redis.store import Store
from clients.redis.tenants import Tenants


@dataclass(frozen=True, slots=True)
class Stack:
    """The parts that share one client, one lane and one installation id.

    `durability` is what an acknowledgement means on this server.
    """

    client: connection.Client
    lane: Lane
    epoch: str
    partitions: range
    store: Store
    members: Members
    queue: Queue
    operations: Operations
    tenants: Tenants
    patrol: Patrol
    durability: Durability = UNCHECKED


@asynccontextmanager
async def open_stack(
    where: Server | str,
    *,
    timeout_ms: int = 800,
    allow_volatile: bool = False,
    install: bool = False,
    ack: Ack = Ack.FSYNC,
) -> AsyncIterator[Stack]:
    """Connect, refuse an unsafe or foreign server, and give the parts.

    A server that cannot keep the mode `ack` is refused too.

    `install` makes the installation in an empty Redis. Without it an empty one is refused: it may
    be one that lost its data. Raises `UnsafeRedis`, `ForeignRedis`, `IncompatibleData`,
    `RedisUnavailable`.
    """
    server = Server.from_url(where) if isinstance(where, str) else where
    client = connection.connect(server)
    try:
        health = Health(client, ack=ack, allow_unsafe=allow_volatile)
        kept = await health.probe()
        opening = installation.bootstrap if install else installation.open_installation
        epoch = await opening(client)
        plain = partial(Lane, deadline_ms=timeout_ms, confirmation=kept.confirmation)
        lane = _open_lane(client, server, plain, timeout_ms)
        try:
            yield replace(await _assemble(client, lane, epoch), durability=kept)
        finally:
            await lane.aclose()
    finally:
        await client.aclose()


def _open_lane(
    client: connection.Client,
    server: Server,
    plain: Callable[[redis.asyncio.Redis], Lane],
    deadline_ms: int,
) -> Lane:
    """A lane to the master, or one over the nodes of a Cluster."""
    if isinstance(client, redis.asyncio.Redis):
        return plain(client)
    return ClusterLane(
        client,
        seed=server.address or Address("", 0),
        deadline_ms=deadline_ms,
        open_client=partial(connection.connect_node, server),
        open_lane=plain,
    )


async def _assemble(client: connection.Client, lane: Lane, epoch: str) -> Stack:
    return Stack(
        client=client,
        lane=lane,
        epoch=epoch,
        partitions=await installation.partitions_of(client),
        store=Store(lane, epoch),
        members=Members(lane, epoch),
        queue=Queue(lane, epoch),
        operations=Operations(lane, epoch),
        tenants=Tenants(lane, epoch),
        patrol=Patrol(lane, epoch),
    )
