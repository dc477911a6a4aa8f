"""Many writers of one group over two gateway processes: the outcome is that of some order.

Every request is one step on a set, somewhere between its sending and its answer. So each member
ends as some request left it that no other request about the same member was sent after.
"""

import asyncio
import itertools
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from tests.support.stack import TENANT, Process, Stack, lines

WRITERS = 32
TRIES = 20
REDIS_IS_SLOW = "cannot store changes right now"
"""Of a 503: on a busy machine its reply may come after the deadline, its outcome is unknown."""

SHARED = [f"shared-{number:02}" for number in range(40)]


@dataclass(frozen=True, slots=True)
class Done:
    """One answered change of one member: whether it joined, when it was sent and answered."""

    joined: bool
    sent_s: float
    answered_s: float


@dataclass(slots=True)
class History:
    """A group, the gateways that serve it, and all that was done to its members."""

    stack: Stack
    ways: Sequence[str]
    group: str
    members: dict[str, list[Done]] = field(default_factory=lambda: defaultdict(list))

    async def change(self, way: str, *, joining: Sequence[str], leaving: Sequence[str]) -> None:
        """One PATCH through one gateway; anything but 204 is a failure."""
        clock = asyncio.get_running_loop().time
        sent_s = clock()
        operations = [operation("Add", joining), operation("Remove", leaving)]
        await self.patch(way, *operations)
        for ids, joined in ((joining, True), (leaving, False)):
            for member in ids:
                self.members[member].append(Done(joined, sent_s, clock()))

    async def patch(self, way: str, *operations: dict[str, Any]) -> None:
        """One PATCH, sent again while Redis is too slow: what it did before, it does not undo."""
        headers = {
            "Authorization": f"Bearer {self.stack.token}",
            "Content-Type": "application/scim+json",
        }
        url, data = f"{way}/Groups/{self.group}", orjson.dumps({"Operations": operations})
        for _ in range(TRIES):
            async with self.stack.http.patch(url, data=data, headers=headers) as answer:
                if answer.status == 204:
                    return
                assert REDIS_IS_SLOW in await answer.text()
        raise AssertionError(f"Redis was too slow {TRIES} times")

    def possible(self, member: str) -> set[bool]:
        """Whether a member may be in the group now, by some order of the requests."""
        done = self.members[member]
        last_sent_s = max(each.sent_s for each in done)
        return {each.joined for each in done if each.answered_s >= last_sent_s}


def operation(op: str, ids: Sequence[str]) -> dict[str, Any]:
    return {"op": op, "path": "members", "value": [{"$ref": None, "value": each} for each in ids]}


def base_url(gateway: Process) -> str:
    """The Tenant URL at one of several gateways."""
    [started] = lines(gateway, "gateway_started")
    return f"http://{started['listen']}/scim/v2/{TENANT}"


async def history(stack: Stack) -> History:
    """A new group, behind two gateways."""
    gateways = [*stack.processes, await stack.start_gateway()]
    status, group = await stack.request("POST", "/Groups", {"displayName": "Sales"})
    assert status == 201
    return History(stack, [base_url(each) for each in gateways], group["id"])


async def write(history: History, number: int, *, requests: int, adds: int) -> None:
    """One writer: adds members of its own, drops some again, and fights for the shared ones."""
    dice, added = random.Random(number), itertools.count()
    mine: list[str] = []
    for _ in range(requests):
        fresh = [f"of-{number}-{next(added)}" for _ in range(adds)]
        dropped = dice.sample(mine, min(len(mine), adds // 10))
        contested = dice.sample(SHARED, 4)
        await history.change(
            dice.choice(history.ways),
            joining=[*fresh, *contested[:2]],
            leaving=[*dropped, *contested[2:]],
        )
        mine = [each for each in mine if each not in dropped] + fresh


async def rename(history: History, times: int) -> None:
    """Attributes and members do not get in each other's way."""
    for number in range(times):
        change = {"op": "Replace", "path": "displayName", "value": f"Sales {number}"}
        await history.patch(history.ways[number % 2], change)


async def play(stack: Stack, *, requests: int, adds: int) -> None:
    """32 writers at once, then the verdict over every member."""
    played = await history(stack)
    async with asyncio.TaskGroup() as group:
        for number in range(WRITERS):
            group.create_task(write(played, number, requests=requests, adds=adds))
        group.create_task(rename(played, 10))
    status, found = await stack.request("GET", f"/Groups/{played.group}")
    assert (status, found["displayName"]) == (200, "Sales 9")
    shown = [member["value"] for member in found["members"]]
    assert len(shown) == len(set(shown))
    assert set(shown) <= played.members.keys()
    assert sum(1 for member in played.members if member.startswith("of-")) == (
        WRITERS * requests * adds
    )
    now = set(shown)
    wrong = [each for each in played.members if (each in now) not in played.possible(each)]
    assert wrong == []


async def test_nobody_is_lost_among_32_writers_and_two_gateways(stack: Stack) -> None:
    await play(stack, requests=8, adds=20)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_none_of_100_000_adds_is_lost(stack: Stack) -> None:
    await play(stack, requests=32, adds=100)
