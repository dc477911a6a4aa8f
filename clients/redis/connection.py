"""Clients with our defaults, and the refusal of a server that could lose what it holds.

redis-py re-sends a command ten times by default and gives up on a socket after five seconds. A
script may have run by then, so re-sending is ours to decide: no retry, no socket time-out, one
outer deadline.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast, overload

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import ConstantBackoff, NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

from clients.redis import replies, types
from clients.redis.server import Address, Server, Topology

MINIMUM_VERSION = (6, 2)

SENTINEL_TIMEOUT_S = 0.25
"""What one Sentinel may take: the next one is asked within the deadline of a call."""

CLUSTER_ATTEMPTS = 3
"""How often a Cluster's client asks again after it looked for the nodes anew. It sends no script,
only what may be sent twice."""

SOCKET_TIMEOUT_S = 1.0
"""What a node may take for one command of the Cluster's client."""

Info = Mapping[str, object]

Client = redis.asyncio.Redis | redis.asyncio.RedisCluster
"""Of one server, of the master that Sentinels know, or of a Cluster."""


@overload
def connect(where: str, *, connect_timeout_s: float = 0.7) -> redis.asyncio.Redis: ...


@overload
def connect(where: Server | str, *, connect_timeout_s: float = 0.7) -> Client: ...


def connect(where: Server | str, *, connect_timeout_s: float = 0.7) -> Client:
    """A client for a server or a plain URL; it opens connections when used."""
    server = Server.from_url(where) if isinstance(where, str) else where
    match server.topology:
        case Topology.STANDALONE:
            return _standalone(server, connect_timeout_s)
        case Topology.SENTINEL:
            return _of_sentinels(server, connect_timeout_s)
        case Topology.CLUSTER:
            return _cluster(server, connect_timeout_s)


def connect_node(
    server: Server, address: Address, *, connect_timeout_s: float = 0.7
) -> redis.asyncio.Redis:
    """A client of one node of a Cluster."""
    return _standalone(replace(server, address=address, cluster=False), connect_timeout_s)


def _standalone(server: Server, connect_timeout_s: float) -> redis.asyncio.Redis:
    where: dict[str, Any] = {"unix_socket_path": server.path}
    if server.address is not None:
        where = {"host": server.address.host, "port": server.address.port, **_tls(server)}
    return redis.asyncio.Redis(
        **where,
        **server.login.options,
        **_timing(connect_timeout_s),
        db=server.database,
        retry=Retry(NoBackoff(), 0),
    )


def _of_sentinels(server: Server, connect_timeout_s: float) -> redis.asyncio.Redis:
    sentinel_options = {
        **server.sentinel_login.options,
        **_tls(server),
        "socket_timeout": SENTINEL_TIMEOUT_S,
        "socket_connect_timeout": SENTINEL_TIMEOUT_S,
        "retry": Retry(NoBackoff(), 0),
    }
    sentinel = Sentinel(server.sentinels, sentinel_kwargs=sentinel_options)  # type: ignore[no-untyped-call]
    client: redis.asyncio.Redis = sentinel.master_for(
        server.service,
        connection_pool_class=_SentinelPool,
        **_tls(server),
        **server.login.options,
        **_timing(connect_timeout_s),
        db=server.database,
        retry=Retry(NoBackoff(), 0),
    )
    return client


class _SentinelPool(SentinelConnectionPool):
    """Closes the connections to the Sentinels with its own."""

    async def aclose(self) -> None:
        await super().aclose()
        await self.sentinel_manager.aclose()


def _cluster(server: Server, connect_timeout_s: float) -> redis.asyncio.RedisCluster:
    if server.address is None:
        raise ValueError("a Cluster is not reached by a Unix socket")
    return redis.asyncio.RedisCluster(
        host=server.address.host,
        port=server.address.port,
        require_full_coverage=False,
        **_tls(server),
        **server.login.options,
        **{**_timing(connect_timeout_s), "socket_timeout": SOCKET_TIMEOUT_S},
        retry=Retry(ConstantBackoff(0), CLUSTER_ATTEMPTS),
    )


