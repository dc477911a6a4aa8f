"""What every rule of the state machine stands on: the engine, the model, the checks."""

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar, TypeVar

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from clients.redis import scripts, types
from clients.redis.types import Change
from tests.engine import harness, invariants
from tests.engine.backend import Backend
from tests.engine.worker import Work

Answer = TypeVar("Answer")

PICK = st.integers(0, 11)
TITLES = st.sampled_from(["t1", "t2", "t3", "t4"])


class Base(RuleBasedStateMachine):
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
        self.tenants = [self.engine.tenant, self.run(self.engine.add_tenant("beta"))]
        self.backend = Backend()
        self.people: dict[tuple[str, str], dict[str, str]] = {}
        self.versions: dict[tuple[str, str], int] = {}
        self.last: dict[tuple[str, str], tuple[Change, types.Written]] = {}
        self.work: list[Work] = []
        self.zombies: list[Work] = []
        self.settled: list[tuple[types.Claimed, types.Settlement, types.Settled]] = []
        self.tokens: set[str] = set()
        self.held: set[tuple[str, str]] = set()
        self.before: harness.Dump = {}

    def run(self, step: Awaitable[Answer]) -> Answer:
        async def awaited() -> Answer:
            return await step

        return self.runner.run(awaited())

    def dump(self) -> harness.Dump:
        return self.run(self.engine.dump())

    def state(self, tenant: str, rk: str) -> dict[str, str]:
        """The stored sync state, {} when there is none."""
        return self.before.get(harness.tenant_key(f"s:{rk}", tenant), {})  # type: ignore[return-value]

    def unchanged(self) -> None:
        assert self.dump() == self.before

    def tenant_of(self, work: Work) -> types.Tenant:
        return next(each for each in self.tenants if each.name == work.item.tenant)

    @invariant()
    def every_invariant_holds(self) -> None:
        after = self.dump()
        names = [each.name for each in self.tenants]
        assert invariants.violations(after, names, self.engine.now_ms) == []
        before, self.before = self.before, after
        self.check_growth(before)
        self.check_contents()

    def check_growth(self, before: harness.Dump) -> None:
        """Versions and claim counts only grow."""
        for key in self.versions:
            was: Any = before.get(harness.tenant_key(f"s:{key[1]}", key[0]), {})
            now = self.state(*key)
            for field in ("v", "f", "av"):
                assert not now or int(now.get(field, 0)) >= int(was.get(field, 0)), (key, field)

    def check_contents(self) -> None:
        """What was acknowledged is what is stored."""
        for (tenant, rk), values in self.people.items():
            stored = self.before[harness.tenant_key(f"d:{rk}", tenant)]
            assert stored == harness.doc_of(values).decode()
            assert self.state(tenant, rk)["v"] == str(self.versions[tenant, rk])
