"""F59: a mass deactivation. What is too much waits for a human; nobody is lost."""

import asyncio
import time

from clients.redis import replies
from clients.redis.types import Depths
from tests.chaos.scene import Entra, Look, looking, rigged
from tests.support import oracle
from tests.support.stack import TENANT, Stack
from tests.support.worker import person, rk

PEOPLE, LIMIT = 600, 500
META = {"resourceType": "User", "created": "2026-01-01T00:00:00.000Z"}


async def test_f59_a_mass_deactivation(stack: Stack, entra: Entra) -> None:
    """600 leave, 500 are let go, the others are held until released or wanted again."""
    await stack.start_worker()
    docs = [person(number, meta=META) for number in range(PEOPLE)]
    async with rigged(stack) as rig, looking(stack) as look:
        for doc in docs:
            await rig.put(doc)
        await oracle.drained(rig.stack, within_s=60)
        began_s = time.monotonic()
        await everybody_leaves(entra, [doc["id"] for doc in docs])
        assert time.monotonic() - began_s < 60
        await oracle.drained(rig.stack, within_s=60)
        assert set(entra.statuses) == {200}
        assert len(gone(stack)) == LIMIT
        held = await held_back(look)
        assert len(held) == PEOPLE - LIMIT
        assert (await depths(look)).held == len(held)

        for scim_id in held[:3]:
            assert await entra.patch(scim_id, active="True") == 200
        assert await held_back(look) == held[3:]
        await oracle.drained(rig.stack)
        assert len(gone(stack)) == LIMIT

        tenant, keys = rig.tenant, [rk(doc) for doc in docs]
        assert await rig.stack.queue.replay(tenant, keys[:300]) < len(held)
        assert await rig.stack.queue.replay(tenant, keys[300:]) > 0
        await entra.check(within_s=60)
    assert len(gone(stack)) == PEOPLE - 3


async def test_f59_a_single_leaver_is_not_late(stack: Stack, entra: Entra) -> None:
    """Who leaves while few do is let go at once."""
    await stack.start_worker()
    for already in range(3):
        joy = await entra.create(f"joy{already}")
        await entra.check()
        await entra.patch(joy, active="False")
        await entra.check(within_s=5)
        assert len(gone(stack)) == already + 1


async def everybody_leaves(entra: Entra, ids: list[str]) -> None:
    """As Entra does it, several at a time."""
    room = asyncio.Semaphore(16)

    async def leaves(scim_id: str) -> None:
        async with room:
            await entra.patch(scim_id, active="False")

    async with asyncio.TaskGroup() as group:
        for scim_id in ids:
            group.create_task(leaves(scim_id))


def gone(stack: Stack) -> list[str]:
    """Who may not sign in at BLDNG."""
    return [each["username"] for each in stack.people() if not each["active"]]


async def held_back(look: Look) -> list[str]:
    """The SCIM ids of those who are held, the first first."""
    found = await look.redis.client.zrange(look.root + "held", 0, -1)
    return [replies.text(each).removeprefix("u:") for each in found]


async def depths(look: Look) -> Depths:
    return (await look.redis.queue.depths(look.redis.partitions))[TENANT]
