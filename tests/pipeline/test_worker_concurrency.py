"""A BLDNG that becomes slow under load: a worker settles near what it can bear, and recovers."""

import asyncio
import itertools
import statistics

from clients.bldng.sandbox.faults import Fault
from clients.redis.types import Tenant
from tests.chaos.scene import passed, rigged
from tests.support import oracle
from tests.support.stack import Process, Stack
from tests.support.waiting import eventually
from tests.support.worker import Rig, person

CAPACITY = 4
SERVES_MS = 100
SLOTS = 48
TENANTS = 4
PEOPLE = 150
SAMPLE_S = 0.01


async def tenants(rig: Rig) -> list[Tenant]:
    """Several, since one of them may have sixteen leases at a time."""
    names = [f"t{number}" for number in range(TENANTS)]
    return [await rig.stack.tenants.create(name, org=f"org-{name}", now_ms=1) for name in names]


async def crowd(rig: Rig, among: list[Tenant], **more: str) -> None:
    """Much to do for all of them."""
    for tenant in among:
        people = (person(each, **more) for each in range(PEOPLE))
        await asyncio.gather(*(rig.put(one, tenant=tenant) for one in people))


async def limit_of(stack: Stack, worker: Process) -> int:
    async with stack.http.get(f"http://127.0.0.1:{worker.ops}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    [line] = [each for each in lines if each.startswith("bldng_scim_backend_concurrency_limit ")]
    return int(float(line.split()[1]))


async def under_way(stack: Stack, seconds: float) -> list[int]:
    """How many calls were under way at BLDNG, looked at again and again."""
    seen = []
    for _ in range(int(seconds / SAMPLE_S)):
        seen.append(stack.faults.under_way)
        await passed(SAMPLE_S)
    return seen


async def test_it_settles_near_what_bldng_can_bear_and_recovers(stack: Stack) -> None:
    stack.faults.add(Fault(action="delay", delay_ms=SERVES_MS, capacity=CAPACITY))
    async with rigged(stack) as rig:
        among = await tenants(rig)
        await crowd(rig, among)
        worker = await stack.start_worker(BLDNG_SCIM_SLOTS=str(SLOTS), BLDNG_SCIM_LEASE_MS="30000")

        async def settled() -> bool:
            return await limit_of(stack, worker) <= 2 * CAPACITY

        await eventually(settled, within_s=30)
        seen = await under_way(stack, 3)
        assert CAPACITY / 2 <= statistics.median(seen) <= 2.5 * CAPACITY
        low = await limit_of(stack, worker)
        stack.faults.clear()
        changes = itertools.count()

        async def recovered() -> bool:
            """The limit grows with work only, so there is more of it until it has grown."""
            if await limit_of(stack, worker) >= 2 * low:
                return True
            await crowd(rig, among, displayName=f"Changed {next(changes)}")
            return False

        await eventually(recovered, within_s=60)
        await oracle.drained(rig.stack, within_s=60)
        assert (
            sum(len(stack.state.org(f"org-t{each}").users.records) for each in range(TENANTS))
            == TENANTS * PEOPLE
        )
