"""People through the whole pipe: real gateway, worker and Redis processes, sandbox over HTTP."""

import asyncio
import signal
from typing import Any

from clients.bldng.sandbox.faults import Fault
from clients.bldng.sandbox.state import Modes
from tests.support.stack import LEASE_MS, SETTLE_MS, Stack, lines
from tests.support.waiting import eventually

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
OBJECT_ID = "6764549b-ef60-4bb8-b8ec-3c0d3b5a37a1"
TOMBSTONE = OBJECT_ID.replace("-", "") + "joy@contoso.com"


def person(name: str = "joy", object_id: str = OBJECT_ID, **more: Any) -> dict[str, Any]:
    """The body of a create as Entra sends it."""
    return {
        "schemas": [CORE, ENTERPRISE],
        "userName": f"{name}@contoso.com",
        "externalId": object_id,
        "active": True,
        "displayName": name.title(),
        "emails": [{"primary": True, "type": "work", "value": f"{name}@contoso.com"}],
        ENTERPRISE: {"employeeNumber": "701984", "department": "Tour Operations"},
        **more,
    }


def replace(**values: Any) -> dict[str, Any]:
    """A PATCH in Entra's default dialect: one operation per attribute."""
    operations = [
        {"op": "Replace", "path": path, "value": value} for path, value in values.items()
    ]
    return {"schemas": [PATCH], "Operations": operations}


async def create(stack: Stack, body: dict[str, Any]) -> str:
    status, answer = await stack.request("POST", "/Users", body)
    assert status == 201, answer
    return str(answer["id"])


async def test_a_life_reaches_bldng_step_by_step(stack: Stack) -> None:
    await stack.start_worker()
    scim_id = await create(stack, person())
    await stack.until_synced()
    (created,) = stack.people()
    assert created["ssoSubject"] == OBJECT_ID
    assert created["employeeNumber"] == "701984"
    departments = list(stack.state.org("acme").departments)
    assert [each["name"] for each in departments] == ["Tour Operations"]
    assert created["departmentId"] == departments[0]["id"]

    await stack.request("PATCH", f"/Users/{scim_id}", replace(displayName="Joy Young"))
    await stack.request("PATCH", f"/Users/{scim_id}", replace(active="False"))
    await stack.until_synced()
    (disabled,) = stack.people()
    assert (disabled["displayName"], disabled["active"]) == ("Joy Young", False)

    await stack.request("PATCH", f"/Users/{scim_id}", replace(active="True"))
    await stack.until_synced()
    assert stack.people()[0]["active"] is True

    status, _ = await stack.request("DELETE", f"/Users/{scim_id}")
    assert status == 204
    await stack.until_synced()
    assert stack.people() == []


async def test_a_tombstone_never_reaches_bldng_and_the_return_keeps_the_record(
    stack: Stack,
) -> None:
    await stack.start_worker()
    scim_id = await create(stack, person())
    await stack.until_synced()
    (before,) = stack.people()

    await stack.request("PATCH", f"/Users/{scim_id}", replace(userName=TOMBSTONE, active="False"))
    await stack.until_synced()
    (gone,) = stack.people()
    assert (gone["username"], gone["active"]) == ("joy@contoso.com", False)

    back = replace(userName="joy@contoso.com", active="True")
    status, answer = await stack.request("PATCH", f"/Users/{scim_id}", back)
    assert (status, answer["id"], answer["active"]) == (200, scim_id, True)
    await stack.until_synced()
    (returned,) = stack.people()
    assert (returned["id"], returned["active"]) == (before["id"], True)
    assert not any(
        "username" in (call.body or {}) and TOMBSTONE in str(call.body) for call in stack.state.log
    )


async def test_recreated_while_the_delete_is_pending_never_adopts_the_doomed_record(
    stack: Stack,
) -> None:
    worker = await stack.start_worker()
    first = await create(stack, person())
    await stack.until_synced()
    (doomed,) = stack.people()
    worker.stop()

    await stack.request("DELETE", f"/Users/{first}")
    second = await create(stack, person())
    assert second != first
    await stack.start_worker()
    await stack.until_synced()

    (living,) = stack.people()
    assert living["id"] != doomed["id"]
    order = [call.method for call in stack.state.log if call.effect and call.method != "PATCH"]
    assert order[-2:] == ["DELETE", "POST"]


async def test_a_hundred_updates_in_a_second_are_a_few_calls(stack: Stack) -> None:
    await stack.start_worker()
    scim_id = await create(stack, person())
    await stack.until_synced()
    stack.faults.add(Fault(action="delay", delay_ms=300, method="PATCH"))
    stack.state.log.clear()

    for number in range(100):
        await stack.request("PATCH", f"/Users/{scim_id}", replace(displayName=f"Joy {number}"))
    await stack.until_synced()

    assert stack.people()[0]["displayName"] == "Joy 99"
    assert len(stack.calls("PATCH")) < 25


