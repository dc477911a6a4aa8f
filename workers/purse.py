"""Calls on BLDNG that this worker may make: taken from the fleet's budget, paid one by one.

The first call of a resource is taken before it is claimed, so that nothing is leased that could
not be worked on. Its further calls are taken when they come; while one of them waits, nothing new
is claimed. What a claim did not need is given back at once.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from clients.bldng.errors import Unbudgeted
from clients.redis.budget import Granted
from clients.redis.types import RedisUnavailable

BATCH: Final = 16
"""Calls taken at a time at most."""
FRESH_S: Final = 0.15
"""A call taken and not made within this time is forgone: saved up, calls would come in a crowd."""
TURN_S: Final = 0.01
"""How long nothing is claimed while a call waits, in seconds."""
PAUSE_S: Final = 0.5
"""How long a worker waits when Redis did not answer, in seconds."""


class Bucket(Protocol):
    """What `clients.redis.budget.Budget` offers. Each raises RedisUnavailable."""

    async def take(self, calls: int) -> Granted:
        """Take up to so many calls."""

    async def give_back(self, calls: int) -> None:
        """Return calls that were not made."""


@dataclass(slots=True)
class _Prepaid:
    calls: int = 0
    until_s: float = -math.inf


class Purse:
    """The calls of one worker. `clock` counts monotonic seconds, `dice` gives [0, 1).

    `answered_s` is when Redis last answered, by `clock`. Without a bucket everything is free.
    """

    def __init__(
        self, bucket: Bucket | None, *, clock: Callable[[], float], dice: Callable[[], float]
    ) -> None:
        self.answered_s = -math.inf
        self._bucket = bucket
        self._clock = clock
        self._dice = dice
        self._prepaid = _Prepaid()
        self._dry_until_s = -math.inf
        self._waiting = 0
        self._turn = asyncio.Lock()

    def dry_s(self) -> float:
        """How long nothing may be claimed for want of calls, in seconds."""
        least_s = TURN_S if self._waiting else 0.0
        return max(least_s, self._dry_until_s - self._clock())

    async def reserve(self, resources: int) -> int:
        """How many resources may be claimed; a call for each is taken."""
        if self._bucket is None or resources <= 0:
            return resources
        if self.dry_s() > 0:
            return 0
        return await self._take(self._bucket, min(resources, BATCH))

    def claimed(self) -> None:
        """A resource was claimed: its first call is paid."""
        if self._bucket is not None:
            self._prepaid.calls += 1
            self._prepaid.until_s = self._clock() + FRESH_S

    async def release(self, resources: int) -> None:
        """So many reserved resources were not claimed."""
        if self._bucket is None or resources <= 0:
            return
        try:
            await self._bucket.give_back(resources)
        except RedisUnavailable:
            return  # fewer calls for everybody, until the bucket has filled up again

    async def pay(self, within_s: float) -> None:
        """Pay for one call now. Raises Unbudgeted when that takes longer than `within_s`."""
        if self._bucket is None or self._pays_prepaid():
            return
        self._waiting += 1
        try:
            async with asyncio.timeout(within_s), self._turn:
                await self._buy(self._bucket)
        except TimeoutError:
            raise Unbudgeted from None
        finally:
            self._waiting -= 1

    def _pays_prepaid(self) -> bool:
        if self._prepaid.until_s < self._clock():
            self._prepaid.calls = 0
        if not self._prepaid.calls:
            return False
        self._prepaid.calls -= 1
        return True

    async def _buy(self, bucket: Bucket) -> None:
        """Wait for one call; what else waits here is taken along."""
        while not self._pays_prepaid():
            taken = await self._take(bucket, min(self._waiting, BATCH))
            self._prepaid.calls += taken
            self._prepaid.until_s = self._clock() + FRESH_S
            if not taken:
                await asyncio.sleep(self._dry_until_s - self._clock())

    async def _take(self, bucket: Bucket, calls: int) -> int:
        try:
            granted = await bucket.take(calls)
        except RedisUnavailable:
            self._dry_until_s = self._clock() + PAUSE_S
            return 0
        self.answered_s = self._clock()
        if granted.calls < calls:
            pause_s = granted.wait_ms / 1000 * (1 + self._dice() / 4)
            self._dry_until_s = self._clock() + max(pause_s, 0.001)
        return granted.calls