def _timing(connect_timeout_s: float) -> dict[str, Any]:
    """Without the hand-shakes for notices of maintenance and for the name of the library."""
    return {
        "socket_timeout": None,
        "socket_connect_timeout": connect_timeout_s,
        "socket_keepalive": True,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        "driver_info": None,
    }


def _tls(server: Server) -> dict[str, Any]:
    return {} if server.tls is None else {"ssl": True, **server.tls.options}


async def check_safety(client: Client, *, allow_volatile: bool = False) -> None:
    """Refuse a server that evicts, forgets at a restart, or is too old; every master of a Cluster.

    Raises `UnsafeRedis` naming the setting and the cure, `RedisUnavailable` without an answer and
    from a replica, which may be about to become the master.
    Reads INFO only, which restricted accounts of hosted servers may read when CONFIG is forbidden.
    `allow_volatile` accepts a server without append-only file (development).
    """
    cluster = isinstance(client, redis.asyncio.RedisCluster)
    for info in (await masters(client)).values():
        _check_role(info, cluster=cluster)
        _check_version(str(info["redis_version"]))
        _check_policy(str(info["maxmemory_policy"]))
        if not allow_volatile and not info["aof_enabled"]:
            raise types.UnsafeRedis(
                "appendonly is no: acknowledged writes would be lost at a restart. "
                "Cure: CONFIG SET appendonly yes, and in redis.conf"
            )


async def masters(client: Client) -> dict[str, Info]:
    """What INFO says of the master, of each one in a Cluster; by address.

    Raises `UnsafeRedis` when it is no Cluster and should be, `RedisUnavailable`.
    """
    try:
        if isinstance(client, redis.asyncio.RedisCluster):
            return await _cluster_masters(client)
        info = cast("Info", await client.info("everything"))
    except replies.CLIENT_ERRORS as error:
        if _NO_CLUSTER in str(error):
            raise types.UnsafeRedis(
                "the server is not part of a Cluster. Cure: unset BLDNG_SCIM_REDIS_CLUSTER, or "
                "name a node of the Cluster"
            ) from error
        raise replies.classify(error) from error
    return {_where(client.connection_pool): info}


def _where(pool: redis.asyncio.ConnectionPool) -> str:
    """The master that the Sentinels named, or what we were told."""
    found = getattr(pool, "master_address", None)
    told = pool.connection_kwargs
    if found is None and "host" not in told:
        return str(told.get("path", ""))
    return str(Address(*(found or (told["host"], told["port"]))))


async def _cluster_masters(client: redis.asyncio.RedisCluster) -> dict[str, Info]:
    _ = await client.initialize()
    return {
        f"{node.host}:{node.port}": cast(
            "Info", await client.info("everything", target_nodes=node)
        )
        for node in client.get_primaries()
    }


def nodes(client: Client) -> list[str]:
    """The addresses of all nodes of a Cluster that were found; elsewhere nothing."""
    if isinstance(client, redis.asyncio.Redis):
        return []
    return [f"{node.host}:{node.port}" for node in client.get_nodes()]


_NO_CLUSTER = "Cluster mode is not enabled"


def _check_role(info: Info, *, cluster: bool) -> None:
    if info.get("redis_mode") == "cluster" and not cluster:
        raise types.UnsafeRedis(
            "the server is a node of a Cluster and holds only a part. "
            "Cure: BLDNG_SCIM_REDIS_CLUSTER=true"
        )
    if info.get("role") != "master":
        raise types.NotMaster(
            "this server is a replica. It is waited for; if it is to stay one, name the master, "
            "or the Sentinels in BLDNG_SCIM_REDIS_SENTINELS"
        )


def _check_version(version: str) -> None:
    if tuple(int(part) for part in version.split(".")[:2]) < MINIMUM_VERSION:
        raise types.UnsafeRedis(
            f"redis_version is {version}. Cure: run Redis 6.2 or newer, or Valkey"
        )


def _check_policy(policy: str) -> None:
    if policy != "noeviction":
        raise types.UnsafeRedis(
            f"maxmemory-policy is {policy}: Redis may delete people and queued work. "
            "Cure: CONFIG SET maxmemory-policy noeviction, and in redis.conf"
        )
