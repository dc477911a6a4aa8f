"""Hears when work arrives, so that a worker need not poll.

A script publishes the number of a partition on `sg:wake` when a sleeping partition got work that
is due. A lost message costs no more than the worker's fallback sleep, and each new subscription
wakes the worker too, because messages may have been missed before it.
"""

import asyncio
from typing import Any

from clients.redis import keys, replies
from clients.redis.connection import Client

SILENCE_S = 5.0
"""After this long without a message the connection is asked for a sign of life."""

PAUSE_S = (0.1, 2.0)
"""First and longest pause before the subscription is renewed."""


class Wake:
    """`event` is set when work may be there; `run` listens until it is cancelled."""

    def __init__(self, client: Client) -> None:
        self.event = asyncio.Event()
        self._client = client
        self._woken: set[int] = set()
        self._all = True

    def take(self) -> frozenset[int] | None:
        """The partitions named since the last take, None for all of them; clears the event."""
        woken = None if self._all else frozenset(self._woken)
        self._woken.clear()
        self._all = False
        self.event.clear()
        return woken

    async def wait(self, timeout_s: float) -> bool:
        """Sleep until woken, at most `timeout_s`; whether it was woken."""
        try:
            async with asyncio.timeout(timeout_s):
                await self.event.wait()
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """Listen, and subscribe again whenever the connection breaks or falls silent."""
        pause_s = PAUSE_S[0]
        while True:
            heard = await self._listen()
            pause_s = PAUSE_S[0] if heard else min(pause_s * 2, PAUSE_S[1])
            await asyncio.sleep(pause_s)

    async def _listen(self) -> bool:
        """One subscription until it ends; whether it ever stood."""
        heard = False
        pubsub: Any = self._client.pubsub()
        try:
            await pubsub.subscribe(keys.WAKE_CHANNEL)
            while await self._hear(pubsub):
                heard = True
        except replies.CLIENT_ERRORS:
            return heard
        finally:
            await pubsub.aclose()
        return heard

    async def _hear(self, pubsub: Any) -> bool:
        """Take one message; False when the connection gives no sign of life."""
        message = await pubsub.get_message(timeout=SILENCE_S)
        if message is None:
            await pubsub.ping()
            message = await pubsub.get_message(timeout=SILENCE_S)
        if message is None:
            return False
        if message["type"] == "subscribe":
            self._all = True
            self.event.set()
        elif message["type"] == "message":
            self._woken.add(replies.number(message["data"]))
            self.event.set()
        return True
