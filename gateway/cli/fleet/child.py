"""One gateway process as its parent sees it."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass

from gateway.cli.fleet import words
from gateway.cli.fleet.member import Inherited


@dataclass(frozen=True, slots=True)
class Post:
    """What a place has whichever process holds it: its number and its sockets."""

    index: int
    scim: tuple[socket.socket, ...]
    ops: tuple[socket.socket, ...]


class Child:
    """A started process. `started_s` is when, by the clock it was started with."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        started_s: float,
    ) -> None:
        self.pid = process.pid
        self.started_s = started_s
        self._process = process
        self._reader = reader
        self._writer = writer
        self._ready: bool | None = None

    async def is_ready(self) -> bool:
        """Wait until it serves, or until it ended without (False)."""
        if self._ready is None:
            try:
                self._ready = await self._reader.read(1) == words.READY
            except ConnectionError:
                self._ready = False
        return self._ready

    async def is_ready_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self.is_ready()
        except TimeoutError:
            return False

    def tell(self, word: bytes) -> None:
        """Say something; one that has ended does not hear it."""
        self._writer.write(word)

    async def ended(self) -> int:
        """Wait for its end; the exit code, negative when a signal ended it."""
        return await self._process.wait()

    async def ended_within(self, seconds: float) -> int:
        """The same, but killed when it takes longer."""
        try:
            async with asyncio.timeout(seconds):
                return await self.ended()
        except TimeoutError:
            self.kill()
            return await self.ended()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """End the channel to a process that has ended."""
        self._writer.close()


async def start(post: Post, *, succeeds: bool, clock: Callable[[], float]) -> Child:
    """Start a process for a place; `succeeds` when another still serves there."""
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            process = await _spawn(post, theirs, succeeds=succeeds)
        reader, writer = await asyncio.open_connection(sock=ours)
    except BaseException:
        ours.close()  # a process that was started after all hears that nobody leads it
        raise
    return Child(process, reader, writer, clock())


async def _spawn(
    post: Post, channel: socket.socket, *, succeeds: bool
) -> asyncio.subprocess.Process:
    inherited = Inherited(
        index=post.index,
        scim=tuple(each.fileno() for each in post.scim),
        ops=tuple(each.fileno() for each in post.ops),
        channel=channel.fileno(),
        succeeds=succeeds,
    )
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway.cli",
        "serve",
        "--place",
        inherited.text(),
        stdin=asyncio.subprocess.DEVNULL,
        pass_fds=(*inherited.scim, *inherited.ops, inherited.channel),
        start_new_session=True,
    )
