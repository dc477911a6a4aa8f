"""How a process' Redis is, asked at the start and again and again."""

from clients.redis import connection, durability
from clients.redis.durability import Ack, Durability
from clients.redis.failover import Failovers


class Health:
    """Asks one Redis whether it is there, safe, and keeps the mode of acknowledgement.

    `failovers` looks each time whether it still is the same server.
    """

    def __init__(
        self,
        client: connection.Client,
        *,
        ack: Ack,
        allow_unsafe: bool,
        failovers: Failovers | None = None,
    ) -> None:
        self._client = client
        self._ack = ack
        self._allow_unsafe = allow_unsafe
        self._failovers = failovers

    async def probe(self) -> Durability:
        """Ask now. Raises `UnsafeRedis`, `RedisUnavailable` and its kinds."""
        if self._failovers is not None:
            await self._failovers.look()
        await connection.check_safety(self._client, allow_volatile=self._allow_unsafe)
        return await durability.check(self._client, self._ack, allow_unsafe=self._allow_unsafe)
