"""The public listener: requests that are not even HTTP, and how it is closed without losing one.

The former never reach the application. aiohttp would answer them itself, as text and with its
version in the Server header; here they get a SCIM error with a reference like everybody else.

aiohttp's own end marks all connections as closing first, and reads nothing from them any more: a
body that is still on its way never arrives, and so does the first request of a connection that was
just accepted. So a listener is closed here in another order: every answer says `Connection: close`
from the moment the process drains, the listener closes when load balancers had time to notice, and
`in_hand_finished` waits for whatever was begun. Only then is aiohttp told; what it closes is idle.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from aiohttp import web

from gateway.scim.call import SERVICES, Facts, Services
from gateway.scim.edge import failed, finish

MAX_LINE_BYTES: Final = 16 * 1024
"""Longest request line or header; a filter may have half of it."""

BACKLOG: Final = 1024
"""Connections that may wait to be accepted; the kernel's `somaxconn` bounds it too."""

FIRST_REQUEST_S: Final = 1.0
"""How long a new connection is given for its first request when the process drains."""

POLL_S: Final = 0.01


class Protocol(web.RequestHandler):
    """One connection of a client."""

    __slots__ = ("_clock", "_half_heard", "_made_s", "_services")

    def __init__(self, server: web.Server, services: Services) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # it would print whole query strings
            max_line_size=MAX_LINE_BYTES,
            max_field_size=MAX_LINE_BYTES,
        )
        self._services = services
        self._clock = loop.time
        self._made_s = 0.0
        self._half_heard = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note since when the connection stands."""
        self._made_s = self._clock()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Note whether a request has begun whose head is not complete yet."""
        super().data_received(data)
        self._half_heard = self._waits()

    def has_in_hand(self) -> bool:
        """Whether a request is being served or received, or must be expected on a new connection.

        A connection that was kept after an answer and says nothing has none.
        """
        if not self._waits() or self._half_heard:
            return True
        return self._request_count == 0 and self._clock() - self._made_s < FIRST_REQUEST_S

    def _waits(self) -> bool:
        """Whether aiohttp waits for the next complete head on this connection."""
        return self._waiter is not None and not self._waiter.done()

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
async def listening(
    runner: web.AppRunner, host: str, port: int, *, sockets: Sequence[socket.socket] = ()
) -> AsyncIterator[int]:
    """Serve the SCIM application of a runner that is set up; gives the port.

    `sockets` that are bound already are taken instead of host and port.
    """
    if runner.server is None:
        raise RuntimeError("the runner is not set up")
    protocol = partial(Protocol, runner.server, runner.app[SERVICES])
    create = partial(asyncio.get_running_loop().create_server, protocol, backlog=BACKLOG)
    listeners = [await create(sock=each) for each in sockets]
    if not sockets:
        listeners.append(await create(host, port))
    try:
        yield int(listeners[0].sockets[0].getsockname()[1])
    finally:
        for each in listeners:
            each.close()


async def in_hand_finished(server: web.Server, *, within_s: float) -> bool:
    """Wait for the requests in hand of a listener that is closed; False when time was up."""
    try:
        async with asyncio.timeout(within_s):
            while True:
                if not any(_has_in_hand(each) for each in server.connections):
                    return True
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        return False


def _has_in_hand(connection: web.RequestHandler) -> bool:
    return isinstance(connection, Protocol) and connection.has_in_hand()
