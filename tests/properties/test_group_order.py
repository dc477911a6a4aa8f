"""Whatever the order in which people and groups come, change and go, BLDNG ends the same.

A story is told to a real Redis while a real worker carries it to the sandbox; a model of plain
sets says what BLDNG must hold in the end.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis as sync_redis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from clients import telemetry
from clients.bldng import client
from clients.bldng.sandbox import app
from clients.bldng.sandbox.faults import Fault, Faults
from clients.bldng.sandbox.state import State
from clients.redis import stack as stacks
from clients.redis.embedded import EmbeddedRedis
from clients.redis.types import MemberChange
from tests.support.sandbox import ORG, TOKEN, Sandbox
from tests.support.waiting import eventually
from tests.support.worker import PACE, Rig, person, team

pytestmark = pytest.mark.timeout(300)

PEOPLE, GROUPS = 5, 3
END_S = 15.0

Doc = dict[str, Any]
Step = tuple[Any, ...]

someone = st.integers(0, PEOPLE - 1)
somewhere = st.integers(0, GROUPS - 1)
some_people = st.lists(someone, min_size=1, max_size=PEOPLE, unique=True)

steps = st.one_of(
    st.tuples(st.just("hire"), someone),
    st.tuples(st.just("disable"), someone),
    st.tuples(st.just("dismiss"), someone),
    st.tuples(st.just("found"), somewhere),
    st.tuples(st.just("rename"), somewhere),
    st.tuples(st.just("close"), somewhere),
    st.tuples(st.just("join"), somewhere, some_people),
    st.tuples(st.just("join"), somewhere, some_people),
    st.tuples(st.just("leave"), somewhere, some_people),
    st.tuples(st.just("swap"), somewhere, some_people, some_people),
    st.tuples(st.just("replace"), somewhere, some_people),
    st.tuples(st.just("lose a person"), someone),
    st.tuples(st.just("trouble"), st.sampled_from([500, 503, 429])),
    st.tuples(st.just("breathe")),
)


@dataclass(slots=True)
class Story:
    """Carries steps out and knows how they must end.

    A person who was dismissed and hired again has a new SCIM id, as a new group has: `lives`
    counts them. `groups` has the SCIM ids of all who should be members, whether they exist or not.
    """

    rig: Rig
    lives: dict[str, int] = field(default_factory=dict)
    present: dict[int, Doc] = field(default_factory=dict)
    teams: dict[int, Doc] = field(default_factory=dict)
    groups: dict[int, set[str]] = field(default_factory=dict)

    async def tell(self, step: Step) -> None:
        verb, *rest = step
        await getattr(self, verb.split()[0])(*rest)

    def expected(self) -> dict[str, list[str]]:
        """Group name -> login names of its members, sorted."""
        logins = {doc["id"]: doc["userName"] for doc in self.present.values()}
        return {
            self.teams[number]["displayName"]: sorted(
                logins[member] for member in members if member in logins
            )
            for number, members in self.groups.items()
        }

    async def hire(self, number: int) -> None:
        """New, or enabled again."""
        doc = self.present.get(number) or self._person(number)
        if doc.get("active") is False or number not in self.present:
            self.present[number] = {**doc, "active": True}
            await self.rig.put(self.present[number])

    async def disable(self, number: int) -> None:
        if self.present.get(number, {}).get("active"):
            self.present[number] = {**self.present[number], "active": False}
            await self.rig.put(self.present[number])

    async def dismiss(self, number: int) -> None:
        if doc := self.present.pop(number, None):
            await self.rig.remove(doc)
            self._end(f"person {number}")
            for members in self.groups.values():
                members.discard(doc["id"])

    async def found(self, number: int) -> None:
        if number not in self.teams:
            life = self.lives.get(f"team {number}", 0)
            doc = {**team(number), "id": _id(9, number, life)}
            self.teams[number], self.groups[number] = doc, set()
            await self.rig.put(doc)

    async def rename(self, number: int) -> None:
        if doc := self.teams.get(number):
            other = "renamed" if doc["displayName"] == f"Team {number}" else "Team"
            self.teams[number] = {**doc, "displayName": f"{other} {number}"}
            await self.rig.put(self.teams[number])

    async def close(self, number: int) -> None:
        if doc := self.teams.pop(number, None):
            await self.rig.remove(doc)
            self._end(f"team {number}")
            del self.groups[number]

    async def join(self, number: int, numbers: Sequence[int]) -> None:
        await self.swap(number, numbers, ())

    async def leave(self, number: int, numbers: Sequence[int]) -> None:
        await self.swap(number, (), numbers)

    async def swap(self, number: int, joining: Sequence[int], leaving: Sequence[int]) -> None:
        if number in self.teams:
            add, remove = self._ids(joining), self._ids(leaving)
            self.groups[number] = (self.groups[number] | set(add)) - set(remove)
            await self.rig.change_members(self.teams[number], MemberChange(add, remove))

    async def replace(self, number: int, numbers: Sequence[int]) -> None:
        if number in self.teams:
            self.groups[number] = set(self._ids(numbers))
            await self.rig.replace_members(self.teams[number], self._ids(numbers))

    async def lose(self, number: int) -> None:
        """BLDNG forgets a person, who is changed here afterwards: so it is noticed."""
        org = self.rig.sandbox.state.org(ORG)
        if doc := self.present.get(number):
            for user_id in org.users.find("ssoSubject", doc["externalId"]):
                org.users.drop(user_id)
                for members in org.members.values():
                    members.pop(user_id, None)
            self._end("losses")
            self.present[number] = {**doc, "displayName": f"again {self.lives['losses']}"}
            await self.rig.put(self.present[number])

    async def trouble(self, status: int) -> None:
        """BLDNG fails once, after it did what it was asked for."""
        after = "1" if status != 500 else None
        self.rig.sandbox.faults.add(
            Fault(action="status", status=status, when="after", retry_after=after, times=1)
        )

    async def breathe(self) -> None:
        """The worker gets ahead a little."""
        seen = len(self.rig.sandbox.log)
        try:
            await eventually(lambda: len(self.rig.sandbox.log) > seen + 2, within_s=0.05)
        except AssertionError:
            return

    def _ids(self, numbers: Sequence[int]) -> tuple[str, ...]:
        """Of those who are there, or of those who will come."""
        return tuple(self._person(number)["id"] for number in numbers)

    def _person(self, number: int) -> Doc:
        life = self.lives.get(f"person {number}", 0)
        return {**person(number), "id": _id(8, number, life)}

    def _end(self, name: str) -> None:
        self.lives[name] = self.lives.get(name, 0) + 1


def _id(kind: int, number: int, life: int) -> str:
    return f"00000000-0000-4000-{kind}000-{number:06d}{life:06d}"


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(before=st.lists(steps, max_size=25), during=st.lists(steps, min_size=10, max_size=50))
def test_any_order_ends_the_same(
    redis_server: EmbeddedRedis, before: list[Step], during: list[Step]
) -> None:
    asyncio.run(_play(redis_server, before, during))


async def _play(server: EmbeddedRedis, before: list[Step], during: list[Step]) -> None:
    """`before` happens while no worker runs, `during` while one does."""
    with sync_redis.Redis(host="127.0.0.1", port=server.port) as empty:
        empty.flushall()
    state, faults = State(token=TOKEN, now_ms=app.wall_clock_ms), Faults()
    async with (
        stacks.open_stack(server.url, install=True) as stack,
        app.serve(app.make_app(state, faults), host="127.0.0.1", port=0) as url,
        client.connect(base_url=url, token=TOKEN, timeout_s=PACE.request_timeout_s) as bldng,
    ):
        tenant = await stack.tenants.create("acme", org=ORG, now_ms=1)
        metrics = telemetry.Metrics(CollectorRegistry())
        rig = Rig(stack, tenant, Sandbox(url, TOKEN, state, faults), bldng, metrics=metrics)
        await _tell(Story(rig), before, during)


async def _tell(story: Story, before: list[Step], during: list[Step]) -> None:
    rig = story.rig
    for step in before:
        await story.tell(step)
    async with rig.working():
        for step in during:
            await story.tell(step)
        await rig.until_clean(within_s=END_S)
    assert rig.groups() == story.expected()
    assert len(rig.users()) == len(story.present)
    assert await rig.stack.queue.audit(rig.tenant) == []
