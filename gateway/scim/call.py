"""What a handler is given: the process' parts, the request, and the facts it will be logged by."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from aiohttp import web
from structlog.typing import FilteringBoundLogger

from clients.redis.durability import Durability
from clients.redis.members import Members
from clients.redis.store import Store
from clients.redis.types import Tenant
from clients.telemetry import Metrics
from gateway.scim import preferences, routing
from gateway.scim.admission import Admission
from gateway.scim.auth import Authenticator
from gateway.scim.meters import Meters
from gateway.scim.room import Room
from gateway.scim.turns import Turns
from mappers.scim import errors
from mappers.tolerance import tolerance

IGNORED_LOGGED: Final = 10
"""Names of ignored attributes that a log line holds."""

_NAME: Final = re.compile(r"[A-Za-z0-9:._$-]{1,100}")

BODY_TYPES: Final = frozenset({"", "application/scim+json", "application/json"})
"""Accepted media types of a body; one without a Content-Type is read as JSON too."""

SCAN_LIMIT: Final = 10_000
"""Looking at so many resources takes some 100 ms; an index takes one."""


LISTED_MEMBERS_LIMIT: Final = 1_000_000
"""Showing so many members takes some 50 MB."""


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the process that handlers use.

    `probe` asks Redis whether it is there and safe, and how full; it raises RedisUnavailable or
    UnsafeRedis.
    `public_url` is what customers reach us by; a body may have `body_limit_bytes`. `now_ms` and
    the two after it are clock and dice.
    `scan_limit` bounds how many resources a filter without an index may look at, and
    `listed_members_limit` how many members the groups of one list may show together.
    `draining` is set when the process is about to stop: each answer then ends its connection.
    """

    store: Store
    members: Members
    authenticator: Authenticator
    admission: Admission
    room: Room
    metrics: Metrics
    meters: Meters
    log: FilteringBoundLogger
    probe: Callable[[], Awaitable[Durability]]
    public_url: str
    body_limit_bytes: int
    now_ms: Callable[[], int]
    new_id: Callable[[], str]
    new_request_id: Callable[[], str]
    scan_limit: int = SCAN_LIMIT
    listed_members_limit: int = LISTED_MEMBERS_LIMIT
    turns: Turns = field(default_factory=Turns)
    draining: asyncio.Event = field(default_factory=asyncio.Event)

    def base_url(self, tenant: str) -> str:
        """The Tenant URL."""
        return "/".join((self.public_url, *routing.BASE, tenant))


class Asked(Protocol):
    """What a handler may know of its request: one over HTTP, or an operation of a bulk."""

    @property
    def headers(self) -> Mapping[str, str]:
        """By name in any case."""

    @property
    def query(self) -> Mapping[str, str]:
        """The query parameters."""

    @property
    def query_string(self) -> str:
        """The same as text; empty when there are none."""

    async def read(self) -> bytes:
        """The body."""


@dataclass(slots=True)
class Facts:
    """What is learned about a request on its way, for its one log line. No personal values.

    `result` of a write is applied or noop; `noted` are further fields of the line.
    """

    request_id: str
    route: str = "unmatched"
    tenant: str | None = None
    result: str = ""
    noted: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request of an endpoint; `item` is the id in its path."""

    services: Services
    request: Asked
    facts: Facts
    tenant: Tenant
    item: str

    @property
    def base_url(self) -> str:
        """The Tenant URL of this request's tenant."""
        return self.services.base_url(self.tenant.name)

    @property
    def strict(self) -> bool:
        """Whether the client asks for the letter of the RFC."""
        return preferences.strict(self.request.headers)

    def now_iso(self) -> str:
        """Now, as `meta.lastModified` shows it: UTC with milliseconds."""
        now = datetime.fromtimestamp(self.services.now_ms() / 1000, UTC)
        return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def note_ignored(self, names: Sequence[str]) -> None:
        """Count and log attributes that no schema has; a client's own text is not repeated."""
        if names:
            self.services.metrics.ignored_attributes.inc(len(names))
            self.facts.noted["ignored"] = [_safe(name) for name in names[:IGNORED_LOGGED]]

    @tolerance(
        seen="azure-docs #12728, better-auth #6365",
        test="entra/test_edge.py::test_bodies_as_clients_declare_them",
    )
    async def body(self) -> bytes:
        """A body may be declared as application/json, with parameters, or not at all.

        Raises UnsupportedMediaType, and what aiohttp raises at reading.
        """
        media_type = self.request.headers.get("Content-Type", "").partition(";")[0]
        if media_type.strip().lower() not in BODY_TYPES:
            raise errors.UnsupportedMediaType
        return await self.request.read()


def _safe(name: str) -> str:
    """An attribute name fit for a log line: one that could hold a person's data is masked."""
    return name if _NAME.fullmatch(name) else "?"


SERVICES: Final = web.AppKey("services", Services)
FACTS: Final = web.RequestKey("facts", Facts)
