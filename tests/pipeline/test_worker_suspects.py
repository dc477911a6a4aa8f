"""A worker and its suspects: each tried alone, beside other work, without spinning."""

import asyncio
from typing import Any

from clients.redis import keys
from tests.support.waiting import eventually
from tests.support.worker import Rig, person, rk
from workers.runner import Worker


async def put_suspect(rig: Rig, doc: dict[str, Any]) -> None:
    """Somebody over whom two workers died."""
    state = keys.state(rig.tenant.partition, rig.tenant.name, rk(doc))
    await rig.stack.client.hset(state, "cr", 2)
    await rig.put(doc)


async def settled(rig: Rig, docs: list[dict[str, Any]]) -> bool:
    return {(await rig.state(doc)).state for doc in docs} == {"S"}


def check_hands(worker: Worker) -> None:
    hands = list(worker._hands)
    assert len(hands) == 1 or all(hand.item.crashes < 2 for hand in hands)


async def test_suspects_and_a_flood_hold_up_neither(rig: Rig) -> None:
    """While people arrive all the time, suspects have their turns, and others most of the time."""
    rig.sandbox.order(action="delay", delay_ms=20)
    suspects = [person(number) for number in range(8)]
    for doc in suspects:
        await put_suspect(rig, doc)
    done = asyncio.Event()
    arrived = 0

    def room() -> bool:
        return arrived < len(rig.users()) + 60

    async def flood() -> None:
        nonlocal arrived
        while not done.is_set():
            await eventually(room, within_s=30)
            await rig.put(person(1000 + arrived))
            arrived += 1

    async with asyncio.TaskGroup() as group, rig.working() as worker:
        group.create_task(flood())

        async def all_tried() -> bool:
            check_hands(worker)
            return await settled(rig, suspects)

        try:
            await eventually(all_tried, within_s=30)
        finally:
            done.set()
        others = len(rig.users()) - len(suspects)
        assert others > 5 * len(suspects)
        await rig.until_clean(within_s=60)
    assert {(await rig.state(doc)).crashes for doc in suspects} == {0}
    assert len(rig.users()) == len(suspects) + arrived


async def test_nobody_is_asked_while_a_suspect_is_in_hand(rig: Rig) -> None:
    """Others that wait, wake-ups and further suspects make the worker spin as little as claim."""
    rig.sandbox.order(action="delay", delay_ms=600, method="GET", times=1)
    suspects = [person(number) for number in range(2)]
    for doc in suspects:
        await put_suspect(rig, doc)
    async with rig.working() as worker:
        await eventually(lambda: worker._claims.suspects.in_hand)
        before = worker._claims._calls
        for number in range(10, 20):
            await rig.put(person(number))
            check_hands(worker)
        assert worker._claims.suspects.in_hand
        assert worker._claims._calls == before
        await rig.until_clean(within_s=20)
    assert len(rig.users()) == 12


async def test_who_waits_for_empty_hands_claims_nothing(rig: Rig) -> None:
    """A slow attempt in hand holds suspects up, and nothing is claimed besides it meanwhile."""
    rig.sandbox.order(action="delay", delay_ms=600, method="GET", times=1)
    await rig.put(person(1))
    async with rig.working() as worker:
        await eventually(lambda: len(worker._hands) == 1)
        await put_suspect(rig, person(2))
        await eventually(lambda: worker._claims.suspects.turn(1e12, idle=False) is not None)
        before = worker._claims._calls
        for number in range(10, 20):
            await rig.put(person(number))
        assert (len(worker._hands), worker._claims._calls) == (1, before)
        await rig.until_clean(within_s=20)
    assert len(rig.users()) == 12
