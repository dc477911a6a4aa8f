"""The gateway against bare aiohttp with one script of the same bytes through redis-py's pool.

Both servers run side by side on the same Redis and are loaded in alternating slices, so that the
machine's mood hits both. What counts is the ratio; the absolute rates belong to this machine. The
processor time of a request is steadier than rates where other programs run beside.
"""

import asyncio
import itertools
import statistics
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import pytest

from clients.redis import embedded
from tests.benchmarks import cpu, load, processes
from tests.support import stack as stacks
from tests.support.waiting import eventually

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

ROUNDS = 7
SLICE_S = 1.0
PEOPLE = 500
"""Who there is to patch: more than clients, since Entra never patches one person in parallel."""
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def _body(number: int) -> bytes:
    """A create of Entra's default mapping, about 1 KB."""
    name = f"joy.young{number:09d}@contoso.onmicrosoft.com"
    return orjson.dumps({
        "schemas": [CORE, ENTERPRISE],
        "externalId": f"6764549b-ef60-4bb8-b8ec-{number:012d}",
        "userName": name,
        "active": True,
        "displayName": "Joy Young",
        "title": "Senior Tour Operations Manager",
        "preferredLanguage": "en-US",
        "name": {"formatted": "Joy Young", "familyName": "Young", "givenName": "Joy"},
        "emails": [{"primary": True, "type": "work", "value": name}],
        "phoneNumbers": [
            {"type": "work", "value": "+1 (425) 555-0100"},
            {"type": "mobile", "value": "+1 (425) 555-0101"},
        ],
        "addresses": [
            {
                "type": "work",
                "streetAddress": "One Microsoft Way, Building 24, Floor 3",
                "locality": "Redmond",
                "region": "Washington",
                "postalCode": "98052",
                "country": "US",
            }
        ],
        "roles": [],
        ENTERPRISE: {
            "employeeNumber": f"{number:09d}",
            "department": "Tour Operations",
            "manager": {"value": "26118915-6090-4610-87e4-49d8ca9f808d"},
        },
    })  # fmt: skip


def _patch_body(number: int) -> bytes:
    operations = [
        {"op": "Replace", "path": "displayName", "value": f"Joy Young {number}"},
        {"op": "Replace", "path": "name.givenName", "value": "Joy"},
    ]
    schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
    return orjson.dumps({"schemas": schemas, "Operations": operations})


@dataclass(slots=True)
class Side:
    """One of the two servers under load: where, with what, and what its slices saw."""

    port: int
    requests: load.Requests
    own: cpu.Meter
    redis: cpu.Meter
    slices: list[load.Tally] = field(default_factory=list)

    @property
    def last(self) -> load.Tally:
        return self.slices[-1]

    async def slice(self, connections: int) -> None:
        """Load it for SLICE_S."""
        for meter in (self.own, self.redis):
            meter.start()
        tally = await load.run(self.port, self.requests, connections=connections, seconds=SLICE_S)
        for meter in (self.own, self.redis):
            meter.stop()
        assert set(tally.statuses) <= {200, 201}, tally.statuses
        self.slices.append(tally)

    def cpu_us(self) -> tuple[float, float]:
        """Processor time of a request over all slices: the server's own, and Redis'."""
        count = sum(each.count for each in self.slices)
        return self.own.per_call_us(count), self.redis.per_call_us(count)


@asynccontextmanager
async def _baseline(stack: stacks.Stack, document: Path) -> AsyncIterator[tuple[int, int]]:
    """The port and pid of the bare server."""
    port = embedded.free_port()

    async def answers() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    arguments = (port, stack.redis.url, document)
    async with processes.running("baseline.py", *arguments) as process:
        await eventually(answers, within_s=10)
        yield port, process.pid


async def _compare(ours: Side, theirs: Side, connections: int) -> None:
    for _ in range(ROUNDS):
        await ours.slice(connections)
        await theirs.slice(connections)


@pytest.mark.parametrize("appendfsync", ["everysec", "always"])
async def test_scim_edge(tmp_path: Path, appendfsync: str) -> None:
    async with stacks.running(tmp_path, appendfsync=appendfsync) as stack:
        gateway = await stack.start_gateway()
        people = [
            await stack.request("POST", "/Users", orjson.loads(_body(n))) for n in range(PEOPLE)
        ]
        created = people[0][1]
        document = tmp_path / "document.json"
        document.write_bytes(orjson.dumps(created))
        async with _baseline(stack, document) as (bare_port, bare_pid):
            _report_header(appendfsync)
            for name, source in _sources(stack, [each["id"] for _, each in people]).items():
                for connections in (1, 16, 64):
                    ours = _side(stack, _port(stack), gateway.pid, source(_base_path(stack)))
                    theirs = _side(stack, bare_port, bare_pid, source(""))
                    await _compare(ours, theirs, connections)
                    _report(name, connections, ours, theirs)


def _side(stack: stacks.Stack, port: int, pid: int, requests: load.Requests) -> Side:
    assert stack.redis.pid is not None
    return Side(port, requests, cpu.Meter(pid), cpu.Meter(stack.redis.pid))


def _sources(stack: stacks.Stack, ids: list[str]) -> dict[str, Callable[[str], load.Requests]]:
    numbers = itertools.count(PEOPLE)
    token = stack.token

    def posts(base: str) -> Iterator[bytes]:
        for number in numbers:
            yield load.request("POST", f"{base}/Users", token=token, body=_body(number))

    def patches(base: str) -> Iterator[bytes]:
        for number, scim_id in enumerate(itertools.cycle(ids)):
            path = f"{base}/Users/{scim_id}"
            yield load.request("PATCH", path, token=token, body=_patch_body(number))

    def filters(base: str) -> Iterator[bytes]:
        name = "joy.young000000000%40contoso.onmicrosoft.com"
        query = f"filter=userName+eq+%22{name}%22"
        return itertools.repeat(load.request("GET", f"{base}/Users?{query}", token=token))

    return {"POST": posts, "PATCH": patches, "GET by filter": filters}


def _base_path(stack: stacks.Stack) -> str:
    return "/" + stack.base_url.split("/", 3)[3]


def _port(stack: stacks.Stack) -> int:
    return int(stack.base_url.split(":")[2].split("/")[0])


def _report_header(appendfsync: str) -> None:
    print(f"\nappendfsync {appendfsync}: gateway / bare aiohttp + one script, median of {ROUNDS}")
    print(
        f"{'request':>14} {'clients':>7} {'ratio':>6}  {_columns()}   of the baseline {_columns()}"
    )


def _columns() -> str:
    return f"{'req/s':>7} {'p50 ms':>7} {'p99 ms':>7} {'cpu µs':>7} {'redis':>6}"


def _report(name: str, connections: int, ours: Side, theirs: Side) -> None:
    pairs = zip(ours.slices, theirs.slices, strict=True)
    ratio = statistics.median(mine.rate / yours.rate for mine, yours in pairs)
    print(f"{name:>14} {connections:>7} {ratio:>6.2f}  {_row(ours)}   {'':>15} {_row(theirs)}")


def _row(side: Side) -> str:
    p50, p99 = side.last.percentile_ms(0.5), side.last.percentile_ms(0.99)
    own_us, redis_us = side.cpu_us()
    return f"{side.last.rate:>7.0f} {p50:>7.2f} {p99:>7.2f} {own_us:>7.0f} {redis_us:>6.0f}"
