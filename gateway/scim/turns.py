"""Writers of one resource take turns within a process.

The compare-and-set keeps parallel writers from losing each other's changes, but twenty that start
together would lose nineteen races in the first round. In turns, none loses one here, and races are
left for writers in other processes.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakValueDictionary

from mappers.scim import errors

MAX_WAIT_S: Final = 0.5
"""Many times what a write takes; with a Redis that hangs, the answer still comes in a second."""


class Turns:
    """A lock for each resource that is being written; it lasts as long as somebody uses it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def __len__(self) -> int:
        """How many resources are being written."""
        return len(self._locks)

    @asynccontextmanager
    async def of(self, tenant: str, rk: str) -> AsyncIterator[None]:
        """A turn at one resource. Raises VersionConflict after MAX_WAIT_S of waiting."""
        lock = self._locks.setdefault((tenant, rk), asyncio.Lock())
        await _acquire(lock)
        try:
            yield
        finally:
            lock.release()


async def _acquire(lock: asyncio.Lock) -> None:
    if not lock.locked():  # the usual case needs no timer
        await lock.acquire()
        return
    try:
        async with asyncio.timeout(MAX_WAIT_S):
            await lock.acquire()
    except TimeoutError:
        raise errors.VersionConflict from None
