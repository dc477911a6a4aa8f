"""F32 to F47: a BLDNG that is down, slow, throttling, lying, or changed behind our back.

F32  down while much is dirty
F33  flapping
F34  429 with seconds, with a date, with garbage
F35  503 with and without Retry-After
F36  create times out after it was done
F37  500 after a create was done, again and again
F38  an answer that trickles
F39  200 with the wrong, broken, missing or endless body
F40  409: the name belongs to a change of ours that is on its way
F41  409: the name belongs to a stranger
F42  record deleted behind our back
F43  one person who always fails among many
F44  look-ups that lag behind
F45  two processes make the same department
F46  token refused for one tenant
F47  an old PATCH delivered late by the network
"""

import asyncio
import itertools
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from clients.bldng.sandbox.faults import Fault
from clients.bldng.sandbox.state import Modes
from clients.redis.types import Tenant
from tests.chaos.scene import (
    BUSY_S,
    IN_TIME_S,
    SKEWED,
    USERS,
    Entra,
    Look,
    attempts,
    check_rig,
    logged,
    looking,
    passed,
    peak_kb,
    rigged,
    shift_clock,
)
from tests.support import oracle, proxy
from tests.support.stack import ORG, Process, Stack
from tests.support.waiting import eventually
from tests.support.worker import Rig, in_department
from tests.support.worker import person as plain

HELD_MAX_KB = 10_000
"""How far a worker may grow at a hundred megabytes of answer: what one connection buffers."""

FORGETFUL = Modes(uniqueness=False, idempotency=False)
LONG = (pytest.mark.long, pytest.mark.timeout(1800))


async def another_tenant(rig: Rig) -> Tenant:
    return await rig.stack.tenants.create("other", org="org-other", now_ms=1)


@pytest.mark.parametrize(
    ("down_s", "people"),
    [pytest.param(1.5, 30, id="short"), pytest.param(600.0, 50_000, id="whole", marks=LONG)],
)
async def test_f32_down_while_much_is_dirty(
    stack: Stack, entra: Entra, down_s: float, people: int
) -> None:
    """SCIM does not notice, few probes go out, nobody's failures are counted, all arrives."""
    port = int(stack.backend_url.split(":")[2].partition("/")[0])
    async with proxy.between(port) as wire, looking(stack) as look:
        url = stack.backend_url.replace(f":{port}/", f":{wire.port}/")
        wire.refuse()
        worker = await stack.start_worker(BLDNG_SCIM_BACKEND_URL=url)
        began_s = time.monotonic()
        known = [await entra.create(f"p{number}") for number in range(people)]
        assert set(entra.statuses) == {201}
        await passed(max(0.0, began_s + down_s - time.monotonic()))
        tried = list(attempts(worker))
        assert {each["error_code"] for each in tried} == {"not_sent"}
        assert len(tried) <= 16 + 10, "what was in flight when the breaker opened, then probes"
        assert (await look.state(known[0])).failures == 0
        stack.faults.add(Fault(action="delay", delay_ms=30))
        await wire.listen()
        caps = await caps_until_done(look, within_s=300 + people)
        assert caps[:2] == [1, 2]
        assert all(later <= 2 * earlier for earlier, later in itertools.pairwise(caps))
        stack.faults.clear()
        await entra.check(within_s=60 + people)


async def caps_until_done(look: Look, *, within_s: float) -> list[int]:
    """How many leases the tenant was allowed, one after the other, once it was served again."""
    seen: list[int] = []

    async def done() -> bool:
        cap = await look.ctl("cap")
        if cap and (not seen or int(cap) > seen[-1]):
            seen.append(int(cap))
        return bool(seen) and not cap

    await eventually(done, within_s=within_s)
    return seen


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_f33_flapping(stack: Stack, entra: Entra) -> None:
    """Each time BLDNG is up there is progress; while it is down there are few probes."""
    worker = await stack.start_worker()
    for number in range(400):
        await entra.create(f"p{number}")
    stack.faults.add(Fault(action="delay", delay_ms=50))
    for _ in range(4):
        stack.faults.ordered.insert(0, Fault(action="reset", when="before"))
        await passed(0.5)
        before = len(list(attempts(worker)))
        await passed(4.5)
        assert len(list(attempts(worker))) - before <= 5
        del stack.faults.ordered[0]
        arrived = len(stack.people())
        await eventually(lambda: len(stack.people()) > arrived or arrived == 400, within_s=10)  # noqa: B023
        await passed(5.0)
    stack.faults.clear()
    await entra.check(within_s=120)


def in_seven_seconds() -> str:
    return formatdate(time.time() + 7, usegmt=True)


