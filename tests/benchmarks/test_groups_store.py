"""A change of members in groups of 10 to 1,000,000: what counts is the ratio between the ends.

The sizes are visited in turn, round after round, so that the machine's mood hits all of them; the
figures are medians over the rounds. Server time is Redis' own CPU, wall time that of one client.
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from clients.redis import embedded, stack, types
from clients.redis.types import Change, MemberChange

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

SIZES = (10, 1_000, 100_000, 1_000_000)
ROUNDS = 15
REPEATS = 40
"""Calls of one size in one round; their mean is one sample."""
TOLERATED = 1.5
"""Between the biggest and the smallest group, in server time; the aim is 1.2."""
BYTES_AIM = 270

FILL = """
for i = ARGV[1], ARGV[2] do
  local id = string.format('6764549b-ef60-4bb8-b8ec-%012d', i)
  redis.call('SADD', KEYS[1], id)
  if ARGV[3] ~= '' then redis.call('HSET', KEYS[2] .. id, ARGV[3], '') end
end
"""
TENANT = "acme"


@asynccontextmanager
async def _store(directory: Path) -> AsyncIterator[tuple[stack.Stack, types.Tenant]]:
    with embedded.EmbeddedRedis(directory) as server:
        async with stack.open_stack(server.url, timeout_ms=10_000, install=True) as parts:
            yield parts, await parts.tenants.create(TENANT, org="org", now_ms=0)


async def _group(parts: stack.Stack, tenant: types.Tenant, rk: str) -> None:
    change = Change(op="C", rk=rk, nonce=rk, doc=b"{}", digest=rk)
    await parts.store.write(tenant, change)


async def _fill(
    parts: stack.Stack, tenant: types.Tenant, rk: str, size: int, *, known: bool = False
) -> None:
    root = f"sg:{{p{tenant.partition}}}:{TENANT}:"
    for first in range(1, size + 1, 20_000):
        last = min(size, first + 19_999)
        where = (f"{root}gm:{rk}", f"{root}ug:")
        await parts.client.eval(FILL, 2, *where, first, last, rk if known else "")


async def _server_ms(parts: stack.Stack) -> float:
    found = await parts.client.info("cpu")
    return 1000 * float(found["used_cpu_user_main_thread"] + found["used_cpu_sys_main_thread"])


async def _sample(
    parts: stack.Stack, calls: list[Callable[[], Awaitable[object]]]
) -> tuple[float, float]:
    """Server and wall microseconds a call."""
    server_ms, began = await _server_ms(parts), time.perf_counter()
    for call in calls:
        await call()
    wall_s = time.perf_counter() - began
    server_ms = await _server_ms(parts) - server_ms
    return 1000 * server_ms / len(calls), 1_000_000 * wall_s / len(calls)


class _Changes:
    """The three kinds of call, each undone by the next so that the size stays."""

    def __init__(self, parts: stack.Stack, tenant: types.Tenant, rk: str) -> None:
        self._parts = parts
        self._tenant = tenant
        self._rk = rk
        self._serial = 0

    def make(self, change: MemberChange) -> Callable[[], Awaitable[object]]:
        self._serial += 1
        nonce = f"{self._rk}{self._serial}"
        return lambda: self._parts.members.change(
            self._tenant, self._rk, [change], nonce=nonce, cause="c"
        )

    def of(self, kind: str) -> list[Callable[[], Awaitable[object]]]:
        ones = [(f"one{number}",) for number in range(REPEATS)]
        if kind == "add one":
            return [self.make(MemberChange(add=one)) for one in ones]
        if kind == "remove one":
            return [self.make(MemberChange(remove=one)) for one in ones]
        hundreds = [tuple(f"h{n}-{each}" for each in range(100)) for n in range(REPEATS // 4)]
        field = "add" if kind == "add 100" else "remove"
        return [self.make(MemberChange(**{field: ids})) for ids in hundreds]


KINDS = ("add one", "remove one", "add 100", "remove 100")


async def _measure(parts: stack.Stack, tenant: types.Tenant) -> dict[str, dict[int, list[float]]]:
    """Kind -> size -> median server and wall microseconds."""
    changes = {size: _Changes(parts, tenant, f"g:{size}") for size in SIZES}
    samples: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for number in range(ROUNDS + 1):
        for size in SIZES if number % 2 else reversed(SIZES):
            for kind in KINDS:
                sample = await _sample(parts, changes[size].of(kind))
                if number > 0:  # the first round only warms up
                    samples.setdefault((kind, size), []).append(sample)
    return {
        kind: {
            size: [statistics.median(column) for column in zip(*samples[kind, size], strict=True)]
            for size in SIZES
        }
        for kind in KINDS
    }


def test_a_change_costs_the_same_at_any_size(tmp_path: Path) -> None:
    async def run() -> dict[str, dict[int, list[float]]]:
        async with _store(tmp_path) as (parts, tenant):
            for size in SIZES:
                await _group(parts, tenant, f"g:{size}")
                await _fill(parts, tenant, f"g:{size}", size)
            return await _measure(parts, tenant)

    found = asyncio.run(run())
    for kind, sizes in found.items():
        shown = "  ".join(f"{size}: {row[0]:.0f}/{row[1]:.0f}" for size, row in sizes.items())
        server, wall = (sizes[SIZES[-1]][each] / sizes[SIZES[0]][each] for each in (0, 1))
        print(f"{kind:10}  µs server/wall  {shown}  ends ×{server:.2f} server ×{wall:.2f} wall")
        assert server < TOLERATED, kind


def test_bytes_of_a_membership(tmp_path: Path) -> None:
    size = 100_000

    async def run() -> float:
        async with _store(tmp_path) as (parts, tenant):
            await _group(parts, tenant, "g:1")
            before = (await parts.client.info("memory"))["used_memory"]
            await _fill(parts, tenant, "g:1", size, known=True)
            after = (await parts.client.info("memory"))["used_memory"]
            return float(after - before) / size

    found = asyncio.run(run())
    print(f"bytes of one membership, the first of its member: {found:.0f} (aim {BYTES_AIM})")
    assert found < BYTES_AIM * 1.1
