"""A BLDNG that fails: nobody is doubled, nothing is lost, and the right thing is blamed."""

import pytest

from clients.bldng import client
from clients.bldng.sandbox.state import Modes
from clients.redis import embedded
from tests.support.waiting import eventually
from tests.support.worker import Rig, person

ORG = "org-acme"
USERS = f"/orgs/{ORG}/users"


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "hang", "when": "after"},
        {"action": "reset", "when": "after"},
        {"action": "status", "status": 500, "when": "after"},
        {"action": "status", "status": 504, "when": "after"},
        {"action": "status", "status": 503, "retry_after": "1", "when": "after"},
        {"action": "body", "body": "html"},
        {"action": "body", "body": "empty"},
        {"action": "body", "body": "truncated"},
        {"action": "reset", "when": "before"},
    ],
    ids=lambda fault: " ".join(map(str, fault.values())),
)
async def test_a_create_of_unknown_end_leaves_one_record(
    rig: Rig, fault: dict[str, str | int]
) -> None:
    """The backend keeps no promise: no uniqueness, no idempotency keys."""
    rig.sandbox.state.modes = Modes(uniqueness=False, idempotency=False)
    rig.sandbox.order(**fault, method="POST", path=USERS, times=1)
    doc = person(1)
    async with rig.working():
        await rig.put(doc)
        await rig.until(doc, "S")
    [user] = rig.users()
    assert user["id"] == (await rig.state(doc)).backend_id


async def test_no_lookup_comes_before_the_settle_delay_is_over(rig: Rig) -> None:
    rig.sandbox.order(action="reset", when="after", method="POST", path=USERS, times=1)
    doc = person(1)
    async with rig.working(settle_ms=1000):
        await rig.put(doc)
        await rig.until(doc, "S")
    posted = rig.sandbox.calls("POST")[0].at_ms
    later = [row.at_ms for row in rig.sandbox.calls("GET") if row.at_ms > posted]
    assert min(later) - posted > 1000
    assert len(rig.users()) == 1


async def test_a_success_in_an_unreadable_form_is_compared(rig: Rig) -> None:
    doc = person(1)
    async with rig.working():
        await rig.put(doc)
        await rig.until(doc, "S")
        rig.sandbox.order(action="body", body="html", method="PATCH", times=1)
        await rig.put({**doc, "displayName": "Ada"})
        await rig.until_clean()
    assert rig.users()[0]["displayName"] == "Ada"
    assert len(rig.sandbox.calls("PATCH")) == 1
    assert rig.metric("jobs_total", outcome="retry") == 0


async def test_a_refused_record_is_dead_with_its_field_and_the_others_go_on(rig: Rig) -> None:
    bad, good = person(1, displayName="x" * 10_000), person(2)
    rig.sandbox.order(action="status", status=422, method="POST", path=USERS, times=1)
    async with rig.working():
        await rig.put(bad)
        state = await rig.until(bad, "D")
        await rig.put(good)
        await rig.until(good, "S")
    assert state.error_code == "rejected"
    assert "422" in state.error_text


async def test_a_throttled_tenant_rests_uncounted_and_the_others_do_not(rig: Rig) -> None:
    other = await rig.stack.tenants.create("other", org="org-other", now_ms=1)
    rig.sandbox.order(
        action="status", status=429, retry_after="2", org=ORG, method="POST", times=1
    )
    mine, theirs = person(1), person(2)
    async with rig.working():
        await rig.put(mine)
        await eventually(lambda: rig.sandbox.calls("POST"))
        await rig.put(theirs, tenant=other)
        await eventually(lambda: rig.sandbox.users("org-other"))
        await rig.until(mine, "S")
    throttled, served = (row.at_ms for row in rig.sandbox.calls("POST", USERS))
    rested = [row.at_ms for row in rig.sandbox.log if row.org == ORG and row.at_ms > throttled]
    assert min(rested) - throttled >= 1900
    assert served - throttled >= 1900
    assert rig.metric("jobs_total", outcome="park") == 1
    assert rig.metric("backend_throttled_seconds_total") == 2
    assert (await rig.state(mine)).failures == 0


async def test_the_breaker_rests_after_five_faults_and_then_probes(rig: Rig) -> None:
    rig.sandbox.order(action="status", status=500, path=f"/orgs/{ORG}", times=5)
    for number in range(8):
        await rig.put(person(number))
    async with rig.working(slots=1):
        await rig.until_clean(within_s=15)
    at_ms = [row.at_ms for row in rig.sandbox.log]
    assert [row.status for row in rig.sandbox.log][:5] == [500] * 5
    assert at_ms[5] - at_ms[4] > 2400
    assert len(rig.users()) == 8


