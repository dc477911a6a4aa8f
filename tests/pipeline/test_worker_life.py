"""A worker's own life: leases kept and lost, shutdown, a Redis that fails, bugs of ours."""

import asyncio
import time
from typing import Any

import pytest
import redis.asyncio

from clients.redis import embedded
from clients.redis.types import Outcome, Settlement, SettleStatus
from tests.support.waiting import eventually
from tests.support.worker import Rig, person, rk
from workers.hands import Hand
from workers.lease import Lease
from workers.settling import Settler
from workers.tenant_cache import TenantCache

ORG = "org-acme"
USERS = f"/orgs/{ORG}/users"


async def test_a_stop_lets_the_attempt_in_hand_finish(rig: Rig) -> None:
    doc = person(1)
    rig.sandbox.order(action="delay", delay_ms=300, method="POST", times=1)
    async with rig.working():
        await rig.put(doc)
        await rig.until(doc, "L")
    state = await rig.state(doc)
    assert state.state == "S"
    assert len(rig.users()) == 1


async def test_a_stop_gives_back_what_cannot_finish(rig: Rig) -> None:
    """Uncounted, and due at once when no create was sent."""
    doc = person(1)
    rig.sandbox.order(action="hang", method="GET", times=1)
    async with rig.working(drain_s=0.05):
        await rig.put(doc)
        await rig.until(doc, "L")
        began = time.monotonic()
    assert time.monotonic() - began < 0.5
    state = await rig.state(doc)
    assert (state.state, state.failures, state.crashes) == ("P", 0, 0)
    async with rig.working():
        await rig.until(doc, "S")


async def test_a_stop_during_a_create_leaves_the_settle_delay(rig: Rig) -> None:
    doc = person(1)
    rig.sandbox.order(action="delay", delay_ms=400, when="after", method="POST", times=1)
    async with rig.working(drain_s=0.05, settle_ms=700):
        await rig.put(doc)
        await eventually(
            lambda: rig.metric("backend_requests_total", operation="user_find", code="200") == 2
        )
    state = await rig.state(doc)
    assert (state.state, state.failures) == ("R", 0)
    async with rig.working(settle_ms=700):
        await rig.until(doc, "S")
    assert len(rig.users()) == 1


async def test_a_cancelled_worker_ends_at_once_and_its_lease_heals(rig: Rig) -> None:
    doc = person(1)
    rig.sandbox.order(action="hang", method="GET", times=1)
    running = asyncio.ensure_future(rig.worker(lease_ms=600).run(asyncio.Event()))
    await rig.put(doc)
    await rig.until(doc, "L")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await rig.state(doc)).state == "L"
    async with rig.working():
        await rig.until(doc, "S")
    assert rig.metric("jobs_reclaimed_total") == 1


async def test_the_heart_keeps_a_lease_longer_than_itself(rig: Rig) -> None:
    """Lookups of 0.4 s each against a lease of 0.6 s: nobody else gets the resource."""
    doc = person(1)
    rig.sandbox.order(action="delay", delay_ms=400, method="GET")
    async with rig.working(lease_ms=600), rig.working(lease_ms=600):
        await rig.put(doc)
        await rig.until(doc, "S")
    assert rig.metric("jobs_reclaimed_total") == 0
    assert (await rig.state(doc)).crashes == 0


async def test_an_attempt_without_lease_time_left_sends_nothing(rig: Rig) -> None:
    """The request could outlive the lease: the resource is given back instead, uncounted."""
    doc = person(1)
    await rig.put(doc)
    [item] = await claim(rig, "late", lease_ms=2000)
    lease = Lease(deadline_s=time.monotonic() + 0.9, request_timeout_s=0.5)
    settled = await rig.worker()._service.serve(Hand(item, lease))
    assert settled is not None
    assert settled.status is SettleStatus.RELEASED
    assert not rig.sandbox.calls("POST")
    assert (await rig.state(doc)).failures == 0


async def test_a_stale_settle_after_an_effect_has_the_newest_state_sent_again(rig: Rig) -> None:
    """A worker that slept through its lease has sent an older state over a newer one."""
    doc = person(1, displayName="old")
    await rig.put(doc)
    [item] = await claim(rig, "sleeper", lease_ms=1)
    hand = Hand(item, Lease(deadline_s=time.monotonic() + 5, request_timeout_s=0.1))
    hand.lease.admit(time.monotonic())
    async with rig.working():
        await rig.put({**doc, "displayName": "new"})
        await rig.until(doc, "S")
        [user] = rig.users()
        await rig.bldng.users.patch(
            ORG, user["id"], fields={"displayName": "old"}, request_id="zombie"
        )
        settled = await settler(rig).settle(hand, Settlement(Outcome.OK, 1))
        assert settled is not None
        assert settled.status is SettleStatus.STALE
        await rig.until_clean()
    assert rig.users()[0]["displayName"] == "new"
    assert rig.metric("stale_settles_total") == 1
    assert rig.metric("resyncs_total") == 1


