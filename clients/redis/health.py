"""How a process' Redis is, asked at the start and again and again."""

from clients.redis import connection, durability, installation
from clients.redis.durability import Ack, Durability
from clients.redis.failover import Failovers
from clients.redis.lane import Lane
from clients.redis.types import IncompatibleData


class Health:
    """Asks one Redis whether it is there, safe, and keeps the mode of acknowledgement.

    `failovers` looks each time whether it still is the same server. `lane` is shut while the data
    has a schema that we do not know: a newer program may have raised the number while we ran.
    """

    def __init__(
        self,
        client: connection.Client,
        *,
        ack: Ack,
        allow_unsafe: bool,
        failovers: Failovers | None = None,
        lane: Lane | None = None,
    ) -> None:
        self._client = client
        self._ack = ack
        self._allow_unsafe = allow_unsafe
        self._failovers = failovers
        self._lane = lane

    async def probe(self) -> Durability:
        """Ask now. Raises `UnsafeRedis`, `RedisUnavailable` and its kinds."""
        if self._lane is not None:
            await self._check_schema(self._lane)
        if self._failovers is not None:
            await self._failovers.look()
        await connection.check_safety(self._client, allow_volatile=self._allow_unsafe)
        return await durability.check(self._client, self._ack, allow_unsafe=self._allow_unsafe)

    async def _check_schema(self, lane: Lane) -> None:
        """No call leaves for Redis while its data are not ours to use."""
        try:
            await installation.schema_of(self._client)
        except IncompatibleData as error:
            lane.shut(error)
            raise
        lane.shut(None)