@pytest.mark.parametrize(
    ("status", "retry_after", "rests_s"),
    [
        pytest.param(429, lambda: "7", 7, id="f34-seconds"),
        pytest.param(429, in_seven_seconds, 7, id="f34-date"),
        pytest.param(429, lambda: "soon", 30, id="f34-garbage"),
        pytest.param(503, lambda: "7", 7, id="f35-seconds"),
    ],
)
async def test_f34_f35_throttled(
    stack: Stack, entra: Entra, status: int, retry_after: Callable[[], str], rests_s: int
) -> None:
    """The tenant rests as long as it was told to, uncounted; the others do not."""
    stack.faults.add(
        Fault(action="status", status=status, retry_after=retry_after(), org=ORG, times=1)
    )
    worker = await stack.start_worker()
    async with rigged(stack) as rig, looking(stack) as look:
        other = await another_tenant(rig)
        joy = await entra.create("joy")
        await eventually(lambda: list(attempts(worker)))
        assert rests_s - 1 - BUSY_S / 2 < await look.hold_ms() / 1000 <= rests_s
        seen = len(stack.state.log)
        await entra.create("ann")
        await rig.put(plain(1), tenant=other)
        await eventually(lambda: stack.state.org("org-other").users.records)
        assert all(row.org == "org-other" for row in list(stack.state.log)[seen:])
        assert (await look.state(joy)).failures == 0
        await rig.stack.queue.resume(rig.tenant)
        await entra.check()


async def test_f35_503_without_retry_after_is_a_fault(stack: Stack, entra: Entra) -> None:
    """It counts as the attempt's failure and parks nobody."""
    stack.faults.add(Fault(action="status", status=503, method="POST", path=USERS, times=1))
    worker = await stack.start_worker()
    joy = await entra.create("joy")
    async with looking(stack) as look:
        state = await look.until(joy, "R")
        assert (state.failures, state.error_code) == (1, "unavailable")
        assert await look.ctl("hold") == ""
    await entra.check()
    assert [each["outcome"] for each in await logged(worker, 2)] == ["retry", "ok"]


async def test_f36_create_times_out_after_it_was_done(stack: Stack, entra: Entra) -> None:
    """One record; nobody looks before the settle delay is over."""
    stack.state.modes = FORGETFUL
    stack.faults.add(Fault(action="hang", when="after", method="POST", path=USERS, times=1))
    settle_ms, least_backoff_ms = 1600, 1000
    worker = await stack.start_worker(BLDNG_SCIM_SETTLE_MS=str(settle_ms))
    await entra.create("joy")
    await eventually(lambda: list(attempts(worker)))
    given_up_ms = stack.state.now_ms()
    await entra.check()
    later = [row.at_ms for row in stack.calls("GET", USERS) if row.at_ms > given_up_ms]
    assert min(later) - given_up_ms >= settle_ms + least_backoff_ms - 100
    assert len(stack.people()) == 1


@pytest.mark.parametrize(
    "people", [pytest.param(40, id="short"), pytest.param(5000, id="whole", marks=LONG)]
)
async def test_f37_500_after_a_create_was_done(stack: Stack, entra: Entra, people: int) -> None:
    """Thirty of a hundred creates lie about it; nobody is doubled."""
    stack.state.modes = FORGETFUL
    stack.faults.add(
        Fault(action="status", when="after", method="POST", path=USERS, probability=0.3)
    )
    await stack.start_worker()
    for number in range(people):
        await entra.create(f"p{number}")
    await entra.check(within_s=30 + people / 10)
    assert len(stack.people()) == people
    assert any(row.fault for row in stack.state.log)


async def test_f38_an_answer_that_trickles(stack: Stack) -> None:
    """It is cut, and the other tenants are as quick as ever."""
    stack.faults.add(Fault(action="trickle", method="GET", org=ORG, times=16))
    await stack.start_worker()
    async with rigged(stack) as rig:
        other = await another_tenant(rig)
        for number in range(16):
            await rig.put(plain(number))
        await eventually(lambda: not stack.faults.ordered)
        took_s = [await served(rig, other, 100 + number) for number in range(5)]
        assert max(took_s) < 0.6
        await oracle.drained(rig.stack, within_s=IN_TIME_S + BUSY_S + 8)
        await check_rig(rig)


async def served(rig: Rig, tenant: Tenant, number: int) -> float:
    """How long it took until a new person of the tenant was at BLDNG, in seconds."""
    began_s = time.monotonic()
    known = len(rig.sandbox.users(tenant.org))
    await rig.put(plain(number), tenant=tenant)
    await eventually(lambda: len(rig.sandbox.users(tenant.org)) > known)
    return time.monotonic() - began_s


