"""The parent of several gateway processes: binds the sockets, hears the signals, leads.

    SIGTERM, SIGINT   all children drain and end, then so does the parent; a second one kills all
    SIGHUP            one child after the other is replaced, without a gap

It answers no request itself and needs no Redis.
"""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

import uvloop
from structlog.typing import FilteringBoundLogger

from gateway import place
from gateway.cli.fleet.child import Post
from gateway.cli.fleet.slot import Slot
from gateway.cli.output import ExitCode, Failure
from gateway.settings import Address, Settings

MARGIN_S: Final = 10.0
"""How much longer than delay and time-out of a drain a process may take to end."""

STOPPING: Final = (signal.SIGTERM, signal.SIGINT)


def run(
    loaded: Settings,
    number: int,
    *,
    scim: tuple[socket.socket, ...],
    log: FilteringBoundLogger,
) -> None:
    """Run `number` processes until a signal; `scim` are sockets that are open already, if any.

    Raises Failure when an address is taken, a process does not start, or one had to be killed.
    """
    with ExitStack() as open_:
        scim = tuple(map(open_.enter_context, scim or place.bound(loaded.listen)))
        posts = [Post(index, scim, _ops(loaded, index, open_)) for index in range(number)]
        uvloop.run(_Parent(posts, loaded, log=log).run(open_))


def _ops(loaded: Settings, index: int, open_: ExitStack) -> tuple[socket.socket, ...]:
    found = place.bound(ops_address(loaded.ops_listen, index))
    return tuple(map(open_.enter_context, found))


def ops_address(first: Address, index: int) -> Address:
    """Where the operators' listener of a process is: ports in a row; port 0 takes any free one.

    Raises Failure: USAGE, when there is no such port.
    """
    port = first.port + index if first.port else 0
    if port > 0xFFFF:
        raise Failure(ExitCode.USAGE, f"process {index} has no port after {first} to listen on")
    return first._replace(port=port)


class _Parent:
    def __init__(
        self, posts: Sequence[Post], loaded: Settings, *, log: FilteringBoundLogger
    ) -> None:
        end_s = loaded.drain_delay_s + loaded.drain_timeout_s + MARGIN_S
        self._slots = [Slot(each, end_s=end_s, clock=time.monotonic, log=log) for each in posts]
        self._posts = posts
        self._loaded = loaded
        self._log = log
        self._stop = asyncio.Event()
        self._roll = asyncio.Event()

    async def run(self, sockets: ExitStack) -> None:
        """Keep all places held until told to stop; `sockets` is closed when all drain."""
        self._hear_signals()
        self._log.info(
            "processes_started",
            processes=len(self._slots),
            listen=place.shown(self._posts[0].scim, self._loaded.listen),
            ops_listen=[place.shown(each.ops, self._loaded.ops_listen) for each in self._posts],
        )
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(each.keep(self._served)) for each in self._slots]
                tasks.append(group.create_task(self._roll_when_told()))
                await self._stop.wait()
                for task in tasks:
                    task.cancel()
        finally:
            self._log.info("processes_draining")
            sockets.close()  # or clients would wait in a queue that nobody serves any more
            codes = await asyncio.gather(*(each.stop() for each in self._slots))
            self._log.info("processes_stopped")
        if any(code for of_slot in codes for code in of_slot):
            raise Failure(ExitCode.ERROR, "not every process ended in order; see the log")

    def _served(self) -> bool:
        return any(each.served for each in self._slots)

    async def _roll_when_told(self) -> None:
        """Replace all processes at each SIGHUP; several during one round are one more round."""
        while True:
            await self._roll.wait()
            self._roll.clear()
            self._log.info("replacing_processes")
            if await self._replace_all():
                self._log.info("processes_replaced")
            else:
                self._log.error("replacing_given_up")

    async def _replace_all(self) -> bool:
        """Stop at the first successor that never serves: the next would not either."""
        for each in self._slots:
            if not await each.replace():
                return False
        return True

    def _hear_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in STOPPING:
            loop.add_signal_handler(number, self._told_to_stop, number)
        loop.add_signal_handler(signal.SIGHUP, self._roll.set)

    def _told_to_stop(self, number: signal.Signals) -> None:
        if not self._stop.is_set():
            self._stop.set()
            return
        for each in self._slots:
            each.kill()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
