"""HTTP as Entra speaks it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from gateway.cli.simulation import transport
from gateway.cli.simulation.transport import Pace
from tests.support.waiting import eventually


@dataclass(slots=True)
class Endpoint:
    """Records what arrives and answers as told."""

    url: str = ""
    seen: list[tuple[str, str, Mapping[str, str], bytes]] = field(default_factory=list)
    answer: web.Response | None = None

    async def handle(self, request: web.Request) -> web.Response:
        self.seen.append((
            request.method,
            request.raw_path,
            dict(request.headers),
            await request.read(),
        ))
        told = self.answer
        if told is None:
            return web.json_response({"ok": True})
        return web.Response(status=told.status, body=told.body, headers=told.headers)


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    made = Endpoint()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/scim/v2/acme"
        yield made
    finally:
        await runner.cleanup()


async def test_a_get_has_no_user_agent_no_accept_and_no_content_type(endpoint: Endpoint) -> None:
    async with transport.connect(endpoint.url, "secret") as wire:
        await wire.call("GET", "/Users?" + transport.matching("userName", 'a"b\\c+d@x y'))
    method, path, headers, _ = endpoint.seen[0]
    assert method == "GET"
    assert path == ("/scim/v2/acme/Users?filter=userName+eq+%22a%5C%22b%5C%5Cc%2Bd%40x+y%22")
    assert headers["Authorization"] == "Bearer secret"
    assert not {"User-Agent", "Accept", "Content-Type"} & set(headers)


async def test_a_write_is_scim_json_with_a_charset(endpoint: Endpoint) -> None:
    async with transport.connect(endpoint.url, "secret") as wire:
        await wire.call("POST", "/Users", {"userName": "a"})
    _, _, headers, body = endpoint.seen[0]
    assert headers["Content-Type"] == "application/scim+json; charset=utf-8"
    assert body == b'{"userName":"a"}'


@pytest.mark.parametrize("suffix", ["", "/", "?aadOptscim062020", "/?aadOptscim062020"])
async def test_what_admins_append_to_the_tenant_url_is_left_out(
    endpoint: Endpoint, suffix: str
) -> None:
    async with transport.connect(endpoint.url + suffix, "secret") as wire:
        await wire.call("GET", "/Users")
    assert endpoint.seen[0][1] == "/scim/v2/acme/Users"


async def test_redirects_are_not_followed(endpoint: Endpoint) -> None:
    endpoint.answer = web.Response(status=302, headers={"Location": "/elsewhere"})
    async with transport.connect(endpoint.url, "secret") as wire:
        answer = await wire.call("GET", "/Users")
    assert answer.status == 302
    assert len(endpoint.seen) == 1


async def test_an_answer_that_is_not_json_keeps_its_text(endpoint: Endpoint) -> None:
    endpoint.answer = web.Response(text="<html>sign in</html>", content_type="text/html")
    async with transport.connect(endpoint.url, "secret") as wire:
        answer = await wire.call("GET", "/Users")
    assert (answer.body, answer.content_type) == ({}, "text/html")
    assert answer.detail == "<html>sign in</html>"


async def test_a_429_is_repeated_after_the_wait_it_asks_for(endpoint: Endpoint) -> None:
    endpoint.answer = web.Response(status=429, headers={"Retry-After": "1"})
    loop = asyncio.get_running_loop()
    async with (
        transport.connect(endpoint.url, "secret", repeats=3) as wire,
        asyncio.TaskGroup() as g,
    ):
        began = loop.time()
        call = g.create_task(wire.call("POST", "/Users", {"userName": "a"}))
        await eventually(lambda: len(endpoint.seen) == 2)
        assert loop.time() - began >= 0.99
        endpoint.answer = None
        answer = await call
    assert (answer.status, answer.throttled) == (200, 2)
    assert len({body for _, _, _, body in endpoint.seen}) == 1


async def test_a_server_that_always_says_429_is_given_up(endpoint: Endpoint) -> None:
    endpoint.answer = web.Response(status=429, headers={"Retry-After": "0"})
    async with transport.connect(endpoint.url, "secret", repeats=3) as wire:
        answer = await wire.call("GET", "/Users")
    assert (answer.status, answer.throttled, len(endpoint.seen)) == (429, 3, 4)


async def test_no_answer_is_a_value_too() -> None:
    async with transport.connect("http://127.0.0.1:1/scim/v2/acme", "secret") as wire:
        answer = await wire.call("GET", "/Users")
    assert answer.status == 0
    assert answer.detail.startswith("no answer: ClientConnectorError")


async def test_a_pace_spreads_calls_evenly() -> None:
    pace, loop = Pace(per_s=100), asyncio.get_running_loop()
    began = loop.time()
    await asyncio.gather(*(pace.turn() for _ in range(11)))
    assert loop.time() - began >= 0.099


async def test_no_pace_does_not_wait() -> None:
    pace, loop = Pace(per_s=0), asyncio.get_running_loop()
    began = loop.time()
    await asyncio.gather(*(pace.turn() for _ in range(1000)))
    assert loop.time() - began < 1
