"""A closed-loop HTTP/1.1 load generator for benchmarks: few instructions per request.

Each connection sends its next request as soon as the answer to the last one is complete, so the
number of connections is the concurrency. Only loopback addresses are ever a target.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Requests = Iterator[bytes]


@dataclass(slots=True)
class Tally:
    """What one slice of load saw. `latencies_s` has one entry per answer."""

    statuses: dict[int, int] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)
    elapsed_s: float = 0.0

    @property
    def count(self) -> int:
        """How many answers were complete."""
        return len(self.latencies_s)

    @property
    def rate(self) -> float:
        """Answers per second."""
        return self.count / self.elapsed_s

    def percentile_ms(self, share: float) -> float:
        """The latency below which `share` (0 to 1) of the answers came."""
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


class _Connection(asyncio.Protocol):
    """One keep-alive connection: request, answer, request, until `running()` is false."""

    def __init__(self, requests: Requests, tally: Tally, running: Callable[[], bool]) -> None:
        self._requests, self._tally, self._running = requests, tally, running
        self._clock = asyncio.get_running_loop().time
        self._buffer = b""
        self._sent_at = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._buffer[:head_end]
        end = head_end + 4 + _content_length(head)
        if len(self._buffer) < end:
            return
        self._buffer = self._buffer[end:]
        self._record(int(head[9:12]))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the server closed the connection"))

    def _record(self, status: int) -> None:
        self._tally.latencies_s.append(self._clock() - self._sent_at)
        self._tally.statuses[status] = self._tally.statuses.get(status, 0) + 1
        if self._running():
            self._send()
        else:
            self.done.set_result(None)
            self._transport.close()

    def _send(self) -> None:
        self._sent_at = self._clock()
        self._transport.write(next(self._requests))


def _content_length(head: bytes) -> int:
    start = head.lower().find(b"content-length:")
    if start < 0:
        return 0
    end = head.find(b"\r\n", start)
    return int(head[start + 15 : end if end > 0 else None])


async def run(
    port: int, requests: Requests, *, connections: int, seconds: float, host: str = "127.0.0.1"
) -> Tally:
    """Load the server on the loopback `port` for `seconds`; returns what came back."""
    loop = asyncio.get_running_loop()
    tally = Tally()
    start = loop.time()

    def running() -> bool:
        return loop.time() - start < seconds

    opened = [
        await loop.create_connection(lambda: _Connection(requests, tally, running), host, port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(connection.done for _, connection in opened))
    tally.elapsed_s = loop.time() - start
    return tally


def request(method: str, path: str, *, token: str, body: bytes = b"") -> bytes:
    """The bytes of one request as Entra sends it: no User-Agent, charset in the content type."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {token}"]
    if body:
        lines += [
            "Content-Type: application/scim+json; charset=utf-8",
            f"Content-Length: {len(body)}",
        ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