async def test_a_stale_settle_without_effect_asks_for_nothing(rig: Rig) -> None:
    doc = person(1)
    await rig.put(doc)
    [item] = await claim(rig, "sleeper", lease_ms=1)
    async with rig.working():
        await rig.until(doc, "S")
        hand = Hand(item, Lease(deadline_s=time.monotonic() + 5, request_timeout_s=0.1))
        await settler(rig).settle(hand, Settlement(Outcome.OK, 1))
    assert rig.metric("stale_settles_total") == 1
    assert rig.metric("resyncs_total") == 0


async def test_the_leases_of_an_unanswered_claim_are_given_back(rig: Rig) -> None:
    """The claim ran in Redis, its answer never came: not a crash, and no wait for the lease."""
    doc = person(1)
    await rig.put(doc)
    worker = rig.worker(lease_ms=60_000)
    claims = worker._claims
    [lost] = await claim(rig, f"{worker._means.boot_id}.0", lease_ms=60_000)
    claims._unanswered[lost.partition] = f"{worker._means.boot_id}.0"
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run(stop))
        await rig.until(doc, "S", within_s=3)
        stop.set()
    assert (await rig.state(doc)).crashes == 0
    assert len(rig.events("claim_recovered")) == 1


async def test_redis_trouble_is_waited_out(rig: Rig) -> None:
    doc = person(1)
    async with rig.working() as worker:
        await eventually(worker.healthy)
        epoch = f"sg:{{p{rig.tenant.partition}}}:ep"
        await rig.put(doc)
        await rig.until(doc, "S")
        await rig.stack.client.set(epoch, "another-installation")
        await eventually(lambda: rig.metric("redis_errors_total", kind="foreign") >= 2)
        seen = len(rig.sandbox.log)
        await rig.stack.client.set(epoch, rig.stack.epoch)
        await rig.put({**doc, "displayName": "Ada"})
        await rig.until_clean()
        assert len(rig.sandbox.log) == seen + 1
        assert worker.healthy()


async def test_a_fault_of_ours_is_dead_after_three_and_the_worker_lives(rig: Rig) -> None:
    """A stored document that is no JSON is a bug of ours; it must not take others down."""
    broken, good = person(1), person(2)
    await rig.put(broken)
    root = f"sg:{{p{rig.tenant.partition}}}:acme:"
    await rig.stack.client.set(f"{root}d:{rk(broken)}", b"{")
    await rig.stack.client.hset(f"{root}s:{rk(broken)}", "fl", 2)
    async with rig.working():
        state = await rig.until(broken, "D")
        await rig.put(good)
        await rig.until(good, "S")
    assert state.error_code == "internal"
    assert rig.events("attempt_broke")[0]["error_type"] == "JSONDecodeError"


async def test_a_document_that_cannot_be_mapped_is_dead_and_says_how_to_mend_it(rig: Rig) -> None:
    doc = person(1, userName="")
    doc["userName"] = ""
    async with rig.working():
        await rig.put(doc)
        state = await rig.until(doc, "D")
    assert state.error_code == "unmappable"
    assert "userName" in state.error_text
    assert not rig.sandbox.log


async def test_slots_bound_what_is_in_hand(rig: Rig) -> None:
    rig.sandbox.order(action="delay", delay_ms=60)
    for number in range(12):
        await rig.put(person(number))
    busiest = 0.0

    def clean() -> bool:
        nonlocal busiest
        busiest = max(busiest, rig.metric("worker_slots", state="busy"))
        return len(rig.users()) == 12

    async with rig.working(slots=3):
        await eventually(clean, within_s=15)
        await rig.until_clean()
    assert 1 <= busiest <= 3


async def test_a_worker_that_hears_nothing_serves_a_tenant_at_its_cap_on(rig: Rig) -> None:
    """No wake-up arrives and the fallback is far: its own settles rouse the worker."""
    for number in range(48):
        await rig.put(person(number))
    async with redis.asyncio.Redis(port=embedded.free_port()) as nobody:
        rig.wakes = nobody
        async with rig.working(slots=64, fallback_s=60, lease_ms=60_000):
            await rig.until_clean()
    assert len(rig.users()) == 48


async def claim(rig: Rig, prefix: str, *, lease_ms: int) -> Any:
    """Lease what is due by hand, as a worker that will not be heard of again."""
    found = await rig.stack.queue.claim(
        rig.tenant.partition, max_items=4, token_prefix=prefix, lease_ms=lease_ms, settle_ms=0
    )
    return found.items


def settler(rig: Rig) -> Settler:
    worker = rig.worker()
    cache = TenantCache(rig.stack.tenants, clock=time.monotonic)
    return Settler(rig.stack.queue, cache, worker._means)
