"""Groups through the whole pipe: real gateway, worker and Redis processes, sandbox over HTTP."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from typing import Any

from clients.bldng.sandbox.faults import Fault
from tests.support.stack import LEASE_MS, SETTLE_MS, Stack, lines
from tests.support.waiting import eventually

CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
RECOVERY_S = (LEASE_MS + SETTLE_MS) / 1000 + 10


async def person(stack: Stack, number: int) -> str:
    """A person who exists from now on; the SCIM id."""
    name = f"p{number}@contoso.com"
    body = {"schemas": [CORE_USER], "userName": name, "externalId": f"object-{number}"}
    status, answer = await stack.request("POST", "/Users", body)
    assert status == 201, answer
    return str(answer["id"])


async def people(stack: Stack, numbers: Iterable[int]) -> list[str]:
    """Many people, created at the same time."""
    return list(await asyncio.gather(*(person(stack, number) for number in numbers)))


async def group(stack: Stack, name: str) -> str:
    body = {"schemas": [CORE_GROUP], "displayName": name, "externalId": f"object of {name}"}
    status, answer = await stack.request("POST", "/Groups", body)
    assert status == 201, answer
    return str(answer["id"])


def add(ids: Iterable[str]) -> dict[str, Any]:
    value = [{"$ref": None, "value": each} for each in ids]
    return {"op": "Add", "path": "members", "value": value}


def remove(ids: Iterable[str]) -> dict[str, Any]:
    value = [{"$ref": None, "value": each} for each in ids]
    return {"op": "Remove", "path": "members", "value": value}


async def patch(stack: Stack, group_id: str, *operations: dict[str, Any]) -> None:
    body = {"schemas": [PATCH], "Operations": list(operations)}
    status, answer = await stack.request("PATCH", f"/Groups/{group_id}", body)
    assert status == 204, answer


def held(stack: Stack, name: str) -> list[str] | None:
    """The `externalId`s of a group's members at BLDNG, None while there is no such group."""
    org = stack.state.org("acme")
    found = [each["id"] for each in org.groups if each["name"] == name]
    assert len(found) <= 1, found
    if not found:
        return None
    return sorted(org.users.get(each)["ssoSubject"] for each in org.members.get(found[0], ()))


def expected(numbers: Iterable[int]) -> list[str]:
    return sorted(f"object-{number}" for number in numbers)


async def until_held(
    stack: Stack, name: str, numbers: Sequence[int], within_s: float = 15.0
) -> None:
    """Wait until BLDNG's group has exactly these people."""
    await eventually(lambda: held(stack, name) == expected(numbers), within_s=within_s)


async def test_a_group_and_its_people_in_one_go(stack: Stack) -> None:
    group_id = await group(stack, "Engineers")
    ids = await people(stack, range(5))
    await patch(stack, group_id, add(ids))
    await stack.start_worker()
    await until_held(stack, "Engineers", range(5))
    await stack.until_synced()


async def test_people_in_random_order_while_their_groups_fill(stack: Stack) -> None:
    await stack.start_worker()
    dice = random.Random(7)
    names = ["Red", "Green", "Blue"]
    groups = dict(zip(names, [await group(stack, name) for name in names], strict=True))
    wanted: dict[str, list[int]] = {name: [] for name in names}
    numbers = list(range(60))
    dice.shuffle(numbers)

    async def arrive(number: int, joins: list[str]) -> None:
        scim_id = await person(stack, number)
        for name in joins:
            await patch(stack, groups[name], add([scim_id]))

    async with asyncio.TaskGroup() as tasks:
        for number in numbers:
            joins = dice.sample(names, dice.randint(0, 3))
            for name in joins:
                wanted[name].append(number)
            tasks.create_task(arrive(number, joins))
    for name in names:
        await until_held(stack, name, wanted[name])
    await stack.until_synced()
    assert memberships_sent(stack) == sum(map(len, wanted.values())), "each exactly once"


def memberships_sent(stack: Stack) -> int:
    batches = stack.calls("POST", "members:batch")
    return sum(len(each.body["add"]) + len(each.body["remove"]) for each in batches)


