"""Runs a server process: uvloop, and signals that stop it gracefully."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import uvloop

Serve = Callable[[asyncio.Event], Awaitable[None]]


def run(serve: Serve) -> None:
    """Run until the first SIGTERM or SIGINT sets the event; the second one ends it at once."""
    uvloop.run(_with_signals(serve))


def run_led(serve: Serve) -> None:
    """Run a process that a parent leads. The first SIGTERM sets the event; no signal hurries it.

    A service manager may signal a whole group, so that one order arrives twice: by itself and
    through the parent. What is meant for the parent (SIGINT, SIGHUP) does nothing here.
    """
    uvloop.run(_led(serve))


async def _led(serve: Serve) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    await serve(stop)


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
