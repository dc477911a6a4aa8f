"""Composes the sandbox and serves it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from clients.bldng.sandbox import admin, context, guards, persistence, routes
from clients.bldng.sandbox.faults import Faults
from clients.bldng.sandbox.state import State

SHUTDOWN_S = 1.0
"""How long a request in progress may still take when the server stops, in seconds."""


def wall_clock_ms() -> int:
    """Unix time in milliseconds."""
    return time.time_ns() // 1_000_000


def make_app(state: State, faults: Faults) -> web.Application:
    """The contract under `/internal/v1`, the sandbox's own API under `/_sandbox`."""
    app = web.Application(middlewares=guards.ALL)
    app[context.STATE] = state
    app[context.FAULTS] = faults
    app[context.CLOSING] = asyncio.Event()
    app.add_routes([*routes.table(), *admin.table()])
    app.on_shutdown.append(_close)
    return app


@asynccontextmanager
async def serve(app: web.Application, *, host: str, port: int) -> AsyncIterator[str]:
    """Serve while the block runs; gives the base URL. Port 0 takes a free one."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound = runner.addresses[0][1]
        yield f"http://{host}:{bound}{context.BASE}"
    finally:
        await runner.cleanup()


async def run(
    *,
    host: str,
    port: int,
    token: str,
    stop: asyncio.Event,
    state_file: Path | None = None,
    orgs: Collection[str] | None = None,
    seed: int = 0,
    started: Callable[[str], None] = lambda _base_url: None,
) -> None:
    """Serve until `stop`; `started` gets the base URL. The state survives in `state_file`.

    `orgs` are the organisations there are; None makes each on demand. Raises OSError when the
    address is taken and ValueError for a file that is no state.
    """
    state = State(token=token, now_ms=wall_clock_ms, orgs=orgs)
    if state_file is not None:
        persistence.load(state, state_file)
    async with (
        serve(make_app(state, Faults(seed)), host=host, port=port) as base_url,
        asyncio.TaskGroup() as group,
    ):
        started(base_url)
        group.create_task(stop.wait())
        if state_file is not None:
            group.create_task(persistence.keep(state, state_file, stop))


async def _close(app: web.Application) -> None:
    app[context.CLOSING].set()
