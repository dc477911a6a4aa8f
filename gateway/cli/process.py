"""Runs a server process: uvloop, and signals that stop it gracefully."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import uvloop

Serve = Callable[[asyncio.Event], Awaitable[None]]


def run(serve: Serve) -> None:
    """Run until the first SIGTERM or SIGINT sets the event; the second one ends it at once."""
    uvloop.run(_with_signals(serve))


async def _with_signals(serve: Serve) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)

    def first() -> None:
        stop.set()
        for each in signals:
            loop.remove_signal_handler(each)

    for each in signals:
        loop.add_signal_handler(each, first)
    await serve(stop)
