"""A state machine of everything that can happen to the queue, on the real scripts.

Tenants, workers, crashes, zombies and the clock are rules; every invariant is checked after every
step; at the end all faults stop, the queue is drained, and the backend must equal the documents.
"""

from collections.abc import Awaitable, Callable

import hypothesis.strategies as st
import pytest
from hypothesis.stateful import initialize, rule

from clients.redis import types
from clients.redis.types import Outcome
from tests.engine import invariants
from tests.engine.harness import BLOCK_MS, LEASE_MS
from tests.engine.histories.base import PICK
from tests.engine.histories.faults import Faults
from tests.engine.worker import Work


class QueueMachine(Faults):
    """Begin, operators, another installation, and the end."""

    @initialize(known=st.booleans())
    def begin(self, known: bool) -> None:  # noqa: FBT001
        """Two people in each tenant; the backend knows them or is about to.

        The first tenant lets one person a minute go.
        """
        self.run(self.engine.queue.set_guard(self.tenants[0], types.Guard(1, 60_000)))
        self.before = self.dump()
        for pick, (un, xid) in enumerate([("ann", "x1"), ("ann", "x1"), ("bob", "x2")]):
            self.create(pick, un, xid, "m1")
            self.before = self.dump()
        if known:
            self.claim(5)
            while self.work:
                self.settle_ok(0)
            self.before = self.dump()

    @rule(pick=PICK, verb=st.sampled_from(["pause", "hold", "resume", "replay", "resync"]))
    def operate(self, pick: int, verb: str) -> None:
        tenant, queue = self.tenants[pick % 2], self.engine.queue
        mine = sorted(rk for name, rk in self.versions if name == tenant.name)
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "pause": lambda: queue.pause(tenant, "test"),
            "hold": lambda: queue.hold(tenant, 3000, "test"),
            "resume": lambda: queue.resume(tenant),
            "replay": lambda: queue.replay(tenant, mine),
            "resync": lambda: queue.resync(tenant, mine[pick % len(mine)] if mine else "u:x"),
        }
        self.run(calls[verb]())
        if verb == "replay":
            self.held = {key for key in self.held if key[0] != tenant.name or self.leased(key)}

    def leased(self, key: tuple[str, str]) -> bool:
        """Whether a worker has it: then the guard takes hold when the lease ends."""
        return self.state(*key).get("st") == "L"

    @rule()
    def another_installation(self) -> None:
        """A foreign epoch reads nothing and writes nothing."""
        other = type(self.engine.queue)(self.engine.lane, "another")
        with pytest.raises(types.ForeignRedis):
            self.run(other.claim(0, max_items=1, token_prefix="f", lease_ms=LEASE_MS))
        store = type(self.engine.store)(self.engine.lane, "another")
        with pytest.raises(types.ForeignRedis):
            self.run(store.write(self.tenants[0], self.engine.creation("u:f", un="f")))
        self.unchanged()

    def teardown(self) -> None:
        try:
            if self.before:
                self.drain()
                self.compare()
        finally:
            self.run(self.opened.__aexit__(None, None, None))
            self.runner.close()

    def drain(self) -> None:
        """Faults stop; whatever is dead, held, paused or leased gets its turn."""
        for _ in range(60):
            self.run(self.engine.advance(BLOCK_MS))
            for tenant in self.tenants:
                mine = sorted(rk for name, rk in self.versions if name == tenant.name)
                self.run(self.engine.queue.resume(tenant))
                self.run(self.engine.queue.replay(tenant, mine))
            self.held.clear()
            claim = self.run(self.engine.claim(16))
            self.before = self.dump()
            for item in claim.items:
                self.finish(item)
            suspects = self.run(self.engine.claim(alone=True))
            for item in suspects.items:
                self.finish(item)
            if suspects.idle_ms == -1 and claim.idle_ms == -1:
                return
        raise AssertionError(f"the queue does not drain: {self.dump()}")

    def finish(self, item: types.Claimed) -> None:
        work = Work(item, expires_ms=self.engine.now_ms + LEASE_MS, bid=item.backend_id)
        work.prepare(self.backend)
        self.deliver(work)
        self.work.append(work)
        self.settle(work, Outcome.OK, signal=types.Signal.OK, backend_id=work.bid)

    def compare(self) -> None:
        """Exactly one record for each person, with the newest values; none for the deleted."""
        wanted = sorted(
            (tenant, sorted(each.items())) for (tenant, _), each in self.people.items()
        )
        found = sorted(
            (record.tenant, sorted(record.values.items()))
            for record in self.backend.records.values()
        )
        assert found == wanted
        names = [each.name for each in self.tenants]
        assert invariants.violations(self.dump(), names, self.engine.now_ms) == []
