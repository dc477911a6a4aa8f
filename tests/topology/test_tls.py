"""TLS to Redis: the authority, the host name and the client's certificate are verified.

The server under test may have been built without TLS, so a small proxy in front of it speaks it.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from clients.redis import types
from clients.redis.server import Address, Server, Tls
from clients.redis.stack import open_stack
from gateway import settings
from tests.chaos.scene import Entra
from tests.support import redis as servers
from tests.support.certificates import Authority, Pair
from tests.support.stack import around


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def theirs(authority: Authority) -> Pair:
    """The certificate of Redis."""
    return authority.issue("redis", alternative="IP:127.0.0.1")


@pytest.fixture(scope="module")
def ours(authority: Authority) -> Pair:
    """The certificate of the gateway."""
    return authority.issue("gateway")


@asynccontextmanager
async def terminating(
    port: int, pair: Pair, *, clients: Authority | None = None
) -> AsyncIterator[int]:
    """The port where TLS leads to a plain `port`; `clients` signs who may come."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients.ca)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(_pump(reader, forth), _pump(back, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


def at(port: int, tls: Tls, host: str = "127.0.0.1") -> Server:
    return Server(Address(host, port), tls=tls)


async def opened(server: Server) -> None:
    async with open_stack(server, install=True) as stack:
        await stack.tenants.list()


async def test_the_right_authority_is_enough(
    redis_url: str, authority: Authority, theirs: Pair
) -> None:
    async with terminating(port_of(redis_url), theirs) as port:
        await opened(at(port, Tls(ca=str(authority.ca))))


async def test_a_wrong_authority_is_refused(redis_url: str, theirs: Pair, tmp_path: Path) -> None:
    other = Authority(tmp_path)
    async with terminating(port_of(redis_url), theirs) as port:
        for tls in (Tls(ca=str(other.ca)), Tls()):
            with pytest.raises(types.RedisUnavailable, match=r"TLS failed, its certificate is"):
                await opened(at(port, tls))


async def test_a_certificate_for_another_host_is_refused(
    redis_url: str, authority: Authority
) -> None:
    elsewhere = authority.issue("elsewhere", alternative="DNS:elsewhere.example.com")
    async with terminating(port_of(redis_url), elsewhere) as port:
        with pytest.raises(types.RedisUnavailable, match=r"IP address mismatch|not valid for"):
            await opened(at(port, Tls(ca=str(authority.ca))))


async def test_a_client_certificate_is_sent_and_missed(
    redis_url: str, authority: Authority, theirs: Pair, ours: Pair
) -> None:
    ca = str(authority.ca)
    async with terminating(port_of(redis_url), theirs, clients=authority) as port:
        await opened(at(port, Tls(ca, str(ours.certificate), str(ours.key))))
        with pytest.raises(types.RedisUnavailable, match="Redis cannot be reached"):
            await opened(at(port, Tls(ca)))


async def test_a_life_over_tls(tmp_path: Path, authority: Authority, theirs: Pair) -> None:
    with servers.server(tmp_path / "redis") as redis:
        async with terminating(redis.port, theirs) as port:
            reach = {
                "BLDNG_SCIM_REDIS_URL": f"rediss://127.0.0.1:{port}",
                "BLDNG_SCIM_REDIS_TLS_CA": str(authority.ca),
            }
            async with around(tmp_path, redis, reach) as stack:
                await stack.start_gateway()
                await stack.start_worker()
                entra = Entra(stack)
                await entra.create("joy")
                await entra.check()


def port_of(url: str) -> int:
    server = settings.load({"BLDNG_SCIM_REDIS_URL": url}).redis_server()
    assert server.address is not None
    return server.address.port