async def test_an_unreachable_bldng_is_not_the_records_fault(rig: Rig) -> None:
    """Nothing was sent: not counted, and nobody waits for the settle delay."""
    doc = person(1)
    nobody = f"http://127.0.0.1:{embedded.free_port()}/internal/v1"
    async with client.connect(base_url=nobody, token="any") as unreachable:
        rig.bldng = unreachable
        async with rig.working(settle_ms=60_000):
            await rig.put(doc)
            state = await rig.until(doc, "R")
    assert state.failures == 0
    assert state.error_code == "not_sent"
    assert state.due_ms is not None
    assert state.first_dirty_ms is not None
    assert state.due_ms - state.first_dirty_ms < 10_000


async def test_a_poison_record_is_counted_while_the_others_are_served(rig: Rig) -> None:
    doc = person(1)
    async with rig.working():
        await rig.put(doc)
        backend_id = (await rig.until(doc, "S")).backend_id
        rig.sandbox.order(action="status", status=500, path=f"{USERS}/{backend_id}")
        await rig.put({**doc, "displayName": "Ada"})
        state = await rig.until(doc, "R")
        other = person(2)
        await rig.put(other)
        await rig.until(other, "S")
    assert state.failures == 1
    assert state.error_code == "unavailable"


async def test_a_refused_token_parks_the_tenant_and_nothing_is_lost(rig: Rig) -> None:
    right, rig.sandbox.state.token = rig.sandbox.state.token, "another"
    doc = person(1)
    async with rig.working():
        await rig.put(doc)
        await eventually(lambda: rig.metric("jobs_total", outcome="park") == 1)
        assert len(rig.sandbox.log) == 2, "the token is asked for once more"
        rig.sandbox.state.token = right
        await rig.stack.queue.resume(rig.tenant)
        await rig.until(doc, "S")
    assert (await rig.state(doc)).failures == 0


async def test_content_that_returns_to_what_it_was_is_sent_after_a_failed_change(
    rig: Rig,
) -> None:
    """The failed PATCH may have had its effect: equal to the last success is not enough."""
    doc = person(1, displayName="old")
    async with rig.working():
        await rig.put(doc)
        await rig.until(doc, "S")
        rig.sandbox.order(action="reset", when="after", method="PATCH", times=1)
        await rig.put({**doc, "displayName": "new"})
        await rig.until(doc, "R")
        await rig.put(doc)
        await rig.until_clean()
    assert rig.users()[0]["displayName"] == "old"


async def test_a_lookup_that_lags_behind_a_conflict_finds_the_record_by_its_id(rig: Rig) -> None:
    rig.sandbox.state.modes = Modes(idempotency=False, visible_after_ms=60_000)
    rig.sandbox.order(action="reset", when="after", method="POST", path=USERS, times=1)
    doc = person(1)
    async with rig.working():
        await rig.put(doc)
        await rig.until(doc, "S")
    [user] = rig.users()
    assert user["id"] == (await rig.state(doc)).backend_id


async def test_one_deleted_while_the_create_was_in_flight_is_finally_absent(rig: Rig) -> None:
    """The create took effect, its answer never came, and the person was deleted meanwhile."""
    rig.sandbox.order(action="reset", when="after", method="POST", path=USERS, times=1)
    doc = person(1)
    async with rig.working():
        await rig.put(doc)
        await rig.until(doc, "R")
        assert len(rig.users()) == 1
        await rig.remove(doc)
        await rig.until_clean()
    assert rig.users() == []


async def test_a_claim_that_changed_while_the_create_was_in_flight_is_not_doubled(
    rig: Rig,
) -> None:
    rig.sandbox.order(action="reset", when="after", method="POST", path=USERS, times=1)
    doc = person(1)
    async with rig.working():
        await rig.put(doc)
        await rig.until(doc, "R")
        await rig.put({**doc, "userName": "new@example.com", "externalId": "object-new"})
        await rig.until_clean()
    [user] = rig.users()
    assert (user["username"], user["ssoSubject"]) == ("new@example.com", "object-new")


async def test_deleting_one_that_was_never_sent_leaves_a_legacy_namesake_alone(rig: Rig) -> None:
    rig.sandbox.order(action="status", status=500, method="GET", path=USERS, times=1)
    doc = person(1)
    async with rig.working():
        await rig.put(doc)
        await rig.until(doc, "R")
        await rig.bldng.users.create(
            ORG,
            fields={"username": doc["userName"], "active": True},
            idempotency_key="by-hand",
            request_id="by-hand",
        )
        await rig.remove(doc)
        await rig.until_clean()
    assert len(rig.users()) == 1
