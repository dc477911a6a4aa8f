"""How full Redis is, as it counts itself when it decides to refuse a write."""

from collections.abc import Mapping

from clients.redis import connection, replies


async def used_share(client: connection.Client) -> float:
    """The share of `maxmemory` that is used, of the fullest master; 0 without a limit.

    Raises `RedisUnavailable`.
    """
    return max(map(share, (await connection.masters(client)).values()), default=0.0)


def share(info: Mapping[str, object]) -> float:
    """The same of one server's INFO. Buffers of append-only file and replicas do not count."""
    limit = replies.number(info.get("maxmemory"))
    if limit <= 0:
        return 0.0
    used = replies.number(info.get("used_memory"))
    return max(0, used - replies.number(info.get("mem_not_counted_for_evict"))) / limit
