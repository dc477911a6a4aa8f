"""Clients with our defaults, and the refusal of a server that could lose what it holds.

redis-py re-sends a command ten times by default and gives up on a socket after five seconds. A
script may have run by then, so re-sending is ours to decide: no retry, no socket time-out, one
outer deadline.
"""

from collections.abc import Mapping
from typing import cast

import redis.asyncio
import redis.exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from clients.redis import replies, types

MINIMUM_VERSION = (6, 2)


def connect(url: str, *, connect_timeout_s: float = 0.7) -> redis.asyncio.Redis:
    """A client for `redis://`, `rediss://` or `unix://`; it opens connections when used."""
    return redis.asyncio.Redis.from_url(
        url,
        decode_responses=False,
        socket_timeout=None,
        socket_connect_timeout=connect_timeout_s,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 0),
    )


async def check_safety(client: redis.asyncio.Redis, *, allow_volatile: bool = False) -> None:
    """Refuse a server that evicts, forgets at a restart, or is too old.

    Raises `UnsafeRedis` naming the setting and the cure, `RedisUnavailable` without an answer.
    Reads INFO only, which restricted accounts of hosted servers may read when CONFIG is forbidden.
    `allow_volatile` accepts a server without append-only file (development).
    """
    try:
        info = cast("Mapping[str, object]", await client.info("everything"))
    except (redis.exceptions.RedisError, OSError) as error:
        raise replies.classify(error) from error
    _check_version(str(info["redis_version"]))
    _check_policy(str(info["maxmemory_policy"]))
    if not allow_volatile and not info["aof_enabled"]:
        raise types.UnsafeRedis(
            "appendonly is no: acknowledged writes would be lost at a restart. "
            "Cure: CONFIG SET appendonly yes, and in redis.conf"
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
