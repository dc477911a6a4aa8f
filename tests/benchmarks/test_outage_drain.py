"""How fast a backlog drains after an outage, against the same backlog that met no outage.

Both drains run in the same test through the same kind of proxy, each on a Redis and a sandbox of
its own. In the second BLDNG refuses connections while the people arrive and the worker runs. What
the breaker's hold costs after BLDNG is back is shown apart.
"""

import asyncio
import time
from pathlib import Path

import pytest

from clients.redis.stack import open_stack
from tests.benchmarks import test_worker_drain as drain
from tests.support import proxy
from tests.support import stack as stacks
from tests.support.waiting import eventually

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

AWAY_S = 12.0
"""Long enough for the breaker to open more than once."""


async def test_outage_drain(tmp_path: Path) -> None:
    _, plain_s = await _drained(tmp_path / "plain", away_s=0)
    held_s, outage_s = await _drained(tmp_path / "outage", away_s=AWAY_S)
    plain, after = drain.PEOPLE / plain_s, drain.PEOPLE / outage_s
    print(f"\n{drain.PEOPLE} new people: plain {plain:.0f} people/s, after an outage {after:.0f}")
    print(f"people/s, ratio {after / plain:.2f}; {held_s:.1f} s from BLDNG's return to the first")


async def _drained(directory: Path, *, away_s: float) -> tuple[float, float]:
    """Seconds from BLDNG's return to the first call, and from there to the last person."""
    async with stacks.running(directory, appendfsync="everysec") as stack:
        await stack.start_gateway()
        port = int(stack.backend_url.split(":")[2].partition("/")[0])
        async with proxy.between(port) as wire:
            wire.refuse()
            async with open_stack(stack.redis.url, ack=stack.ack) as redis:
                await drain._queue(redis)
            if away_s:
                await _start(stack, wire.port, port)
                await asyncio.sleep(away_s)
                assert not stack.people()
                await wire.listen()
            else:
                await wire.listen()
                await _start(stack, wire.port, port)
            back_s = time.perf_counter()
            await eventually(lambda: len(stack.state.log) > 0, within_s=60)
            first_s = time.perf_counter()
            await stack.until_synced(within_s=300)
            assert len(stack.people()) == drain.PEOPLE
            return first_s - back_s, time.perf_counter() - first_s


async def _start(stack: stacks.Stack, through: int, port: int) -> None:
    url = stack.backend_url.replace(f":{port}/", f":{through}/")
    await stack.start_worker(BLDNG_SCIM_BACKEND_URL=url)
