"""One person's life from Redis to BLDNG, through a real worker, a real Redis and real HTTP."""

from typing import Any

from tests.support.worker import Rig, in_department, person, rk

FULL: dict[str, Any] = {
    "displayName": "Ada L",
    "name": {"givenName": "Ada", "familyName": "L"},
    "emails": [{"type": "work", "value": "ada@example.com", "primary": True}],
}


async def test_a_created_person_arrives_with_every_mapped_field(rig: Rig) -> None:
    doc = person(1, **FULL)
    async with rig.working():
        await rig.put(doc)
        await rig.until(doc, "S")
    [user] = rig.users()
    assert user["username"] == "user1@example.com"
    assert user["ssoSubject"] == "object-1"
    assert (user["firstName"], user["lastName"]) == ("Ada", "L")
    assert user["email"] == "ada@example.com"
    assert user["active"] is True


async def test_an_update_is_one_patch_of_the_same_record(rig: Rig) -> None:
    doc = person(1, **FULL)
    async with rig.working():
        await rig.put(doc)
        await rig.until(doc, "S")
        [before] = rig.users()
        await rig.put({**doc, "displayName": "Ada Lovelace"})
        await rig.until_clean()
    [after] = rig.users()
    assert after["id"] == before["id"]
    assert after["displayName"] == "Ada Lovelace"
    assert len(rig.sandbox.calls("PATCH")) == 1
    assert len(rig.sandbox.calls("POST")) == 1


async def test_a_value_taken_away_is_cleared_but_one_we_never_set_is_left(rig: Rig) -> None:
    doc = person(1, displayName="Ada")
    async with rig.working():
        await rig.put(doc)
        await rig.until(doc, "S")
        [user] = rig.users()
        rig.sandbox.state.org(rig.tenant.org).users.records[user["id"]]["mobile"] = "0799"
        await rig.put(person(1))
        await rig.until_clean()
    [user] = rig.users()
    assert user["displayName"] is None
    assert user["mobile"] == "0799"


async def test_a_change_of_what_bldng_does_not_hold_costs_no_call(rig: Rig) -> None:
    doc = person(1)
    async with rig.working():
        await rig.put(doc)
        await rig.until(doc, "S")
        await rig.put({**doc, "title": "Countess"})
        await rig.until_clean()
        state = await rig.state(doc)
    assert state.applied_version == state.version == 2
    assert not rig.sandbox.calls("PATCH")


async def test_a_disabled_person_keeps_the_record(rig: Rig) -> None:
    doc = person(1)
    async with rig.working():
        await rig.put(doc)
        await rig.until(doc, "S")
        await rig.put({**doc, "active": False})
        await rig.until_clean()
    [user] = rig.users()
    assert user["active"] is False
    assert rig.metric("sync_latency_seconds_count", resource="user", op="deactivate") == 1


async def test_a_soft_deleted_persons_tombstone_never_reaches_bldng(rig: Rig) -> None:
    doc = person(1)
    async with rig.working():
        await rig.put(doc)
        await rig.until(doc, "S")
        tombstone = "0123456789abcdef0123456789abcdef" + doc["userName"]
        await rig.put({**doc, "active": False, "userName": tombstone})
        await rig.until_clean()
    [user] = rig.users()
    assert (user["username"], user["active"]) == ("user1@example.com", False)


async def test_a_deleted_person_is_gone_at_bldng_and_here(rig: Rig) -> None:
    doc = person(1)
    async with rig.working():
        await rig.put(doc)
        await rig.until(doc, "S")
        await rig.remove(doc)
        await rig.until_clean()
    assert rig.users() == []
    assert await rig.stack.queue.state(rig.tenant, f"u:{doc['id']}") is None


async def test_deleting_a_record_that_is_gone_already_is_done(rig: Rig) -> None:
    doc = person(1)
    async with rig.working():
        await rig.put(doc)
        await rig.until(doc, "S")
        [user] = rig.users()
        rig.sandbox.state.org(rig.tenant.org).users.drop(user["id"])
        await rig.remove(doc)
        await rig.until_clean()
    assert len(rig.sandbox.calls("DELETE")) == 1


async def test_a_record_that_vanished_is_made_again_once(rig: Rig) -> None:
    doc = person(1, **FULL)
    async with rig.working():
        await rig.put(doc)
        before = (await rig.until(doc, "S")).backend_id
        rig.sandbox.state.org(rig.tenant.org).users.drop(before)
        await rig.put({**doc, "displayName": "Ada Lovelace"})
        await rig.until_clean()
        after = (await rig.state(doc)).backend_id
    [user] = rig.users()
    assert user["id"] == after != before
    assert (user["displayName"], user["firstName"]) == ("Ada Lovelace", "Ada")
    assert rig.metric("drift_total") == 1


async def test_many_changes_before_a_worker_comes_are_one_call(rig: Rig) -> None:
    doc = person(1)
    for turn in range(20):
        await rig.put({**doc, "displayName": f"name {turn}"})
    async with rig.working():
        await rig.until(doc, "S")
    [user] = rig.users()
    assert user["displayName"] == "name 19"
    assert len(rig.sandbox.calls("POST")) == 1
    assert not rig.sandbox.calls("PATCH")


