"""The public listener, and requests that are not even HTTP.

Those never reach the application. aiohttp would answer them itself, as text and with its version
in the Server header; here they get a SCIM error with a reference like everybody else.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from aiohttp import web

from gateway.scim.call import SERVICES, Facts, Services
from gateway.scim.edge import failed, finish

MAX_LINE_BYTES: Final = 16 * 1024
"""Longest request line or header; a filter may have half of it."""


class Protocol(web.RequestHandler):
    """One connection of a client."""

    __slots__ = ("_services",)

    def __init__(self, server: web.Server, services: Services) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # it would print whole query strings
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
        )
        self._services = services

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The SCIM error for what could not be read, or for a fault outside the application."""
        facts = Facts(self._services.new_request_id())
        response = failed(self._services, facts, exc)
        finish(self._services, facts, response, method="other", duration_s=0)
        response.force_close()
        return response


@asynccontextmanager
async def listening(runner: web.AppRunner, host: str, port: int) -> AsyncIterator[int]:
    """Serve the SCIM application of a runner that is set up; gives the port."""
    if runner.server is None:
        raise RuntimeError("the runner is not set up")
    protocol = partial(Protocol, runner.server, runner.app[SERVICES])
    listener = await asyncio.get_running_loop().create_server(protocol, host, port)
    try:
        yield int(listener.sockets[0].getsockname()[1])
    finally:
        listener.close()
