"""A TCP proxy inside the test: what lies between two processes, and how it fails.

It knows bytes only. A `Rule` names the bytes that trigger it, so that a test can lose the reply of
one script or cut one request in half. `hold` and `release` black-hole everything for a while,
`cut` resets all connections, `refuse` and `listen` take the listener away and put it back.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

HOST = "127.0.0.1"
CHUNK = 1 << 16


@dataclass(slots=True)
class Rule:
    """What happens to connections that carry certain bytes, at most `times` times.

    `lose_reply`: the request (with the bytes `sent`) arrives, the reply (with the bytes
    `answered`) does not, and the connection is reset. `half`: half of the request arrives, then a
    reset. `silence`: from the request on nothing passes on this connection, which stays open.
    """

    action: Literal["lose_reply", "half", "silence"]
    sent: bytes = b""
    answered: bytes = b""
    times: int = 1
    struck: int = 0

    @property
    def spent(self) -> bool:
        return self.struck >= self.times


@dataclass(slots=True, eq=False)
class Link:
    """One connection through the proxy. `said` holds the first of what the client sent on it."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    said: bytearray = field(default_factory=bytearray)
    doom: Rule | None = None
    silent: bool = False

    def close(self) -> None:
        """End both sides."""
        self.client.transport.abort()
        self.server.transport.abort()

    def reset(self) -> None:
        """End both sides with RST, as a broken network does."""
        for writer in (self.client, self.server):
            raw = writer.get_extra_info("socket")
            if raw is not None and raw.fileno() >= 0:
                linger = struct.pack("ii", 1, 0)
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close()


class Proxy:
    """Listens on `port` and passes on to `upstream`. `latency_s` delays each chunk, both ways."""

    def __init__(self, upstream: int) -> None:
        self.port = 0
        self.latency_s = 0.0
        self.accepted = 0
        self.links: set[Link] = set()
        self._upstream = upstream
        self._rules: list[Rule] = []
        self._flows = asyncio.Event()
        self._flows.set()
        self._listener: asyncio.Server | None = None

    def order(self, rule: Rule) -> Rule:
        """Have something happen; the rule counts how often it struck."""
        self._rules.append(rule)
        return rule

    def hold(self) -> None:
        """A black hole: connections stay open and nothing passes."""
        self._flows.clear()

    def release(self) -> None:
        """What was held arrives."""
        self._flows.set()

    def cut(self) -> None:
        """Reset every connection."""
        for link in list(self.links):
            link.reset()

    def lead_to(self, upstream: int) -> None:
        """New connections go to another port."""
        self._upstream = upstream

    async def listen(self) -> None:
        """Take connections, on the port of before if there was one."""
        self._listener = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """Refuse new connections and reset those there are."""
        if self._listener is not None:
            self._listener.close()
        self.cut()

    async def _serve(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self.accepted += 1
        try:
            answers, server = await asyncio.open_connection(HOST, self._upstream)
        except OSError:
            client.transport.abort()
            return
        link = Link(client, server)
        self.links.add(link)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_to_its_end(self._carry_up(reader, link), link))
                group.create_task(_to_its_end(self._carry_down(answers, link), link))
        finally:
            self.links.discard(link)

    async def _carry_up(self, reader: asyncio.StreamReader, link: Link) -> None:
        while chunk := await reader.read(CHUNK):
            if len(link.said) < CHUNK:
                link.said += chunk
            rule = self._strikes(chunk)
            if rule is not None and rule.action == "half":
                rule.struck += 1
                await self._pass(chunk[: len(chunk) // 2], link.server)
                link.reset()
                return
            if rule is not None and rule.action == "silence":
                rule.struck += 1
                link.silent = True
            elif rule is not None:
                link.doom = rule
            if not link.silent:
                await self._pass(chunk, link.server)

    async def _carry_down(self, reader: asyncio.StreamReader, link: Link) -> None:
        while chunk := await reader.read(CHUNK):
            doom = link.doom
            if doom is not None and not doom.spent and doom.answered in chunk:
                doom.struck += 1
                link.reset()
                return
            if not link.silent:
                await self._pass(chunk, link.client)

    async def _pass(self, chunk: bytes, writer: asyncio.StreamWriter) -> None:
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        await self._flows.wait()
        writer.write(chunk)
        await writer.drain()

    def _strikes(self, chunk: bytes) -> Rule | None:
        return next((each for each in self._rules if not each.spent and each.sent in chunk), None)


@asynccontextmanager
async def between(upstream: int) -> AsyncIterator[Proxy]:
    """A proxy in front of a port of this machine."""
    proxy = Proxy(upstream)
    await proxy.listen()
    try:
        yield proxy
    finally:
        proxy.release()
        proxy.refuse()


async def _to_its_end(carrying: Awaitable[None], link: Link) -> None:
    """Carry one way; when that ends, so does the other."""
    with contextlib.suppress(OSError):
        await carrying
    link.close()
