"""When the sandbox was called: its log, told of each entry as it comes."""

import asyncio
import time
from collections import deque

from clients.bldng.sandbox.state import LOG_MAX, Logged


class Heard(deque[Logged]):
    """A log of the sandbox. `first_s` and `last_s` are when calls came, by `time.perf_counter`."""

    def __init__(self) -> None:
        super().__init__(maxlen=LOG_MAX)
        self.first_s = self.last_s = 0.0
        self._called = asyncio.Event()

    def append(self, row: Logged, /) -> None:
        self.last_s = time.perf_counter()
        self.first_s = self.first_s or self.last_s
        self._called.set()
        super().append(row)

    def forget(self) -> None:
        """Begin again with an empty log."""
        self.clear()
        self.first_s = self.last_s = 0.0
        self._called.clear()

    async def first(self, within_s: float = 5.0) -> float:
        """When the first call since `forget` came."""
        async with asyncio.timeout(within_s):
            await self._called.wait()
        return self.first_s
