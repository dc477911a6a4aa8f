"""F20 to F23, F30, F31: what happens between our processes and a Redis that is well.

F20  Redis hangs
F21  the reply is lost after the script ran
F22  half a request arrives
F23  the wake-up channel is half open
F30  a thousand writes at once, while Redis pauses
F31  clients that hang up in the middle of a write
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import aiohttp
import orjson
import pytest
from yarl import URL

from clients.redis import scripts
from clients.redis.types import SettleStatus
from tests.chaos.scene import (
    BUSY_S,
    USERS,
    Entra,
    attempts,
    looking,
    passed,
    person,
)
from tests.support import proxy
from tests.support.proxy import Proxy, Rule
from tests.support.stack import Process, Stack, lines
from tests.support.waiting import eventually

LONG = (pytest.mark.long, pytest.mark.timeout(900))


def sha(script: str) -> bytes:
    """What a request that runs this script carries."""
    return scripts.library()[script].sha.encode()


@asynccontextmanager
async def gateway_behind(bare: Stack) -> AsyncIterator[tuple[Entra, Proxy]]:
    """A gateway that reaches Redis through a proxy, and Entra in front of it."""
    async with proxy.between(bare.redis.port) as wire:
        await bare.start_gateway(BLDNG_SCIM_REDIS_URL=f"redis://127.0.0.1:{wire.port}/0")
        yield Entra(bare), wire


@asynccontextmanager
async def worker_behind(stack: Stack, **environment: str) -> AsyncIterator[tuple[Process, Proxy]]:
    """A worker that reaches Redis through a proxy."""
    async with proxy.between(stack.redis.port) as wire:
        url = f"redis://127.0.0.1:{wire.port}/0"
        worker = await stack.start_worker(BLDNG_SCIM_REDIS_URL=url, **environment)
        try:
            yield worker, wire
        finally:
            worker.kill()


@contextmanager
def stopped(stack: Stack) -> Iterator[None]:
    """Redis hangs for as long as the block runs."""
    pid = stack.redis.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize(
    "hang_s", [pytest.param(2.5, id="short"), pytest.param(30.0, id="whole", marks=LONG)]
)
async def test_f20_hangs(stack: Stack, entra: Entra, hang_s: float) -> None:
    """503 in under a second all the while; afterwards nothing is doubled."""
    worker = await stack.start_worker()
    known = [await entra.create(f"p{number}") for number in range(4)]
    entra.statuses.clear()
    with stopped(stack):
        until_s = time.monotonic() + hang_s
        while time.monotonic() < until_s:
            await asyncio.gather(
                entra.try_create("new"),
                *(entra.patch(each, displayName="Changed") for each in known),
            )
        assert set(entra.statuses) == {503}
        assert entra.slowest_s < 1.0 + BUSY_S / 3
    await eventually(lambda: answers(entra))
    for each in known:
        assert await entra.patch(each, displayName="Changed after all") == 200
    await entra.check(within_s=20)
    async with looking(stack) as look:
        assert [(await look.state(each)).crashes for each in known] == [0] * 4
    assert worker.running


async def test_f20_hangs_while_a_worker_reads_the_tenant(stack: Stack, entra: Entra) -> None:
    """A moment of Redis costs a moment: nobody waits for a minute because of it."""
    async with worker_behind(stack) as (worker, wire):
        mute = wire.order(Rule("silence", sent=sha("record_get")))
        await entra.create("joy")
        await eventually(stack.people, within_s=4 + BUSY_S)
        assert mute.struck == 1
        assert [each["outcome"] for each in attempts(worker)][:1] == ["release"]
        await entra.check()


async def answers(entra: Entra) -> bool:
    return (await entra.send("GET", "/Users?count=0"))[0] == 200


async def test_f21_reply_to_a_write_lost(bare: Stack) -> None:
    """Asked again with the same nonce: the same answer, one version, no 409."""
    async with gateway_behind(bare) as (entra, wire):
        await entra.create("ann")
        lost = wire.order(Rule("lose_reply", sent=sha("write"), times=1))
        joy = await entra.create("joy")
        assert lost.struck == 1
        wire.order(Rule("lose_reply", sent=sha("write"), times=1))
        assert await entra.patch(joy, displayName="Joy Young") == 200
        assert entra.journal.people[joy].version == 2
        await bare.start_worker()
        await entra.check()
        wire.order(Rule("lose_reply", sent=sha("write"), times=1))
        assert await entra.delete(joy) == 204
        await entra.check()
    assert len(bare.people()) == 1


async def test_f21_reply_to_a_claim_lost(stack: Stack, entra: Entra) -> None:
    """The leases come back by asking, not by waiting for their end; it is no crash."""
    async with worker_behind(stack, BLDNG_SCIM_LEASE_MS="60000") as (worker, wire):
        lost = wire.order(Rule("lose_reply", sent=sha("claim"), answered=b"\r\nu:"))
        joy = await entra.create("joy")
        async with looking(stack) as look:
            state = await look.until(joy, "S", within_s=2 + BUSY_S)
            assert await look.counter("reaped") == 0
        assert (lost.struck, state.crashes) == (1, 0)
        assert [each["returned"] for each in lines(worker, "claim_recovered")] == [1]
        await entra.check()


async def test_f21_reply_to_a_settle_lost(stack: Stack, entra: Entra) -> None:
    """The settle is repeated and told that it had worked; BLDNG is not called again."""
    async with worker_behind(stack) as (worker, wire):
        lost = wire.order(Rule("lose_reply", sent=sha("settle"), answered=b"SYNCED"))
        await entra.create("joy")
        await eventually(lambda: list(attempts(worker)))
        assert lost.struck == 1
        assert [each["settled"] for each in attempts(worker)] == [SettleStatus.DUP]
        await entra.check()
    assert len(stack.calls("POST", USERS)) == 1


async def test_f22_half_a_request_arrives(bare: Stack) -> None:
    """Applied once, by the repetition."""
    async with gateway_behind(bare) as (entra, wire):
        await entra.create("ann")
        cut = wire.order(Rule("half", sent=sha("write"), times=1))
        joy = await entra.create("joy")
        assert (cut.struck, entra.journal.people[joy].version) == (1, 1)
        cut = wire.order(Rule("half", sent=sha("write"), times=1))
        assert await entra.patch(joy, displayName="Joy Young") == 200
        assert (cut.struck, entra.journal.people[joy].version) == (1, 2)
        await bare.start_worker()
        await entra.check()


async def test_f23_wake_up_channel_half_open(stack: Stack, entra: Entra) -> None:
    """The worker looks by itself every two seconds and a bit."""
    async with worker_behind(stack) as (_, wire):
        await eventually(lambda: subscriptions(wire))
        for link in subscriptions(wire):
            link.silent = True
        began_s = time.monotonic()
        await entra.create("joy")
        await eventually(lambda: stack.calls("POST", USERS), within_s=2.5 + BUSY_S)
        assert time.monotonic() - began_s < 2.5 + BUSY_S
        await entra.check()


@pytest.mark.long
async def test_f23_half_open_channel_is_renewed(stack: Stack) -> None:
    """Silence is noticed and answered with a new subscription."""
    async with worker_behind(stack) as (_, wire):
        await eventually(lambda: subscriptions(wire))
        [mute] = subscriptions(wire)
        mute.silent = True
        await eventually(lambda: set(subscriptions(wire)) - {mute}, within_s=20)


def subscriptions(wire: Proxy) -> list[proxy.Link]:
    """The connections that asked for wake-ups."""
    return [link for link in wire.links if b"SUBSCRIBE" in link.said]


async def test_f30_a_thousand_requests_at_once(stack: Stack, entra: Entra) -> None:
    """Each is answered in bounded time, with its own answer, while Redis pauses in between."""
    known = [await entra.create(f"k{number}") for number in range(20)]
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as crowd:
        before, stack.http = stack.http, crowd
        try:
            with stopped(stack):
                first = [asyncio.ensure_future(one(entra, known, n)) for n in range(300)]
                await passed(1.2)
            rest = await asyncio.gather(*(one(entra, known, n) for n in range(300, 1000)))
            met_the_pause = await asyncio.gather(*first)
        finally:
            stack.http = before
    assert 503 in met_the_pause
    assert {*met_the_pause, *rest} == {200, 201, 503}
    assert rest[-2:] == [200, 201]
    assert entra.slowest_s < 10
    await eventually(lambda: answers(entra))
    await stack.start_worker()
    await entra.check(within_s=60)


async def one(entra: Entra, known: list[str], number: int) -> int:
    """Read a person, or create one, and see that the answer is about them."""
    if number % 2 == 0:
        return await read(entra, known[number // 2 % len(known)])
    return await created(entra, f"t{number}")


async def read(entra: Entra, scim_id: str) -> int:
    status, answer = await entra.send("GET", f"/Users/{scim_id}")
    if status == 200:
        assert answer["id"] == scim_id
    return status


async def created(entra: Entra, name: str) -> int:
    body = person(name)
    status, answer = await entra.send("POST", "/Users", body)
    if status == 201:
        assert answer["userName"] == body["userName"]
        entra.journal.stored(answer)
    return status


@pytest.mark.parametrize(
    "times", [pytest.param(150, id="short"), pytest.param(10_000, id="whole", marks=LONG)]
)
async def test_f31_clients_that_hang_up(stack: Stack, entra: Entra, times: int) -> None:
    """Who stays on the line gets their own answer; every write was applied once or never."""
    joy, ann = await entra.create("joy"), await entra.create("ann")
    for number in range(0, times, 5):
        results = await asyncio.gather(
            *(hang_up(stack, joy, number + each) for each in range(5)),
            read(entra, ann),
            created(entra, f"p{number}"),
            read(entra, joy),
        )
        assert results[5:] == [200, 201, 200]
    entra.journal.unanswered(joy)
    await eventually(lambda: nothing_in_flight(stack), within_s=10)
    _, answer = await entra.send("GET", f"/Users/{joy}")
    assert 1 <= int(answer["meta"]["version"][3:-1]) <= times + 1
    await stack.start_worker()
    await entra.check(within_s=30)


async def nothing_in_flight(stack: Stack) -> bool:
    """Whether the gateway has done all that was asked, for those who hung up too."""
    url = f"http://127.0.0.1:{stack.processes[0].ops}/metrics"
    async with stack.http.get(url) as answer:
        return "\nbldng_scim_http_requests_in_flight 0.0" in await answer.text()


async def hang_up(stack: Stack, scim_id: str, number: int) -> None:
    """Send a whole PATCH and cut the connection up to 3 ms later, before its answer is read."""
    change = {"op": "replace", "path": "displayName", "value": f"Name {number}"}
    body = orjson.dumps({"Operations": [change]})
    url = URL(stack.base_url)
    head = (
        f"PATCH {url.path}/Users/{scim_id} HTTP/1.1\r\nHost: {url.authority}\r\n"
        f"Authorization: Bearer {stack.token}\r\nContent-Type: application/scim+json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    _, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(head.encode() + body)
    await writer.drain()
    await passed(number % 7 / 2000)
    writer.transport.abort()
