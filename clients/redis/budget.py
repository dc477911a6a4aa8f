"""The calls that all workers together may make on a backend, in one bucket in Redis."""

from dataclasses import dataclass

from clients.redis import keys, replies
from clients.redis.lane import Lane

SHARE_AT_ONCE = 0.1
"""How much of a second's calls may be made at once after a rest."""


@dataclass(frozen=True, slots=True)
class Granted:
    """Calls that may be made now; `wait_ms` until another may be asked for, 0 when at once."""

    calls: int
    wait_ms: int


class Budget:
    """`per_s` calls a second over all workers of a backend. Raises `RedisUnavailable`.

    Each call of the script is sent once: a lost answer loses the calls it granted, or gives back
    less, but no call is ever granted twice.
    """

    def __init__(self, lane: Lane, backend: str, per_s: float) -> None:
        self._lane = lane
        self._bucket = [keys.budget(backend)]
        self._per_s = per_s
        self._burst = max(1, int(per_s * SHARE_AT_ONCE))

    async def take(self, calls: int) -> Granted:
        """Up to `calls` of them."""
        reply = await self._run(calls)
        return Granted(replies.number(reply[0]), replies.number(reply[1]))

    async def give_back(self, calls: int) -> None:
        """These were taken and not made."""
        await self._run(-calls)

    async def _run(self, calls: int) -> list[object]:
        args = (calls, self._per_s, self._burst)
        return list(replies.rows(await self._lane.run("budget", self._bucket, args)))