async def test_f39_201_with_a_body_against_the_contract(stack: Stack, entra: Entra) -> None:
    """Never taken for a success, called by its name, little memory; then it heals."""
    stack.state.modes = FORGETFUL
    worker = await stack.start_worker()
    await entra.create("joy")
    await entra.check()
    held_kb = peak_kb(worker)
    for body in ("html", "empty", "truncated", "huge"):
        stack.faults.add(Fault(action="body", body=body, method="POST", path=USERS, times=1))
        await entra.create(body)
    await eventually(lambda: len(refused(worker)) == 4, within_s=8)
    assert {each["error_code"] for each in refused(worker)} == {"protocol", "unanswered"}
    await entra.check()
    assert peak_kb(worker) - held_kb < HELD_MAX_KB


async def test_f39_200_with_a_body_against_the_contract(stack: Stack, entra: Entra) -> None:
    """The same with an update, and with the record that is read to find out what happened."""
    worker = await stack.start_worker()
    bodies = ("html", "empty", "wrong_id", "truncated", "huge")
    known = {body: await entra.create(body) for body in bodies}
    await entra.check()
    held_kb = peak_kb(worker)
    for body in bodies:
        record = stack.person(f"{body}@contoso.com") or {}
        path = f"{USERS}/{record['id']}"
        for method in ("PATCH", "GET"):
            stack.faults.add(Fault(action="body", body=body, method=method, path=path, times=1))
        await entra.patch(known[body], displayName="Changed")
    await eventually(lambda: len(refused(worker)) == 5, within_s=8)
    assert {each["error_code"] for each in refused(worker)} == {"protocol", "unanswered"}
    await entra.check()
    assert peak_kb(worker) - held_kb < HELD_MAX_KB


async def test_f39_201_with_the_id_of_nobody(stack: Stack, entra: Entra) -> None:
    """Nothing tells it from a right one; the next change finds out, and nobody is doubled."""
    stack.state.modes = FORGETFUL
    stack.faults.add(Fault(action="body", body="wrong_id", method="POST", path=USERS, times=1))
    await stack.start_worker()
    joy = await entra.create("joy")
    await entra.check()
    await entra.patch(joy, displayName="Joy Young")
    await entra.check()
    async with looking(stack) as look:
        assert (await look.state(joy)).backend_id == stack.people()[0]["id"]


def refused(worker: Process) -> list[dict[str, Any]]:
    return [each for each in attempts(worker) if each["outcome"] != "ok"]


async def test_f40_409_from_a_rename_of_ours_on_its_way(stack: Stack, entra: Entra) -> None:
    """Whoever takes the name waits for the rename, in whatever order they come."""
    await stack.start_worker()
    ann = await entra.create("ann")
    await entra.check()
    record = stack.people()[0]["id"]
    stack.faults.add(Fault(action="status", method="PATCH", path=f"{USERS}/{record}", times=1))
    await entra.patch(ann, userName="ann.married@contoso.com")
    status, answer = await entra.send("POST", "/Users", taker_of("ann"))
    assert status == 201
    taker = entra.journal.stored(answer)
    async with looking(stack) as look:
        await look.until(taker, "W")
        await entra.check()
        assert (await look.state(taker)).failures == 0
    effects = [row.method for row in stack.state.log if row.effect and row.path.startswith(USERS)]
    assert effects == ["POST", "PATCH", "POST"]


async def test_f40_409_from_a_delete_of_ours_on_its_way(stack: Stack, entra: Entra) -> None:
    """The same with a person who leaves: never dead, never the doomed record."""
    await stack.start_worker()
    ann = await entra.create("ann")
    await entra.check()
    stack.faults.add(Fault(action="status", method="DELETE", times=1))
    assert await entra.delete(ann) == 204
    status, answer = await entra.send("POST", "/Users", taker_of("ann"))
    assert status == 201
    entra.journal.stored(answer)
    await entra.check()
    effects = [row.method for row in stack.state.log if row.effect and row.path.startswith(USERS)]
    assert effects == ["POST", "DELETE", "POST"]


def taker_of(name: str) -> dict[str, Any]:
    """Another person with a login name that somebody has."""
    return {"userName": f"{name}@contoso.com", "externalId": "object-taker", "active": True}


async def test_f41_409_from_a_stranger(stack: Stack, entra: Entra) -> None:
    """Dead after one attempt, and the cause names the field."""
    root = stack.backend_url.removesuffix("/internal/v1")
    stranger = {"username": "joy@contoso.com", "ssoSubject": "somebody", "active": True}
    async with stack.http.post(f"{root}/_sandbox{USERS}", json=stranger) as answer:
        assert answer.status == 201
    stack.state.modes = Modes(visible_after_ms=60_000)
    worker = await stack.start_worker()
    joy = await entra.create("joy")
    async with looking(stack) as look:
        state = await look.until(joy, "D")
    assert state.error_code == "conflict"
    assert "username" in state.error_text
    assert [row.status for row in stack.calls("POST", USERS)] == [409]
    assert len(await logged(worker, 1)) == 1
    assert len(stack.people()) == 1


