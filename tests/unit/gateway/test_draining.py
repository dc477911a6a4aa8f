"""What is on its way when a gateway stops: nothing that was begun is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest
from aiohttp import ClientSession

from clients.redis.stack import open_stack
from clients.redis.types import Token
from gateway import tokens
from tests.chaos.scene import person
from tests.support.waiting import eventually
from tests.unit.gateway.test_app import Process, started


class Connection:
    """A client that decides when each byte leaves."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, part: bytes) -> None:
        self.writer.write(part)
        await self.writer.drain()

    async def answer(self) -> tuple[int, str]:
        """Status and `Connection` header of the next answer; its body is read."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        pairs = (line.partition(": ") for line in head[1:] if line)
        headers = {name.lower(): value for name, _, value in pairs}
        await self.reader.readexactly(int(headers["content-length"]))
        return int(head[0].split()[1]), headers.get("connection", "")

    async def is_ended(self) -> bool:
        return await self.reader.read() == b""


class Client:
    """Opens connections to a process and knows how to write a request."""

    def __init__(self, process: Process, token: str) -> None:
        self.process = process
        self._token = token
        self._writers: list[asyncio.StreamWriter] = []

    async def connect(self) -> Connection:
        host, port = self.process.settings.listen
        reader, writer = await asyncio.open_connection(host, port)
        self._writers.append(writer)
        return Connection(reader, writer)

    def request(self, name: str) -> bytes:
        """A create of a person."""
        body = orjson.dumps(person(name))
        head = (
            "POST /scim/v2/acme/Users HTTP/1.1",
            "Host: scim.example.com",
            f"Authorization: Bearer {self._token}",
            "Content-Type: application/scim+json",
            f"Content-Length: {len(body)}",
        )
        return "\r\n".join([*head, "", ""]).encode() + body

    def close(self) -> None:
        for writer in self._writers:
            writer.close()


@asynccontextmanager
async def serving(redis_url: str, **environ: str) -> AsyncIterator[Client]:
    """A ready process with a tenant."""
    async with (
        open_stack(redis_url, install=True) as stack,
        started(redis_url, **environ) as process,
    ):
        await process.until(200)
        secret = tokens.make(bytes(tokens.ENTROPY_BYTES))
        await stack.tenants.create("acme", org="acme", now_ms=0)
        await stack.tenants.add_token(Token(secret.key_id, "acme", secret.digest, created_ms=0))
        client = Client(process, secret.text)
        try:
            yield client
        finally:
            client.close()


async def stopped_listening(process: Process) -> None:
    """Tell a process to stop, and wait until it takes no new connection."""
    process.stop.set()

    async def refused() -> bool:
        async with ClientSession() as http:
            fresh = Process(process.settings, http)
            return await fresh.is_closed()

    await eventually(refused)


async def test_a_kept_connection_is_served_once_more_and_told_to_end(redis_url: str) -> None:
    async with serving(redis_url, DRAIN_DELAY_S="5") as client:
        kept = await client.connect()
        await kept.send(client.request("first"))
        assert await kept.answer() == (201, "")
        client.process.stop.set()
        await client.process.until(503, "draining")
        await kept.send(client.request("second"))
        assert await kept.answer() == (201, "close")
        assert await kept.is_ended()
        late = await client.connect()
        await late.send(client.request("third"))
        assert await late.answer() == (201, "close")


async def test_an_idle_connection_is_closed_when_the_delay_is_over(redis_url: str) -> None:
    async with serving(redis_url, DRAIN_DELAY_S="0.3") as client:
        kept = await client.connect()
        await kept.send(client.request("first"))
        assert await kept.answer() == (201, "")
        client.process.stop.set()
        assert await kept.is_ended()
        await eventually(lambda: not client.process.running)


@pytest.mark.parametrize("sent", ["half of the head", "half of the body"])
async def test_a_request_that_is_half_here_is_served(sent: str, redis_url: str) -> None:
    async with serving(redis_url) as client:
        request = client.request("joy")
        head = request.index(b"\r\n\r\n")
        half = head // 2 if sent == "half of the head" else (head + len(request)) // 2
        slow = await client.connect()
        await slow.send(request[:half])
        await stopped_listening(client.process)
        await slow.send(request[half:])
        assert await slow.answer() == (201, "close")
        assert await slow.is_ended()


async def test_a_new_connection_may_send_its_first_request(redis_url: str) -> None:
    async with serving(redis_url) as client:
        fresh = await client.connect()
        await stopped_listening(client.process)
        await fresh.send(client.request("joy"))
        assert await fresh.answer() == (201, "close")


async def test_a_half_sent_request_does_not_hold_a_process_up_for_ever(redis_url: str) -> None:
    async with serving(redis_url, DRAIN_TIMEOUT_S="0.2") as client:
        slow = await client.connect()
        await slow.send(client.request("joy")[:40])
        await stopped_listening(client.process)
        await eventually(lambda: not client.process.running, within_s=10)
        assert "requests_cut_off" in client.process.events()
        assert await slow.is_ended()