async def test_a_worker_killed_between_bldngs_201_and_its_settle_leaves_one_user(
    stack: Stack,
) -> None:
    stack.faults.add(Fault(action="hang", when="after", method="POST", path="/orgs/acme/users"))
    worker = await stack.start_worker()
    await create(stack, person())
    await eventually(lambda: len(stack.people()) == 1)
    worker.kill()
    stack.faults.clear()
    stack.state.modes = Modes(uniqueness=False, idempotency=False)

    await stack.start_worker()
    await stack.until_synced(within_s=(LEASE_MS + SETTLE_MS) / 1000 + 10)
    assert len(stack.people()) == 1


async def test_a_worker_stopped_in_order_gives_back_what_it_holds(stack: Stack) -> None:
    stack.faults.add(Fault(action="delay", delay_ms=200))
    worker = await stack.start_worker()
    for number in range(20):
        await create(stack, person(f"p{number}", object_id=f"id-{number}"))
    await eventually(lambda: len(stack.state.log) > 0)
    assert await asyncio.to_thread(worker.stop) == 0
    stack.faults.clear()

    await stack.start_worker()
    await stack.until_synced()
    assert len(stack.people()) == 20
    settled = [line for line in lines(worker, "sync_attempt") if line["outcome"] == "retry"]
    assert settled == []


async def test_redis_killed_under_load_loses_nothing_that_was_acknowledged(stack: Stack) -> None:
    await stack.start_worker()
    acknowledged: dict[str, str] = {}
    refused: list[int] = []
    stop = asyncio.Event()

    async def write(writer: int) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            name = f"w{writer}-{number}"
            status, answer = await stack.request("POST", "/Users", person(name, object_id=name))
            if status == 201:
                acknowledged[answer["id"]] = answer["userName"]
            else:
                refused.append(status)

    async with asyncio.TaskGroup() as group:
        for writer in range(8):
            group.create_task(write(writer))
        for target in (40, 120, 200):
            await eventually(lambda: len(acknowledged) > target, within_s=20)  # noqa: B023
            stack.redis.kill()
            await asyncio.to_thread(stack.redis.start)
        await eventually(lambda: len(acknowledged) > 280, within_s=20)
        stop.set()

    assert set(refused) <= {503, 409}
    for scim_id, name in acknowledged.items():
        status, answer = await stack.request("GET", f"/Users/{scim_id}")
        assert (status, answer["userName"]) == (200, name)
    await stack.until_synced(within_s=60)
    assert {each["username"] for each in stack.people()} >= set(acknowledged.values())
    assert len({each["username"] for each in stack.people()}) == len(stack.people())


async def test_bldng_down_for_a_whole_cycle_never_shows_and_all_converges(stack: Stack) -> None:
    worker = await stack.start_worker()
    known = [await create(stack, person(f"k{n}", object_id=f"k{n}")) for n in range(10)]
    await stack.until_synced()
    stack.faults.add(Fault(action="reset", when="before"))

    statuses = set()
    for number, scim_id in enumerate(known):
        change = replace(displayName=f"After {number}")
        statuses.add((await stack.request("PATCH", f"/Users/{scim_id}", change))[0])
    for number in range(20):
        body = person(f"n{number}", object_id=f"n{number}")
        statuses.add((await stack.request("POST", "/Users", body))[0])
    assert statuses == {200, 201}
    await eventually(lambda: any(lines(worker, "sync_attempt")))

    stack.faults.clear()
    await stack.until_synced(within_s=60)
    names = {each["displayName"] for each in stack.people()}
    assert {f"After {number}" for number in range(10)} < names
    assert len(stack.people()) == 30
    assert (await stack.depths())["dead"] == 0


async def test_a_frozen_worker_that_lost_its_lease_changes_nothing_afterwards(
    stack: Stack,
) -> None:
    frozen = await stack.start_worker()
    stack.faults.add(Fault(action="delay", delay_ms=500, method="PATCH", times=1))
    scim_id = await create(stack, person())
    await stack.until_synced()
    await stack.request("PATCH", f"/Users/{scim_id}", replace(displayName="Old"))
    await eventually(lambda: len(stack.calls("PATCH")) == 0 and not stack.faults.ordered)
    frozen.signal(signal.SIGSTOP)
    await stack.start_worker()
    await stack.request("PATCH", f"/Users/{scim_id}", replace(displayName="New"))
    await stack.until_synced(within_s=20)
    frozen.signal(signal.SIGCONT)
    await eventually(lambda: stack.people()[0]["displayName"] == "New")
    await stack.until_synced()
    assert stack.people()[0]["displayName"] == "New"
