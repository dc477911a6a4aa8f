"""HTTP as Entra speaks it: no User-Agent, `+` for spaces; paced; each answer kept as a value."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote_plus

import aiohttp
import orjson
import yarl

from clients.bldng.answers import retry_after_s

TIMEOUT_S: Final = 30.0
"""Entra publishes no limit; on-demand provisioning as a whole must end within 30 seconds."""

MAX_DETAIL: Final = 300

REPEATS: Final = 5
"""How often a call that was answered 429 is repeated; Entra does not publish its number."""

LONGEST_WAIT_S: Final = 60.0
DEFAULT_WAIT_S: Final = 1.0
"""Bounds of a Retry-After, and what stands for one that is missing or cannot be read."""

SCIM_JSON: Final = "application/scim+json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status` 0: nothing did, and `error` is the exception that says why.

    `body` is the JSON object of the answer, or empty when it was none. `ended_at_ms`: wall time.
    `retry_after_s` is how long the server asks to wait; `throttled` how often it was asked before.
    """

    status: int
    body: Mapping[str, Any]
    duration_ms: float
    ended_at_ms: int = 0
    content_type: str = ""
    request_id: str = ""
    text: str = ""
    error: BaseException | None = None
    retry_after_s: float = 0.0
    throttled: int = 0

    @property
    def may_have_happened(self) -> bool:
        """Whether a refused call may have had its effect all the same."""
        return self.status == 0 or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def detail(self) -> str:
        """What the provisioning log would show: the server's own words if it has any."""
        if self.error is not None:
            return f"no answer: {type(self.error).__name__} {self.error}"[:MAX_DETAIL]
        return str(self.body.get("detail") or self.text or "no body")[:MAX_DETAIL]


class Pace:
    """Lets calls through evenly, at most `per_s` a second; 0 means as fast as they come."""

    def __init__(self, per_s: float) -> None:
        self._gap_s = 1 / per_s if per_s else 0.0
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for this caller's place in line."""
        loop = asyncio.get_running_loop()
        start = max(self._next, loop.time())
        self._next = start + self._gap_s
        if (wait := start - loop.time()) > 0:
            await asyncio.sleep(wait)


class Transport:
    """One tenant's endpoint, as one provisioning job uses it; `connect` makes one."""

    def __init__(
        self, base: str, session: aiohttp.ClientSession, pace: Pace, *, repeats: int = 0
    ) -> None:
        self._base = base
        self._session = session
        self._pace = pace
        self._repeats = repeats

    async def call(self, method: str, path: str, body: Any = None) -> Answer:
        """Make one call; `path` is appended to the Tenant URL as it is. Never raises for HTTP.

        One that is answered 429 is repeated when the server wants it again.
        """
        answer = await self._call(method, path, body)
        for throttled in range(1, self._repeats + 1):
            if answer.status != HTTPStatus.TOO_MANY_REQUESTS:
                break
            await asyncio.sleep(answer.retry_after_s)
            answer = replace(await self._call(method, path, body), throttled=throttled)
        return answer

    async def _call(self, method: str, path: str, body: Any) -> Answer:
        await self._pace.turn()
        started = time.monotonic()
        try:
            return await self._exchange(method, path, body, started=started)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return Answer(0, {}, _since_ms(started), error=error)

    async def _exchange(self, method: str, path: str, body: Any, *, started: float) -> Answer:
        headers = {} if body is None else {"Content-Type": SCIM_JSON}
        data = None if body is None else orjson.dumps(body)
        url = yarl.URL(self._base + path, encoded=True)
        async with self._session.request(
            method, url, data=data, headers=headers, allow_redirects=False
        ) as response:
            raw = await response.read()
            return Answer(
                status=response.status,
                body=_object(raw),
                duration_ms=_since_ms(started),
                ended_at_ms=time.time_ns() // 1_000_000,
                content_type=response.content_type if raw else "",
                request_id=response.headers.get("X-Request-Id", ""),
                text=raw[:MAX_DETAIL].decode(errors="replace"),
                retry_after_s=_wait_s(response.headers.get("Retry-After", "")),
            )


@asynccontextmanager
async def connect(
    tenant_url: str, token: str, *, connections: int = 10, per_s: float = 0, repeats: int = 0
) -> AsyncIterator[Transport]:
    """Open connections to a Tenant URL and close them afterwards; `per_s` 0 is without limit.

    `repeats` is how often a call that is answered 429 is made again.
    """
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections),
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        headers={"Authorization": f"Bearer {token}"},
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding"),
    ) as session:
        yield Transport(base_url(tenant_url), session, Pace(per_s), repeats=repeats)


def base_url(tenant_url: str) -> str:
    """The Tenant URL without what an administrator may append to it: a slash, a feature flag."""
    return tenant_url.strip().partition("?")[0].rstrip("/")


def matching(attribute: str, value: str) -> str:
    """The query that finds a resource by its matching attribute, in Entra's own encoding."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return "filter=" + quote_plus(f'{attribute} eq "{escaped}"')


def _wait_s(text: str) -> float:
    """How long a Retry-After says to wait, within bounds."""
    asked_s = retry_after_s(text, now_s=time.time_ns() / 1e9)
    return DEFAULT_WAIT_S if asked_s is None else min(asked_s, LONGEST_WAIT_S)


def _object(raw: bytes) -> Mapping[str, Any]:
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _since_ms(started: float) -> float:
    return (time.monotonic() - started) * 1000
