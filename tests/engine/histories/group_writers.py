"""Rules on groups: the gateway writes; the model foretells each answer."""

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import ClassVar, TypeVar

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from clients.redis import scripts, types
from clients.redis.types import MemberChange, WriteStatus
from tests.engine import harness
from tests.engine.group_backend import GroupBackend
from tests.engine.histories.base import PICK

Answer = TypeVar("Answer")

PEOPLE = st.sampled_from(["ann", "bob", "cid", "dan"])
GROUPS = st.sampled_from(["g:1", "g:2"])
SOME = st.sets(st.sampled_from(["ann", "bob", "cid", "dan", "1", "2"]), max_size=4)


class GroupWriters(RuleBasedStateMachine):
    """`url` and `library` are set by a subclass made for one run."""

    url: ClassVar[str]
    library: ClassVar[Mapping[str, scripts.Script] | None] = None

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.opened: AbstractAsyncContextManager[harness.Engine] = harness.open_engine(
            self.url, self.library
        )
        self.engine = self.run(self.opened.__aenter__())
        self.backend = GroupBackend()
        self.people: set[str] = set()
        self.buried: set[str] = set()
        self.groups: dict[str, set[str]] = {}
        self.titles: dict[str, str] = {}
        self.unseen: set[str] = set()
        self.work: list[types.Claimed] = []
        self.late: list[types.Claimed] = []
        self.sent: list[tuple[str, MemberChange, str, types.Written]] = []
        self.settled: list[tuple[types.Claimed, types.Settlement, types.Settled]] = []

    def run(self, step: Awaitable[Answer]) -> Answer:
        async def awaited() -> Answer:
            return await step

        return self.runner.run(awaited())

    def dump(self) -> harness.Dump:
        return self.run(self.engine.dump())

    @initialize(members=SOME)
    def begin(self, members: set[str]) -> None:
        """A group with members, some of whom are there."""
        for name in ("ann", "bob"):
            self.arrive(name)
        self.found("g:1")
        self.change("g:1", members, set())

    @rule(name=PEOPLE)
    def arrive(self, name: str) -> None:
        if name not in self.people | self.buried:
            self.run(self.engine.create(f"u:{name}", title="t"))
            self.people.add(name)

    @rule(name=PEOPLE, pick=PICK)
    def retouch(self, name: str, pick: int) -> None:
        if name in self.people:
            self.run(self.engine.update(f"u:{name}", title=f"t{pick}"))

    @rule(name=PEOPLE)
    def depart(self, name: str) -> None:
        """A deleted id never comes back: a returning person gets a new one."""
        if name in self.people:
            self.run(self.engine.delete(f"u:{name}"))
            self.people.remove(name)
            self.buried.add(name)
            for members in self.groups.values():
                members.discard(name)

    @rule(rk=GROUPS)
    def found(self, rk: str) -> None:
        if rk not in self.groups and rk not in self.buried:
            self.run(self.engine.create(rk, title="x"))
            self.groups[rk], self.titles[rk] = set(), "x"

    @rule(rk=GROUPS, pick=PICK)
    def rename(self, rk: str, pick: int) -> None:
        if rk in self.groups:
            self.run(self.engine.update(rk, title=f"x{pick}"))
            self.titles[rk] = f"x{pick}"

    @rule(rk=GROUPS)
    def dissolve(self, rk: str) -> None:
        if rk in self.groups:
            self.run(self.engine.delete(rk))
            self.buried.add(rk)
            del self.groups[rk]

    @rule(rk=GROUPS, add=SOME, remove=SOME)
    def change(self, rk: str, add: set[str], remove: set[str]) -> None:
        change = MemberChange(tuple(sorted(add)), tuple(sorted(remove)))
        nonce = self.engine.fresh("m")
        written = self.run(self.engine.alter(rk, change, nonce=nonce))
        wanted = (self.groups.get(rk, set()) | add) - remove
        assert written.status is self.expected(rk, wanted)
        if written.status is WriteStatus.OK:
            self.groups[rk] = wanted
            self.sent.append((rk, change, nonce, written))

    @rule(rk=GROUPS, wanted=SOME)
    def replace(self, rk: str, wanted: set[str]) -> None:
        written = self.run(self.engine.replace(rk, *sorted(wanted)))
        assert written.status is self.expected(rk, wanted)
        if rk in self.groups:
            self.groups[rk] = set(wanted)

    def expected(self, rk: str, wanted: set[str]) -> WriteStatus:
        if rk not in self.groups:
            return WriteStatus.GONE
        return WriteStatus.NOOP if wanted == self.groups[rk] else WriteStatus.OK

    @precondition(lambda self: self.sent)
    @rule(pick=PICK)
    def send_again(self, pick: int) -> None:
        """The same nonce: the same answer and no second effect."""
        rk, change, nonce, written = self.sent[pick % len(self.sent)]
        before = self.dump()
        again = self.run(self.engine.alter(rk, change, nonce=nonce))
        assert again == written
        assert self.dump() == before
