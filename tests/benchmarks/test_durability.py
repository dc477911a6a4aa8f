"""What each mode of acknowledgement costs: rates and latencies as ratios to mode memory."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from clients.redis.durability import Ack
from clients.redis.stack import Stack, open_stack
from clients.redis.types import Change, Tenant, WriteStatus
from tests.support.replica import Pair, replicated

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(300)]

SECONDS = 1.5
ROUNDS = 3
APPENDFSYNC = {Ack.MEMORY: "everysec", Ack.FSYNC: "always", Ack.REPLICA: "always"}
DOC = b'{"userName":"' + b"x" * 1000 + b'"}'


@asynccontextmanager
async def mode(pair: Pair, ack: Ack) -> AsyncIterator[tuple[Stack, Tenant]]:
    """An emptied master in a mode, its replica in step, and a tenant on it."""
    async with Redis.from_url(pair.master.url) as client:
        await client.flushall()
        await client.config_set("appendfsync", APPENDFSYNC[ack])
    await pair.in_step()
    async with open_stack(pair.master.url, install=True, ack=ack, timeout_ms=5000) as stack:
        yield stack, await stack.tenants.create("acme", org="acme", now_ms=1)


async def write(stack: Stack, tenant: Tenant, clients: int) -> list[float]:
    """The latencies of creates in a closed loop, in milliseconds."""
    found, until_s = [], time.perf_counter() + SECONDS

    async def client(number: int) -> None:
        count = 0
        while (began_s := time.perf_counter()) < until_s:
            name = f"{number}-{count}"
            change = Change("C", f"u:{name}", name, doc=DOC, digest=name, new={"un": name})
            assert (await stack.store.write(tenant, change)).status is WriteStatus.OK
            found.append((time.perf_counter() - began_s) * 1000)
            count += 1

    await asyncio.gather(*(client(number) for number in range(clients)))
    return found


@pytest.mark.parametrize("clients", [1, 16])
async def test_durability(tmp_path: Path, clients: int) -> None:
    rates: dict[Ack, list[float]] = {ack: [] for ack in Ack}
    medians: dict[Ack, list[float]] = {ack: [] for ack in Ack}
    async with replicated(tmp_path) as pair:
        for _ in range(ROUNDS):
            for ack in Ack:
                async with mode(pair, ack) as (stack, tenant):
                    found = await write(stack, tenant, clients)
                rates[ack].append(len(found) / SECONDS)
                medians[ack].append(statistics.median(found))
    base_rate, base_ms = (
        statistics.median(rates[Ack.MEMORY]),
        statistics.median(medians[Ack.MEMORY]),
    )
    print(f"\n{clients} client(s), one replica on the same disk, median of {ROUNDS} rounds")
    for ack in Ack:
        rate, latency_ms = statistics.median(rates[ack]), statistics.median(medians[ack])
        print(
            f"  {ack:8} rate x{rate / base_rate:.2f} ({rate:.0f}/s)"
            f"  latency x{latency_ms / base_ms:.2f} ({latency_ms:.2f} ms)"
        )
        assert rate > base_rate / 20
