"""The client against a backend that misbehaves, over real HTTP."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp.client_reqrep
import aiohttp.web
import pytest

from clients.bldng import client, errors, transport
from clients.bldng.client import Bldng
from clients.bldng.sandbox import app
from mappers.bldng.vocabulary import User
from tests.support.sandbox import ORG, Sandbox

CREATE = {"idempotency_key": "k", "request_id": "r"}


@pytest.fixture
async def user(bldng: Bldng) -> User:
    return await bldng.users.create(ORG, fields={"username": "ada"}, **CREATE)


async def failure(call: Any) -> errors.BldngError:
    with pytest.raises(errors.BldngError) as caught:
        await call
    return caught.value


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"action": "reset"}, (errors.Unanswered, "disconnected")),
        ({"action": "reset", "when": "after"}, (errors.Unanswered, "disconnected")),
        ({"action": "hang"}, (errors.Unanswered, "timeout")),
        ({"action": "hang", "when": "after"}, (errors.Unanswered, "timeout")),
        ({"action": "trickle"}, (errors.Unanswered, "timeout")),
        ({"action": "body", "body": "truncated"}, (errors.Unanswered, "truncated")),
        ({"action": "body", "body": "html"}, (errors.ProtocolError, "not_json")),
        ({"action": "body", "body": "empty"}, (errors.ProtocolError, "no_body")),
        ({"action": "body", "body": "wrong_id"}, (errors.ProtocolError, "wrong_id")),
        ({"action": "body", "body": "huge"}, (errors.ProtocolError, "too_large")),
    ],
)
async def test_a_patch_that_goes_wrong_is_sent_once_and_named(
    sandbox: Sandbox, bldng: Bldng, user: User, fault: dict[str, Any], expected: tuple[type, str]
) -> None:
    sandbox.order(**fault)
    patch = bldng.users.patch(ORG, user.id, fields={"mobile": "1"}, request_id="r")
    error = await failure(patch)
    assert (type(error), getattr(error, "reason", "")) == expected
    assert error.sent
    assert sandbox.faults.ordered
    sandbox.faults.clear()
    await bldng.health()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_never_followed(status: int) -> None:
    asked: list[str] = []

    async def elsewhere(request: aiohttp.web.Request) -> aiohttp.web.Response:
        asked.append(request.path)
        return aiohttp.web.Response(status=status, headers={"Location": "/internal/v1/health"})

    async with served(elsewhere) as bldng:
        error = await failure(bldng.users.get(ORG, "usr_1", request_id="r"))
    assert type(error) is errors.Redirected
    assert asked == [f"/internal/v1/orgs/{ORG}/users/usr_1"]


async def test_an_endless_body_is_cut_by_size_not_by_time() -> None:
    async def endless(request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        response = aiohttp.web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b" " * 65_536)
        return response

    async with served(endless) as bldng:
        patch = bldng.users.patch(ORG, "usr_1", fields={}, request_id="r")
        error = await failure(patch)
    assert isinstance(error, errors.ProtocolError)
    assert error.reason == "too_large"


async def test_reading_is_repeated_after_a_lost_connection(
    sandbox: Sandbox, bldng: Bldng, user: User
) -> None:
    sandbox.order(action="reset", times=2)
    assert await bldng.users.get(ORG, user.id, request_id="r") == user
    assert [row.status for row in sandbox.calls("GET")] == [0, 0, 200]


async def test_reading_is_not_repeated_for_ever(
    sandbox: Sandbox, bldng: Bldng, user: User
) -> None:
    sandbox.order(action="reset")
    error = await failure(bldng.users.get(ORG, user.id, request_id="r"))
    assert type(error) is errors.Unanswered
    # aiohttp itself may repeat a GET once when a kept-alive connection turns out to be closed
    assert len(sandbox.calls("GET")) <= 2 * (1 + transport.RETRIES_MAX)


async def test_a_read_that_hangs_ends_with_the_total_timeout(
    sandbox: Sandbox, bldng: Bldng, user: User
) -> None:
    sandbox.order(action="hang", times=9)
    began_s = time.monotonic()
    error = await failure(bldng.users.get(ORG, user.id, request_id="r"))
    assert type(error) is errors.Unanswered
    assert time.monotonic() - began_s < 1.9
    assert sandbox.faults.ordered[0].times == 8


@pytest.mark.parametrize("method", ["create", "patch", "batch"])
async def test_a_write_is_not_repeated_once_it_was_sent(
    sandbox: Sandbox, bldng: Bldng, user: User, method: str
) -> None:
    group = await bldng.groups.create(
        ORG, fields={"name": "g"}, **CREATE | {"idempotency_key": "g"}
    )
    before = len(sandbox.log)
    sandbox.order(action="reset", when="after")
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "create": lambda: bldng.users.create(
            ORG, fields={"username": "b"}, idempotency_key="b", request_id="r"
        ),
        "patch": lambda: bldng.users.patch(ORG, user.id, fields={"mobile": "1"}, request_id="r"),
        "batch": lambda: bldng.groups.change_members(ORG, group.id, add=[user.id], request_id="r"),
    }
    error = await failure(calls[method]())
    assert error.sent
    assert len(sandbox.log) == before + 1


async def test_a_lookup_that_was_not_filtered_is_refused(sandbox: Sandbox, user: User) -> None:
    """A backend that ignores the query must not make us adopt a stranger."""

    async def everybody(request: aiohttp.web.Request) -> aiohttp.web.Response:
        page = {"items": [user.model_dump(by_alias=True)], "nextCursor": None}
        return aiohttp.web.json_response(page)

    async with served(everybody) as bldng:
        for call in (
            bldng.users.find_by_subject(ORG, "somebody", request_id="r"),
            bldng.users.find_by_username(ORG, "somebody", request_id="r"),
        ):
            assert type(await failure(call)) is errors.ProtocolError


async def test_no_http_at_all_is_a_protocol_error() -> None:
    async def chatter(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(chatter, "127.0.0.1", 0)
    async with server, connected(server.sockets[0].getsockname()[1]) as bldng:
        error = await failure(bldng.users.patch(ORG, "usr_1", fields={}, request_id="r"))
    assert type(error) is errors.ProtocolError


async def test_refused_is_not_sent() -> None:
    async with connected(free_port()) as bldng:
        error = await failure(bldng.users.create(ORG, fields={"username": "a"}, **CREATE))
    assert isinstance(error, errors.NotSent)
    assert (error.reason, error.sent, error.code) == ("refused", False, "not_sent")


async def test_a_name_that_does_not_resolve_is_not_sent() -> None:
    async with client.connect(base_url="http://no-such-host.invalid/v1", token="t") as bldng:
        error = await failure(bldng.users.create(ORG, fields={"username": "a"}, **CREATE))
    assert isinstance(error, errors.NotSent)
    assert error.reason == "dns"


async def test_a_connection_that_never_opens_is_not_sent() -> None:
    with socket.socket() as listener, socket.socket() as filler:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        filler.connect(listener.getsockname())
        with socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(listener.getsockname())
            async with connected(listener.getsockname()[1]) as bldng:
                error = await failure(bldng.users.create(ORG, fields={"username": "a"}, **CREATE))
    assert isinstance(error, errors.NotSent)
    assert error.reason == "connect_timeout"


async def test_plain_http_where_tls_is_expected_is_not_sent(sandbox: Sandbox) -> None:
    url = sandbox.base_url.replace("http://", "https://")
    async with client.connect(base_url=url, token="t") as bldng:
        error = await failure(bldng.users.create(ORG, fields={"username": "a"}, **CREATE))
    assert isinstance(error, errors.NotSent)
    assert error.reason == "tls"


async def test_sent_once_the_server_is_there_again(sandbox: Sandbox) -> None:
    """A create that never left is repeated inside the same call."""
    seen: list[str] = []
    failed = asyncio.Event()
    port = free_port()

    def observe(operation: str, code: str, duration_s: float) -> None:
        seen.append(code)
        failed.set()

    application = app.make_app(sandbox.state, sandbox.faults)
    async with connected(port, observe) as bldng, asyncio.TaskGroup() as group:
        create = bldng.users.create(ORG, fields={"username": "late"}, **CREATE)
        creating = group.create_task(create)
        await failed.wait()
        async with app.serve(application, host="127.0.0.1", port=port):
            await creating
    assert (seen[0], seen[-1]) == ("not_sent", "201")


async def test_the_observer_hears_every_request(sandbox: Sandbox) -> None:
    seen: list[tuple[str, str, bool]] = []

    def observe(operation: str, code: str, duration_s: float) -> None:
        seen.append((operation, code, 0 <= duration_s < 5))

    async with client.connect(
        base_url=sandbox.base_url, token=sandbox.token, observer=observe
    ) as bldng:
        await bldng.health()
        await failure(bldng.users.get(ORG, "usr_1", request_id="r"))
        sandbox.order(action="body", body="html", times=1)
        await failure(bldng.users.get(ORG, "usr_1", request_id="r"))
    assert seen == [
        ("health", "200", True),
        ("user_get", "404", True),
        ("user_get", "protocol", True),
    ]


async def test_the_token_is_asked_for_each_request(sandbox: Sandbox) -> None:
    tokens = {ORG: "expired"}
    async with client.connect(base_url=sandbox.base_url, token=lambda org: tokens[org]) as bldng:
        error = await failure(bldng.users.page(ORG, request_id="r"))
        assert error.status == 401
        tokens[ORG] = sandbox.token
        assert (await bldng.users.page(ORG, request_id="r")).items == ()


@pytest.mark.parametrize("text", ["a/b", "a b", "%2e%2e", "a?x=1#y", "ætt+&=%25", "a@b'c"])
async def test_texts_arrive_as_they_are(sandbox: Sandbox, bldng: Bldng, text: str) -> None:
    """Neither the organisation nor a value of a query is changed by quoting on the way."""
    await bldng.users.create(text, fields={"username": text}, **CREATE)
    assert [user["username"] for user in sandbox.users(text)] == [text]
    found = await bldng.users.find_by_username(text, text, request_id="r")
    assert [user.username for user in found] == [text]


async def test_the_request_id_and_the_key_arrive(sandbox: Sandbox, bldng: Bldng) -> None:
    await bldng.users.create(
        ORG, fields={"username": "a"}, idempotency_key="key-1", request_id="cause.7"
    )
    row = sandbox.log[-1]
    assert (row.org, row.request_id, row.idempotency_key) == (ORG, "cause.7", "key-1")
    assert row.body == {"username": "a"}


async def test_a_throttled_date_is_read_with_the_given_clock(sandbox: Sandbox) -> None:
    sandbox.order(action="status", status=429, retry_after="Sat, 31 Jan 2026 12:00:09 GMT")
    async with client.connect(
        base_url=sandbox.base_url, token=sandbox.token, now_s=lambda: 1_769_860_800.0
    ) as bldng:
        error = await failure(bldng.users.page(ORG, request_id="r"))
    assert isinstance(error, errors.Throttled)
    assert error.retry_after_s == pytest.approx(9.0)


@asynccontextmanager
async def connected(
    port: int, observer: Callable[[str, str, float], None] = transport.ignore
) -> AsyncIterator[Bldng]:
    """A client of whatever listens on the port."""
    async with client.connect(
        base_url=f"http://127.0.0.1:{port}/internal/v1",
        token="sandbox-service-token",
        timeout_s=1.0,
        connect_timeout_s=0.2,
        observer=observer,
    ) as bldng:
        yield bldng


@asynccontextmanager
async def served(handler: Any) -> AsyncIterator[Bldng]:
    """A client of a backend that answers everything with `handler`."""
    stranger = aiohttp.web.Application()
    stranger.router.add_route("*", "/{tail:.*}", handler)
    runner = aiohttp.web.AppRunner(stranger)
    await runner.setup()
    try:
        await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
        async with connected(runner.addresses[0][1]) as bldng:
            yield bldng
    finally:
        await runner.cleanup()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_certificate_that_does_not_verify_is_named_before_other_tls_trouble() -> None:
    key = aiohttp.client_reqrep.ConnectionKey(
        "dashboard.example.com",
        443,
        is_ssl=True,
        ssl=True,
        proxy=None,
        proxy_auth=None,
        proxy_headers_hash=None,
    )
    cause = ssl.SSLCertVerificationError(1, "self-signed certificate")
    named = transport.named(aiohttp.ClientConnectorCertificateError(key, cause))
    assert (type(named), named.sent) == (errors.CertificateInvalid, False)
    assert isinstance(transport.named(aiohttp.ClientConnectorSSLError(key, cause)), errors.NotSent)
