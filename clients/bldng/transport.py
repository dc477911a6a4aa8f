"""One HTTP exchange with BLDNG: send, read within limits, judge.

A call is tried plainly first. Only after a failure does tenacity repeat it, while RETRY_WITHIN_S
has not passed and never beyond the call's own timeout: reads after any lost connection, everything
else only when nothing was sent.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
import orjson
import tenacity
from pydantic import BaseModel

from clients.bldng import answers, calls, errors

TIMEOUT_S = 10.0
"""Total timeout of a call, in seconds; a worker's lease lasts longer than this."""
CONNECT_TIMEOUT_S = 3.0
"""Longest wait for a connection, in seconds. Shorter than any total: a total means it was sent."""
BODY_MAX = 1_000_000
"""Most bytes read of an answer."""
RETRY_WITHIN_S = 1.0
"""A call is repeated only while less than this has passed since it began, in seconds."""
RETRIES_MAX = 2
"""Most repeats inside one call."""

Observer = Callable[[str, str, float], None]
"""Told of each request: operation, status code or error name, seconds."""
Toll = Callable[[float], Awaitable[None]]
"""Awaited before each request, for so many seconds at most; raises Unbudgeted."""
RecordT = TypeVar("RecordT", bound=BaseModel)
ResultT = TypeVar("ResultT")


def ignore(operation: str, code: str, duration_s: float) -> None:
    """Observe nothing."""


async def free(within_s: float) -> None:
    """Every request may be made at once."""


def wall_clock_s() -> float:
    """Unix time in seconds; reads HTTP dates in Retry-After."""
    return time.time_ns() / 1e9


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a call may take, in seconds."""

    total_s: float = TIMEOUT_S
    connect_s: float = CONNECT_TIMEOUT_S


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx, read whole."""

    status: int
    body: bytes


class Transport:
    """Sends calls over one aiohttp session."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        token_of: Callable[[str], str],
        *,
        limits: Limits,
        observer: Observer,
        toll: Toll,
        now_s: Callable[[], float],
    ) -> None:
        self._session = session
        self._base_url = base_url
        self._token_of = token_of
        self._limits = limits
        self._observer = observer
        self._toll = toll
        self._now_s = now_s

    async def record(
        self, call: calls.Call, model: type[RecordT], *, expected_id: str = ""
    ) -> RecordT:
        """Make the call and read its record. Raises `errors.BldngError`."""

        def read(answer: Answer) -> RecordT:
            return answers.record(answer.body, model, expected_id=expected_id)

        return await self._send(call, read)

    async def done(self, call: calls.Call) -> None:
        """Make a call whose success has no body worth reading. Raises `errors.BldngError`."""
        await self._send(call, lambda _answer: None)

    async def _send(self, call: calls.Call, read: Callable[[Answer], ResultT]) -> ResultT:
        began_s = time.monotonic()
        total_s = call.timeout_s or self._limits.total_s
        try:
            return await self._once(call, read, total_s)
        except errors.BldngError as error:
            if time.monotonic() - began_s >= RETRY_WITHIN_S or not _may_repeat(call, error):
                raise
        return await self._again(call, read, began_s + total_s)

    async def _again(
        self, call: calls.Call, read: Callable[[Answer], ResultT], deadline_s: float
    ) -> ResultT:
        """Repeat a call that failed early; the last error is the caller's."""

        async def once() -> ResultT:
            return await self._once(call, read, max(0.1, deadline_s - time.monotonic()))

        attempts = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(RETRIES_MAX)
            | tenacity.stop_after_delay(RETRY_WITHIN_S),
            wait=tenacity.wait_random(0.1, 0.3),
            retry=tenacity.retry_if_exception(lambda error: _may_repeat(call, error)),
            reraise=True,
        )
        return await attempts(once)

    async def _once(
        self, call: calls.Call, read: Callable[[Answer], ResultT], total_s: float
    ) -> ResultT:
        deadline_s = time.monotonic() + total_s
        await self._toll(total_s / 2)  # within the call's time: a lease allowed no more
        began_s = time.monotonic()
        code = "cancelled"
        try:
            answer = await self._exchange(call, deadline_s - began_s)
            code = str(answer.status)
            return read(answer)
        except errors.BldngError as error:
            code = error.code
            raise
        finally:
            self._observer(call.operation, code, time.monotonic() - began_s)

    async def _exchange(self, call: calls.Call, total_s: float) -> Answer:
        """Send and read, both under one timeout; the body is judged by `read` later."""
        try:
            async with self._session.request(
                call.method,
                call.url(self._base_url),
                data=None if call.body is None else orjson.dumps(call.body),
                headers=call.headers(self._token_of(call.org) if call.org else ""),
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=total_s, connect=min(self._limits.connect_s, total_s / 2)
                ),
            ) as response:
                return await self._read(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise named(error) from error

    async def _read(self, response: aiohttp.ClientResponse) -> Answer:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > BODY_MAX:
                response.close()
                break
        failed = answers.failure(
            response.status, response.headers, bytes(body[:BODY_MAX]), now_s=self._now_s()
        )
        if failed is not None:
            raise failed
        if len(body) > BODY_MAX:
            raise errors.ProtocolError("too_large")
        return Answer(response.status, bytes(body))


def _may_repeat(call: calls.Call, error: BaseException) -> bool:
    """Reads may be repeated after a lost connection, writes only when nothing was sent."""
    lost = isinstance(error, errors.Unanswered) and call.method == "GET"
    return lost or isinstance(error, errors.NotSent)


_NAMES: tuple[tuple[type[Exception], Callable[[], errors.BldngError]], ...] = (
    (aiohttp.ClientConnectorCertificateError, errors.CertificateInvalid),
    (aiohttp.ClientConnectorDNSError, lambda: errors.NotSent("dns")),
    (aiohttp.ClientConnectorSSLError, lambda: errors.NotSent("tls")),
    (aiohttp.ClientConnectorError, lambda: errors.NotSent("refused")),
    (aiohttp.ConnectionTimeoutError, lambda: errors.NotSent("connect_timeout")),
    (TimeoutError, lambda: errors.Unanswered("timeout")),
    (aiohttp.ClientPayloadError, lambda: errors.Unanswered("truncated")),
    (aiohttp.ClientResponseError, lambda: errors.ProtocolError("not_http")),
)
"""What a failure of the connection is called; the first match counts, so subclasses come first."""


def named(error: Exception) -> errors.BldngError:
    """The failure of a connection in our words; what nobody lists was lost on the way."""
    found = (name() for kind, name in _NAMES if isinstance(error, kind))
    return next(found, errors.Unanswered("disconnected"))