async def test_f42_record_deleted_behind_our_back(stack: Stack, entra: Entra) -> None:
    """Made anew once, under a new id."""
    await stack.start_worker()
    joy = await entra.create("joy")
    await entra.check()
    [before] = stack.people()
    stack.state.org(ORG).users.drop(before["id"])
    await entra.patch(joy, displayName="Joy Young")
    await entra.check()
    [after] = stack.people()
    assert after["id"] != before["id"]
    assert len([row for row in stack.calls("POST", USERS) if row.effect]) == 2


async def test_f43_one_person_who_always_fails(bare: Stack) -> None:
    """The breaker stays closed, the others are served, and after sixteen it is dead."""
    await bare.start_gateway()
    async with (
        rigged(bare, clock=SKEWED) as rig,
        rig.working(fallback_s=0.02),
        looking(bare) as look,
    ):
        poison = plain(0)
        await rig.put(poison)
        record = (await rig.until(poison, "S")).backend_id
        rig.sandbox.order(action="status", path=f"{USERS}/{record}")
        await rig.put({**poison, "displayName": "Changed"})
        skew_ms = 0
        for number in range(1, 17):
            state = await look.until(poison["id"], "RD")
            assert state.failures == min(number, 15) or state.state == "D"
            await rig.put(plain(number))
            await rig.until(plain(number), "S")
            assert await look.ctl("bs") == ""
            if state.due_ms is not None:
                skew_ms += 900_000
                await shift_clock(rig, skew_ms)
                await eventually(lambda: tried_again(rig, poison, number))  # noqa: B023
        assert (await rig.until(poison, "D")).error_code == "unavailable"
    assert len(bare.people()) == 17


async def tried_again(rig: Rig, doc: dict[str, Any], failures: int) -> bool:
    state = await rig.state(doc)
    return state.failures > failures or state.state == "D"


async def test_f44_look_ups_that_lag_behind(stack: Stack, entra: Entra) -> None:
    """As long as the settle delay is longer than the lag, nobody is doubled."""
    stack.state.modes = FORGETFUL.model_copy(update={"visible_after_ms": 1500})
    stack.faults.add(
        Fault(action="reset", when="after", method="POST", path=USERS, probability=0.5)
    )
    await stack.start_worker(BLDNG_SCIM_SETTLE_MS="1700")
    for number in range(12):
        await entra.create(f"p{number}")
    await entra.check(within_s=30)
    assert len(stack.people()) == 12


async def test_f45_two_processes_make_the_same_department(bare: Stack) -> None:
    """One department, whoever was first."""
    await bare.start_gateway()
    bare.faults.add(Fault(action="delay", delay_ms=200, method="GET", path=f"/orgs/{ORG}/dep"))
    async with rigged(bare) as rig:
        for number in range(16):
            await rig.put(in_department(number, "Tour Operations"))
        async with rig.working(slots=8), rig.working(slots=8):
            await check_rig(rig)
        assert {each["outcome"] for each in rig.events("sync_attempt")} == {"ok"}
    made = bare.calls("POST", "/departments")
    assert sorted(row.status for row in made) == [201, 409]
    assert [each["name"] for each in bare.state.org(ORG).departments] == ["Tour Operations"]


async def test_f46_token_refused_for_one_tenant(bare: Stack) -> None:
    """That tenant rests, the others go on; with a good token it goes on by itself."""
    await bare.start_gateway()
    bare.faults.add(Fault(action="status", status=401, org=ORG))
    async with rigged(bare, clock=SKEWED) as rig, rig.working(), looking(bare) as look:
        other = await another_tenant(rig)
        await rig.put(plain(1))
        await eventually(lambda: resting(look, "auth"))
        assert (await rig.state(plain(1))).failures == 0
        await rig.put(plain(2), tenant=other)
        await eventually(lambda: bare.state.org("org-other").users.records)
        seen = len([row for row in bare.state.log if row.org == ORG])
        assert seen == 2, "the call and its one repetition"
        bare.faults.clear()
        await shift_clock(rig, 61_000)
        await check_rig(rig)


async def resting(look: Look, reason: str) -> bool:
    return await look.ctl("reason") == reason


async def test_f47_old_patch_delivered_late(stack: Stack, entra: Entra) -> None:
    """Sent again, the newest state wins: what a sweep over everybody does for each person."""
    await stack.start_worker()
    joy = await entra.create("joy")
    await entra.patch(joy, displayName="New")
    await entra.check()
    [record] = stack.people()
    async with rigged(stack) as rig:
        await rig.bldng.users.patch(
            ORG, record["id"], fields={"displayName": "Old"}, request_id="late"
        )
        assert stack.people()[0]["displayName"] == "Old"
        assert await rig.stack.queue.resync(rig.tenant, f"u:{joy}")
        await asyncio.sleep(0)
    await entra.check()
