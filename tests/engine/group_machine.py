"""A state machine of everything that can happen to memberships, on the real scripts.

People and groups come and go in any order, workers crash and wake up late, the backend loses
records; every invariant is checked after every step; at the end all faults stop, and each group at
the backend must have exactly the members that have a record there.
"""

from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import invariant, rule

from tests.engine import harness, invariants
from tests.engine.harness import BLOCK_MS, LEASE_MS
from tests.engine.histories.group_workers import GroupWorkers

THINGS = st.sampled_from(["u:ann", "u:bob", "g:1", "g:2"])


class GroupMachine(GroupWorkers):
    """Losses at the backend, time, operators; what holds after every step, and the end."""

    @rule(rk=THINGS)
    def vanish(self, rk: str) -> None:
        """Somebody deletes the record at the backend; nobody here can know before it is used."""
        if self.backend.user_of(rk) or self.backend.group_of(rk):
            self.backend.remove(rk)
            self.unseen.add(rk)

    @rule(rk=THINGS, noticed=st.booleans())
    def a_loss_is_noticed(self, rk: str, noticed: bool) -> None:  # noqa: FBT001
        """Directed: all is well, a record vanishes, and its next use or a batch finds out."""
        self.settle_everything()
        self.vanish(rk)
        if noticed:
            self.resync(rk)
        elif "g:1" in self.groups:
            self.toggle("g:1", rk[2:])
            self.settle_everything()
            self.toggle("g:1", rk[2:])
        self.settle_everything()

    @rule(ms=st.sampled_from([1, 500, 2000, LEASE_MS, BLOCK_MS]))
    def tick(self, ms: int) -> None:
        self.run(self.engine.advance(ms))

    @rule()
    def sweep(self) -> None:
        self.run(self.engine.members.sweep(0))

    @rule(rk=THINGS)
    def resync(self, rk: str) -> None:
        self.run(self.engine.queue.resync(self.engine.tenant, rk))

    # What holds after every step

    @invariant()
    def every_invariant_holds(self) -> None:
        dump = self.dump()
        found = invariants.violations(dump, ["acme"], self.engine.now_ms)
        assert found == [], found
        for rk, members in self.groups.items():
            assert dump.get(harness.tenant_key(f"gm:{rk}"), set()) == members
        if not self.late:
            self.check_backend(dump)

    def check_backend(self, dump: harness.Dump) -> None:
        """I21: a membership that the backend has otherwise than wanted is queued or parked."""
        for rk, members in self.groups.items():
            state: Any = dump[harness.tenant_key(f"s:{rk}")]
            record = self.backend.groups.get(state.get("bid", ""))
            if record is None or "gf" in state:
                continue
            queued: Any = dump.get(harness.tenant_key(f"gd:{rk}"), {})
            parked: Any = dump.get(harness.tenant_key(f"gb:{rk}"), set())
            for name in self.people:
                user: Any = dump[harness.tenant_key(f"s:u:{name}")]
                bid = user.get("bid", "")
                wrong = (name in members) != (bid in record.members)
                if bid in self.backend.users and wrong:
                    assert name in queued or name in parked, (rk, name)

    # The end

    def teardown(self) -> None:
        try:
            self.drain()
            self.compare()
        finally:
            self.run(self.opened.__aexit__(None, None, None))
            self.runner.close()

    def drain(self) -> None:
        """Faults stop. What vanished and was not used since is sent once more."""
        for _ in range(len(self.late)):
            self.wake_up_late(0)
        self.work = []
        for rk in sorted(self.unseen):
            self.run(self.engine.queue.resync(self.engine.tenant, rk))
        for _ in range(80):
            self.run(self.engine.advance(BLOCK_MS))
            dead: Any = self.dump().get(harness.tenant_key("dead"), {})
            self.run(self.engine.queue.replay(self.engine.tenant, sorted(dead)))
            claim = self.run(self.engine.claim(16))
            for item in claim.items + self.run(self.engine.claim(alone=True)).items:
                self.finish(item)
            if claim.idle_ms == -1 and self.run(self.engine.members.sweep(0)) == 0:
                return
        raise AssertionError(f"the queue does not drain: {self.dump()}")

    def compare(self) -> None:
        """Each live group once, with its title and exactly the members who are there."""
        bids = {name: self.backend.user_of(f"u:{name}") for name in self.people}
        assert sorted(filter(None, bids.values())) == sorted(self.backend.users)
        wanted = {
            rk: (self.titles[rk], {bids[name] for name in members & self.people})
            for rk, members in self.groups.items()
        }
        found = {each.rk: (each.title, each.members) for each in self.backend.groups.values()}
        assert found == wanted
        assert invariants.violations(self.dump(), ["acme"], self.engine.now_ms) == []
