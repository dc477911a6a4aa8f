"""How long Redis has been failing: what `/readyz` wants to know."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from clients.redis.durability import Durability
from clients.redis.types import IncompatibleData, RedisUnavailable, UnsafeRedis

GRACE_S: Final = 30.0
"""Seconds of unbroken failure before a process stops being ready: a blip must not unload it."""


class RedisWatch:
    """Probes Redis in the background and remembers the first failure since the last success.

    `clock` counts seconds. An unsafe configuration and data that this program does not know count
    at once, an outage after GRACE_S.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failing_since: float | None = None
        self._unusable = ""
        self._durability: Durability | None = None

    async def run(self, probe: Callable[[], Awaitable[Durability]], *, interval_s: float) -> None:
        """Call `probe` for ever; it raises RedisUnavailable or UnsafeRedis when it must."""
        while True:
            await self.observe(probe)
            await asyncio.sleep(interval_s)

    async def observe(self, probe: Callable[[], Awaitable[Durability]]) -> None:
        """Call `probe` once and note how it went."""
        try:
            self._durability = await probe()
        except (RedisUnavailable, UnsafeRedis) as error:
            self.failed(error)
        else:
            self._failing_since, self._unusable = None, ""

    def failed(self, error: RedisUnavailable | UnsafeRedis) -> None:
        """Note a failure that somebody met."""
        match error:
            case UnsafeRedis():
                self._failing_since, self._unusable = None, f"redis is not safe: {error}"
            case IncompatibleData():
                self._failing_since, self._unusable = None, str(error)
            case RedisUnavailable():
                if self._failing_since is None:
                    self._failing_since = self._clock()

    def facts(self) -> Mapping[str, object]:
        """What an acknowledgement meant when last looked at, for the body of `/readyz`."""
        return {} if self._durability is None else {"durability": self._durability.facts()}

    def reasons(self) -> list[str]:
        """Why this process should get no work because of Redis; empty when it may."""
        found = [self._unusable] if self._unusable else []
        if self._failing_since is not None:
            failing_s = self._clock() - self._failing_since
            if failing_s > GRACE_S:
                found.append(f"redis has not answered for {failing_s:.0f} s")
        return found
