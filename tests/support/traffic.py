"""Entra as a steady stream of requests over kept connections, none of them ever repeated.

Each lane has one connection and people of its own. A request that gets no answer, or another one
than it should, is a failure: what a rolling restart must not cause.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
import orjson

from clients.bldng.sandbox.state import Logged, State
from tests.chaos.scene import Entra
from tests.support.oracle import Journal
from tests.support.stack import Process, Stack

BY_FAR_ENOUGH_S: Final = 10.0
"""A request that takes longer has failed."""


@dataclass(slots=True)
class Lane(Entra):
    """One connection of Entra's. `target` says before each request where it goes."""

    http: aiohttp.ClientSession = field(kw_only=True)
    target: Callable[[], str] = field(kw_only=True)
    number: int = field(kw_only=True)
    failures: list[str] = field(default_factory=list)

    async def send(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, at: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """One request, sent once; status 0 when there was no answer."""
        headers = {
            "Authorization": f"Bearer {self.stack.token}",
            "Content-Type": "application/scim+json; charset=utf-8",
        }
        data = None if body is None else orjson.dumps(body)
        url = (at or self.target()) + path
        try:
            async with self.http.request(method, url, data=data, headers=headers) as answer:
                raw = await answer.read()
                status, parsed = answer.status, orjson.loads(raw) if raw else {}
        except (aiohttp.ClientError, TimeoutError) as error:
            status, parsed = 0, {}
            self.failures.append(f"{method} {url}: {error!r}")
        self.statuses.append(status)
        if status not in {0, 200, 201, 204}:
            self.failures.append(f"{method} {url}: {status} {parsed}")
        return status, parsed

    async def play(self, done: asyncio.Event, *, pause_s: float) -> None:
        """Create, rename twice and read people until done; every third is deleted."""
        known = 0
        while not done.is_set():
            known += 1
            status, scim_id = await self.try_create(f"l{self.number}p{known}")
            if status != 201:
                await asyncio.sleep(pause_s)
                continue
            for step in range(2):
                await asyncio.sleep(pause_s)
                await self.patch(scim_id, displayName=f"Name {known} {step}")
            await asyncio.sleep(pause_s)
            await self.send("GET", f"/Users/{scim_id}")
            if known % 3 == 0:
                await asyncio.sleep(pause_s)
                await self.delete(scim_id)
            await asyncio.sleep(pause_s)


@dataclass(slots=True)
class Traffic:
    """All lanes and the journal that they share."""

    journal: Journal
    lanes: list[Lane]
    began_s: float
    ended_s: float = 0.0

    @property
    def failures(self) -> list[str]:
        return [each for lane in self.lanes for each in lane.failures]

    @property
    def requests(self) -> int:
        return sum(len(lane.statuses) for lane in self.lanes)

    @property
    def per_second(self) -> float:
        return self.requests / (self.ended_s - self.began_s)


@asynccontextmanager
async def flowing(
    stack: Stack, target: Callable[[], str], *, lanes: int = 12, pause_s: float = 0.12
) -> AsyncIterator[Traffic]:
    """Requests for as long as the context lasts; the last ones are answered before it ends."""
    clock = asyncio.get_running_loop().time
    journal, done = Journal(), asyncio.Event()
    sessions = [_session() for _ in range(lanes)]
    made = [
        Lane(stack, journal, http=http, target=target, number=number)
        for number, http in enumerate(sessions)
    ]
    traffic = Traffic(journal, made, clock())
    try:
        async with asyncio.TaskGroup() as group:
            for lane in made:
                group.create_task(lane.play(done, pause_s=pause_s))
            try:
                yield traffic
            finally:
                done.set()
        traffic.ended_s = clock()
    finally:
        for http in sessions:
            await http.close()


def _session() -> aiohttp.ClientSession:
    """One kept connection a gateway; aiohttp would itself repeat what met a closed one."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit_per_host=1),
        timeout=aiohttp.ClientTimeout(total=BY_FAR_ENOUGH_S),
    )
    session._retry_connection = False
    return session


@dataclass(slots=True)
class Balancer:
    """Sends each request to the next gateway that says it is ready."""

    stack: Stack
    gateways: list[Process] = field(default_factory=list)
    ready: Sequence[Process] = ()
    turn: int = 0

    def target(self) -> str:
        """The Tenant URL at a gateway that was ready when last asked, or at any when none was."""
        self.turn += 1
        among = self.ready or self.gateways
        chosen = among[self.turn % len(among)]
        return f"http://127.0.0.1:{chosen.port}/scim/v2/acme"

    async def check(self) -> None:
        """Ask all once."""
        answers = await asyncio.gather(*(self.stack.probe(each) for each in self.gateways))
        asked = zip(self.gateways, answers, strict=False)
        self.ready = [each for each, status in asked if status == 200]

    async def watch(self, interval_s: float = 0.1) -> None:
        """Ask again and again until cancelled."""
        while True:
            await self.check()
            await asyncio.sleep(interval_s)


def doubled(state: State) -> list[str]:
    """The mutating calls that BLDNG saw twice; every change of `Lane.play` is unlike any other."""
    seen = Counter(_change(row) for row in state.log if row.method != "GET")
    return [f"{times} x {change}" for change, times in seen.items() if times > 1]


def _change(row: Logged) -> str:
    return f"{row.method} {row.path} {json.dumps(row.body, sort_keys=True)}"
