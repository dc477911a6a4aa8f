"""Changes of members: they cost what they change, and nobody is lost among many at once."""

import asyncio
import random
import time
from typing import Any

import pytest

from tests.entra.groups import NOBODY, add, commands, create, members, patch, remove, user
from tests.support.gateway import Gateway, running


async def test_long_lists_are_taken_in_one_request(gateway: Gateway) -> None:
    group = await create(gateway, "Sales", *NOBODY[:1500])
    started_s = time.monotonic()
    answer = await patch(gateway, group, add(*NOBODY[1000:2000]))
    assert (answer.status, time.monotonic() - started_s < 2) == (204, True)
    assert await members(gateway, group) == set(NOBODY[:2000])
    one_by_one = [
        {"op": "remove", "path": f'members[value eq "{each}"]'} for each in NOBODY[:1000]
    ]
    assert (await patch(gateway, group, *one_by_one)).status == 204
    assert await members(gateway, group) == set(NOBODY[1000:2000])
    exchange = {**add(*NOBODY[1900:2900]), "op": "Replace"}
    assert (await patch(gateway, group, exchange)).status == 204
    assert await members(gateway, group) == set(NOBODY[1900:2900])


async def test_a_change_costs_what_it_changes_whatever_the_size(gateway: Gateway) -> None:
    small = await create(gateway, "Small", *NOBODY[:10])
    large = await create(gateway, "Large", *NOBODY[:4000])
    joy = await user(gateway, "joy@contoso.com")
    changes: list[list[Any]] = [
        [add(joy)],
        [add(joy)],
        [remove(joy), add(NOBODY[4999])],
        [remove(joy)],
        [add(*NOBODY[4100:4200])],
    ]
    for change in changes:
        one, other = [
            await commands(gateway, patch(gateway, group, *change)) for group in (small, large)
        ]
        assert one == other
        assert not one.keys() & {"smembers", "sscan", "hgetall", "hscan", "scan", "keys", "sort"}


@pytest.mark.parametrize("seed", range(3))
async def test_any_series_of_requests_does_what_a_set_does(gateway: Gateway, seed: int) -> None:
    dice = random.Random(seed)
    group, model = await create(gateway, "Sales"), set[str]()
    for _ in range(40):
        operations = []
        for _ in range(dice.randint(1, 4)):
            ids = dice.sample(NOBODY[:30], dice.randint(0, 12))
            kind = dice.choice(["Add", "Add", "Remove", "Remove", "Replace", "Clear"])
            if kind == "Clear":
                operations.append({"op": "remove", "path": "members"})
                model = set()
                continue
            operations.append({**add(*ids), "op": kind})
            model = {"Add": model | set(ids), "Remove": model - set(ids)}.get(kind, set(ids))
        assert (await patch(gateway, group, *operations)).status == 204
        assert await members(gateway, group) == model


async def test_parallel_patches_through_two_gateways_lose_nobody(redis_url: str) -> None:
    async with running(redis_url) as one, running(redis_url) as other:
        group = await create(one, "Sales", *NOBODY[500:600])
        ways = [one, other] * 20
        adds = [add(*NOBODY[at * 10 : at * 10 + 10]) for at in range(20)]
        removes = [remove(*NOBODY[500 + at * 5 : 505 + at * 5]) for at in range(20)]
        sent = (patch(way, group, each) for way, each in zip(ways, adds + removes, strict=True))
        answers = await asyncio.gather(*sent)
        assert {answer.status for answer in answers} == {204}
        assert await members(other, group) == set(NOBODY[:200])


async def test_a_rename_gets_through_while_many_change_the_members(gateway: Gateway) -> None:
    group = await create(gateway, "Sales")
    renames = [
        {"op": "replace", "path": "displayName", "value": f"Sales {number}"} for number in range(5)
    ]
    changes = [add(each) for each in NOBODY[:200]]
    answers = await asyncio.gather(
        *(patch(gateway, group, each) for each in changes[:100]),
        *(patch(gateway, group, each) for each in renames),
        *(patch(gateway, group, each) for each in changes[100:]),
    )
    assert {answer.status for answer in answers} == {204}
    assert await members(gateway, group) == set(NOBODY[:200])
