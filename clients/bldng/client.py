"""The BLDNG client: one method per row of the contract, over one shared session.

async with client.connect(base_url=..., token=...) as bldng:
    user = await bldng.users.create("acme", fields={...}, idempotency_key=..., request_id=...)
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp

from clients.bldng import calls, transport
from clients.bldng.departments import Departments
from clients.bldng.groups import Groups
from clients.bldng.users import Users

CONNECTIONS_MAX = 256
"""Most connections open to BLDNG at once; each worker slot uses at most one."""


class Bldng:
    """The BLDNG dashboard.

    Raises only `clients.bldng.errors.BldngError`, and ValueError for an organisation or id that
    cannot be a path segment.
    """

    def __init__(self, wire: transport.Transport) -> None:
        self._wire = wire
        self.users = Users(wire)
        self.departments = Departments(wire)
        self.groups = Groups(wire)

    async def health(self) -> None:
        """GET /health; returns when BLDNG says it is well."""
        await self._wire.record(calls.Call("health", "GET", ("health",)), calls.Health)


@asynccontextmanager
async def connect(
    *,
    base_url: str,
    token: str | Callable[[str], str],
    timeout_s: float = transport.TIMEOUT_S,
    connect_timeout_s: float = transport.CONNECT_TIMEOUT_S,
    observer: transport.Observer = transport.ignore,
    toll: transport.Toll = transport.free,
    now_s: Callable[[], float] = transport.wall_clock_s,
) -> AsyncIterator[Bldng]:
    """Open a session with BLDNG and close it afterwards.

    `base_url` ends in the API's version, such as `https://dashboard.example.com/internal/v1`.
    `token` is the service token, or a function from an organisation to its token, asked for each
    request.
    `observer(operation, code, seconds)` is told of each request made; `toll` is awaited before it.
    Timeouts are in seconds.
    Raises ValueError for an unusable base URL.
    """
    limits = transport.Limits(total_s=timeout_s, connect_s=connect_timeout_s)
    bearer = token if callable(token) else lambda _org: token
    base = calls.base_url(base_url)
    connector = aiohttp.TCPConnector(limit=CONNECTIONS_MAX)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), raise_for_status=False
    ) as session:
        yield Bldng(
            transport.Transport(
                session, base, bearer, limits=limits, observer=observer, toll=toll, now_s=now_s
            )
        )