async def test_who_is_deleted_leaves_and_who_is_disabled_stays(stack: Stack) -> None:
    await stack.start_worker()
    group_id = await group(stack, "Engineers")
    ids = await people(stack, range(3))
    await patch(stack, group_id, add(ids))
    await until_held(stack, "Engineers", range(3))

    await stack.request("DELETE", f"/Users/{ids[0]}")
    off = {"op": "Replace", "path": "active", "value": "False"}
    await stack.request("PATCH", f"/Users/{ids[1]}", {"schemas": [PATCH], "Operations": [off]})
    await stack.until_synced()
    assert held(stack, "Engineers") == expected([1, 2])
    _, answer = await stack.request("GET", f"/Groups/{group_id}")
    assert {each["value"] for each in answer["members"]} == set(ids[1:])


async def test_a_rename_and_members_in_one_request(stack: Stack) -> None:
    await stack.start_worker()
    group_id = await group(stack, "Old")
    ids = await people(stack, range(4))
    await patch(stack, group_id, add(ids[:3]))
    await until_held(stack, "Old", range(3))
    await patch(
        stack,
        group_id,
        {"op": "Replace", "path": "displayName", "value": "New"},
        add(ids[3:]),
        remove(ids[:1]),
    )
    await until_held(stack, "New", [1, 2, 3])
    await stack.until_synced()
    assert held(stack, "Old") is None


async def test_a_group_deleted_while_its_members_wait(stack: Stack) -> None:
    worker = await stack.start_worker()
    group_id = await group(stack, "Engineers")
    ids = await people(stack, range(20))
    await stack.until_synced()
    await asyncio.to_thread(worker.stop)
    await patch(stack, group_id, add(ids))
    status, _ = await stack.request("DELETE", f"/Groups/{group_id}")
    assert status == 204
    again = await group(stack, "Engineers")
    await patch(stack, again, add(ids[:2]))
    await stack.start_worker()
    await stack.until_synced()
    assert held(stack, "Engineers") == expected([0, 1])
    assert len(stack.people()) == 20


async def test_workers_killed_in_the_middle_of_2000_members_lose_and_double_nobody(
    stack: Stack,
) -> None:
    worker = await stack.start_worker(BLDNG_SCIM_SLOTS="64")
    ids = await people(stack, range(400))
    for start in range(400, 2000, 400):
        ids += await people(stack, range(start, start + 400))
    group_id = await group(stack, "Everybody")
    await stack.until_synced(within_s=60)
    stack.faults.add(Fault(action="delay", delay_ms=250, path="/orgs/acme/groups"))
    for start in range(0, 2000, 500):
        await patch(stack, group_id, add(ids[start : start + 500]))
    for killed_at in (1, 2, 3):
        await eventually(lambda: len(held(stack, "Everybody") or ()) >= 500 * killed_at)  # noqa: B023
        worker.kill()
        worker = await stack.start_worker()
    await until_held(stack, "Everybody", range(2000), within_s=RECOVERY_S)
    await stack.until_synced(within_s=RECOVERY_S)
    await patch(stack, group_id, remove(ids[:1000]))
    await eventually(lambda: len(held(stack, "Everybody") or ()) < 2000)
    worker.kill()
    await stack.start_worker()
    await until_held(stack, "Everybody", range(1000, 2000), within_s=RECOVERY_S)
    await stack.until_synced(within_s=RECOVERY_S)


async def test_what_bldng_lost_is_made_again(stack: Stack) -> None:
    worker = await stack.start_worker()
    ids = await people(stack, range(4))
    first, second = await group(stack, "First"), await group(stack, "Second")
    await patch(stack, first, add(ids[:2]))
    await patch(stack, second, add(ids[:2]))
    await stack.until_synced()
    org = stack.state.org("acme")
    lost = next(each["id"] for each in org.groups if each["name"] == "First")
    org.groups.drop(lost)
    org.members.pop(lost)
    unknown = next(each["id"] for each in org.users if each["ssoSubject"] == "object-3")
    org.users.drop(unknown)

    await patch(stack, first, add(ids[2:3]))
    await patch(stack, second, add(ids[3:]))
    await until_held(stack, "First", [0, 1, 2])
    await until_held(stack, "Second", [0, 1, 3])
    await stack.until_synced()
    attempts = list(lines(worker, "sync_attempt"))
    assert sum(line.get("members_unknown", 0) for line in attempts) == 1
    assert len(list(lines(worker, "record_vanished"))) == 2