async def test_a_change_during_the_attempt_is_one_more_sync(rig: Rig) -> None:
    doc = person(1, displayName="first")
    rig.sandbox.order(action="delay", delay_ms=250, method="POST", times=1)
    async with rig.working():
        await rig.put(doc)
        await rig.until(doc, "L")
        for turn in range(5):
            await rig.put({**doc, "displayName": f"name {turn}"})
        await rig.until(doc, "S")
    [user] = rig.users()
    assert user["displayName"] == "name 4"
    assert len(rig.sandbox.calls("PATCH")) == 1


async def test_departments_are_looked_up_and_made_once(rig: Rig) -> None:
    path = f"/orgs/{rig.tenant.org}/departments"
    rig.sandbox.order(action="delay", delay_ms=150, method="GET", path=path)
    for number in range(8):
        await rig.put(in_department(number, "Sales"))
    async with rig.working():
        await rig.until_clean()
    [department] = rig.sandbox.state.org(rig.tenant.org).departments
    assert {user["departmentId"] for user in rig.users()} == {department["id"]}
    assert len(rig.sandbox.calls("GET", path)) == 1


async def test_two_workers_racing_for_a_department_make_one(rig: Rig) -> None:
    path = f"/orgs/{rig.tenant.org}/departments"
    rig.sandbox.order(action="delay", delay_ms=100, method="GET", path=path, when="before")
    docs = [in_department(number, "Sales") for number in range(12)]
    for doc in docs:
        await rig.put(doc)
    async with rig.working(slots=4), rig.working(slots=4):
        await rig.until_clean()
    [department] = rig.sandbox.state.org(rig.tenant.org).departments
    assert {user["departmentId"] for user in rig.users()} == {department["id"]}
    assert len(rig.users()) == 12


async def test_a_department_that_bldng_removed_is_made_again(rig: Rig) -> None:
    async with rig.working():
        await rig.put(in_department(1, "Sales"))
        await rig.until_clean()
        org = rig.sandbox.state.org(rig.tenant.org)
        [old] = org.departments
        org.departments.drop(old["id"])
        await rig.put(in_department(2, "Sales"))
        await rig.until_clean()
    [department] = org.departments
    assert department["id"] != old["id"]
    assert rig.users()[1]["departmentId"] == department["id"]


async def test_bldngs_log_names_the_scim_request_and_the_claim(rig: Rig) -> None:
    doc = person(1)
    async with rig.working():
        await rig.put(doc)
        await rig.until(doc, "S")
    assert {row.request_id for row in rig.sandbox.log} == {"request.1"}


async def test_each_attempt_is_one_line_without_personal_values(rig: Rig) -> None:
    doc = in_department(1, "Secret Lab") | FULL
    async with rig.working():
        await rig.put(doc)
        await rig.until(doc, "S")
    [line] = rig.events("sync_attempt")
    assert line["op"] == "create"
    assert (line["outcome"], line["settled"], line["tenant"]) == ("ok", "SYNCED", "acme")
    assert line["rk"] == f"u:{doc['id']}"
    assert line["cause"] == "request"
    assert line["latency_ms"] >= 0
    log = rig.lines.getvalue()
    for value in (b"user1@", b"Ada", b"ada@", b"object-1", b"Secret Lab", b"sandbox-service"):
        assert value not in log


async def test_the_metrics_tell_what_happened(rig: Rig) -> None:
    async with rig.working() as worker:
        for number in range(3):
            await rig.put(person(number))
        await rig.until_clean()
        await worker.janitor.refresh()
        snapshot = worker.janitor.snapshot()
        assert worker.healthy()
    assert rig.metric("jobs_total", outcome="ok") == 3
    assert rig.metric("sync_latency_seconds_count", resource="user", op="create") == 3
    assert rig.metric("backend_requests_total", operation="user_create", code="201") == 3
    assert rig.metric("worker_slots", state="busy") == 0
    assert snapshot.tenants == 1
    assert snapshot.depths.ready == 0


async def test_an_idempotency_key_never_brings_a_removed_record_back(rig: Rig) -> None:
    """BLDNG repeats its first answer for a key: here about a record removed since."""
    doc = person(1)
    async with rig.working():
        await rig.put(doc)
        before = (await rig.until(doc, "S")).backend_id
        rig.sandbox.state.org(rig.tenant.org).users.drop(before)
        await rig.stack.queue.resync(rig.tenant, rk(doc))
        await rig.until_clean()
        after = (await rig.state(doc)).backend_id
    [user] = rig.users()
    assert user["id"] == after != before


async def test_a_repeated_answer_about_a_removed_record_is_noticed(rig: Rig) -> None:
    """The healing create itself failed before its effect; the next has the old key again."""
    doc = person(1)
    async with rig.working():
        await rig.put(doc)
        before = (await rig.until(doc, "S")).backend_id
        rig.sandbox.state.org(rig.tenant.org).users.drop(before)
        rig.sandbox.order(action="status", status=500, method="POST", times=1)
        await rig.stack.queue.resync(rig.tenant, rk(doc))
        assert not (await rig.until(doc, "R")).backend_id, "the id of the vanished is forgotten"
        await rig.until_clean()
        after = (await rig.state(doc)).backend_id
    [user] = rig.users()
    assert user["id"] == after != before
