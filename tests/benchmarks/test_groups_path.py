"""From a SCIM PATCH of one member to BLDNG's members, in groups of 10 to 100,000.

Sizes take turns, so that the machine's mood hits all of them. What counts is the ratio between the
ends; the absolute times belong to this machine.
"""

import asyncio
import itertools
import statistics
import time
from pathlib import Path
from typing import Any

import pytest

from clients.redis.stack import Stack as RedisStack
from clients.redis.stack import open_stack
from tests.support import crowd
from tests.support import stack as stacks
from tests.support.oracle import drained
from tests.support.stack import ORG, TENANT, Stack
from tests.support.waiting import eventually

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1200)]

SIZES = (10, 1_000, 100_000)
TURNS = 60
SPARE = 1_000
"""People who are in no group yet."""
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


async def test_groups_path(tmp_path: Path) -> None:
    async with stacks.running(tmp_path, appendfsync="everysec") as stack:
        await stack.start_gateway()
        async with open_stack(stack.redis.url, ack=stack.ack) as redis:
            tenant = await redis.tenants.get(TENANT)
            assert tenant is not None
            count = max(SIZES) + SPARE
            ids = await crowd.settle_in(redis, tenant, stack.state, range(count))
            await stack.start_worker()
            await _measure(stack, redis, ids)


async def _measure(stack: Stack, redis: RedisStack, ids: list[str]) -> None:
    members, spare = ids[:-SPARE], ids[-SPARE:]
    groups = {size: await _filled(stack, f"of {size}", members[:size]) for size in SIZES}
    await drained(redis, within_s=300)
    _report(await _add_one_each(stack, redis, groups, spare))
    await _report_calls(stack, redis, groups, spare)


async def _filled(stack: Stack, name: str, ids: list[str]) -> str:
    body = {"schemas": [GROUP], "displayName": name, "externalId": name}
    status, answer = await stack.request("POST", "/Groups", body)
    assert status == 201, answer
    for start in range(0, len(ids), 1_000):
        await _patch(stack, answer["id"], "Add", ids[start : start + 1_000])
    return str(answer["id"])


async def _patch(stack: Stack, group_id: str, op: str, ids: list[str]) -> None:
    operation: dict[str, Any] = {
        "op": op, "path": "members", "value": [{"value": each} for each in ids]
    }  # fmt: skip
    body = {"schemas": [PATCH], "Operations": [operation]}
    status, answer = await stack.request("PATCH", f"/Groups/{group_id}", body)
    assert status == 204, answer


def _changes(stack: Stack) -> int:
    """Membership changes that BLDNG was told so far."""
    batches = (each for each in stack.state.log if each.path.endswith("members:batch"))
    return sum(len(each.body["add"]) + len(each.body["remove"]) for each in batches)


async def _add_one_each(
    stack: Stack, redis: RedisStack, groups: dict[int, str], spare: list[str]
) -> dict[int, list[float]]:
    """Milliseconds from sending the PATCH to BLDNG's change, by group size."""
    took_ms: dict[int, list[float]] = {size: [] for size in groups}
    people = itertools.cycle(spare[:TURNS])
    stack.state.log.clear()
    for _ in range(TURNS):
        one = next(people)
        for size, group_id in groups.items():
            stack.state.log.clear()
            began = time.perf_counter()
            await _patch(stack, group_id, "Add", [one])
            await eventually(lambda: _changes(stack) > 0)
            took_ms[size].append((time.perf_counter() - began) * 1000)
            await drained(redis)
    return took_ms


def _report(took_ms: dict[int, list[float]]) -> None:
    print(f"\nadd one member, SCIM request to BLDNG's change, median of {TURNS}")
    for size, each in took_ms.items():
        ordered = sorted(each)
        print(f"{size:>9} members  p50 {statistics.median(each):6.2f} ms  p95 "
              f"{ordered[int(0.95 * len(ordered))]:6.2f} ms")  # fmt: skip
    small, large = (statistics.median(took_ms[size]) for size in (min(SIZES), max(SIZES)))
    print(f"ratio of the ends {large / small:.2f} (aim 1.2)")


async def _report_calls(
    stack: Stack, redis: RedisStack, groups: dict[int, str], spare: list[str]
) -> None:
    """BLDNG's calls for one changed member: alone, and in a burst of 900."""
    burst = spare[TURNS : TURNS + 900]
    for size, group_id in groups.items():
        stack.state.log.clear()
        parts = [burst[start : start + 100] for start in range(0, len(burst), 100)]
        await asyncio.gather(*(_patch(stack, group_id, "Add", part) for part in parts))
        await drained(redis, within_s=60)
        assert _changes(stack) == len(burst)
        print(f"{size:>9} members  900 added by 9 requests at once: {len(stack.state.log)} calls, "
              f"{len(stack.state.log) / len(burst):.3f} for each member")  # fmt: skip
    assert len(stack.state.org(ORG).groups) == len(groups)
