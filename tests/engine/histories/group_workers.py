"""Rules on groups: workers claim, send in batches, settle, crash and wake up late."""

from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import precondition, rule

from clients.redis import types
from clients.redis.types import Outcome, SettleStatus
from tests.engine import harness
from tests.engine.harness import LEASE_MS
from tests.engine.histories.base import PICK
from tests.engine.histories.group_writers import GROUPS, PEOPLE, GroupWriters


class GroupWorkers(GroupWriters):
    """Whatever a worker may do to a group, and directed stories that chance would rarely tell."""

    @rule(max_items=st.integers(1, 5))
    def claim(self, max_items: int) -> None:
        self.work += self.run(self.engine.claim(max_items)).items

    @rule()
    def claim_a_suspect(self) -> None:
        self.work += self.run(self.engine.claim(alone=True)).items

    def in_hand(self, pick: int) -> types.Claimed | None:
        if not self.work:
            self.claim(3)
        return self.work.pop(pick % len(self.work)) if self.work else None

    @rule(pick=PICK)
    def finish_one(self, pick: int) -> None:
        if item := self.in_hand(pick):
            self.finish(item)

    @rule(pick=PICK, half=PICK)
    def fail_half_way(self, pick: int, half: int) -> None:
        """Some members were confirmed, then the backend failed."""
        if item := self.in_hand(pick):
            self.finish(item, outcome=Outcome.RETRY, first=half % 3)

    @rule(pick=PICK)
    def refuse(self, pick: int) -> None:
        if item := self.in_hand(pick):
            self.settle(item, Outcome.DEAD, backend_id=item.backend_id)

    @rule(pick=PICK, half=PICK)
    def crash(self, pick: int, half: int) -> None:
        """Some of it reached the backend, and nobody settles."""
        if item := self.in_hand(pick):
            self.deliver(item, first=half % 3)

    @rule(pick=PICK)
    def forget(self, pick: int) -> None:
        """The worker finds the record gone, and then fails."""
        if (item := self.in_hand(pick)) and item.backend_id and not item.deleted:
            known = self.backend.users.keys() | self.backend.groups.keys()
            if item.backend_id not in known:
                self.settle(item, Outcome.RETRY, forget_backend_id=True)

    @rule(name=PEOPLE, rk=GROUPS)
    def a_change_during_the_lease(self, name: str, rk: str) -> None:
        """Directed: what is confirmed is not what is wanted any more."""
        self.settle_everything()
        if item := self.hand_over(rk, name):
            self.toggle(rk, name)
            self.finish(item)

    @rule(name=PEOPLE, rk=GROUPS)
    def a_batch_lands_late(self, name: str, rk: str) -> None:
        """Directed: its worker was frozen while the next one sent the opposite."""
        self.settle_everything()
        if frozen := self.hand_over(rk, name):
            self.leases_run_out()
            self.settle_everything()
            self.toggle(rk, name)
            self.settle_everything()
            self.late.append(frozen)
            self.wake_up_late(-1)

    def hand_over(self, rk: str, name: str) -> types.Claimed | None:
        """Change a membership and claim the group for it."""
        if rk not in self.groups:
            return None
        self.toggle(rk, name)
        self.claim(16)
        found = [item for item in self.work if item.rk == rk]
        self.work = [item for item in self.work if item.rk != rk]
        return found[-1] if found else None

    def toggle(self, rk: str, name: str) -> None:
        joins = name not in self.groups[rk]
        self.change(rk, {name} if joins else set(), set() if joins else {name})

    def settle_everything(self) -> None:
        """Workers are fast and nothing fails."""
        for _ in range(4):
            while self.work:
                self.finish(self.work.pop())
            self.run(self.engine.advance(2000))
            self.claim(16)

    @rule(pick=PICK)
    def freeze(self, pick: int) -> None:
        """The worker stops with its requests prepared; its lease runs out."""
        if item := self.in_hand(pick):
            self.late.append(item)

    @precondition(lambda self: self.late)
    @rule(pick=PICK)
    def wake_up_late(self, pick: int) -> None:
        """Its batch lands over newer ones; its settle is stale, so it asks for a re-send."""
        item = self.late.pop(pick % len(self.late))
        alive = item.rk in self.groups or item.rk[2:] in self.people
        if alive and item.backend_id in self.backend.groups:
            self.backend.batch(item.backend_id, item.members.entries)
        settled = self.settle(item, Outcome.RETRY, backend_id=item.backend_id)
        if settled.status is SettleStatus.STALE:
            ids = item.members.ids
            self.run(self.engine.queue.resync(self.engine.tenant, item.rk, ids))

    def finish(
        self, item: types.Claimed, outcome: Outcome = Outcome.OK, first: int | None = None
    ) -> None:
        bid, done, unknown = self.deliver(item, first=first)
        self.settle(
            item,
            outcome,
            backend_id=bid,
            members_done=tuple(done),
            members_unknown=tuple(unknown),
            delay_ms=0 if outcome is Outcome.OK else 1000,
        )

    def deliver(
        self, item: types.Claimed, *, first: int | None
    ) -> tuple[str, list[types.MemberEntry], list[str]]:
        """What a worker does at the backend: its record, entries done and ids unknown."""
        if item.deleted:
            self.backend.remove(item.rk)
            return "", [], []
        if item.rk.startswith("u:"):
            self.unseen.discard(item.rk)
            return self.backend.put_user(item.rk), [], []
        bid = item.backend_id
        if item.attributes_dirty or bid not in self.backend.groups:
            bid = self.backend.put_group(item.rk, harness.title_of(item))
            self.unseen.discard(item.rk)
        if item.backend_id not in {"", bid}:
            return bid, [], []
        entries = item.members.entries[:first]
        lost = self.backend.batch(bid, entries)
        self.unseen -= {f"u:{each.scim_id}" for each in lost}
        return bid, [each for each in entries if each not in lost], [e.scim_id for e in lost]

    def settle(self, item: types.Claimed, outcome: Outcome, **how: Any) -> types.Settled:
        settlement = types.Settlement(outcome=outcome, version_sent=item.version, **how)
        before = self.dump()
        settled = self.run(self.engine.queue.settle(item, settlement))
        if settled.status is SettleStatus.STALE:
            assert self.dump() == before
        else:
            self.settled.append((item, settlement, settled))
        return settled

    @precondition(lambda self: self.settled)
    @rule()
    def settle_again(self) -> None:
        item, settlement, first = self.settled[-1]
        before = self.dump()
        again = self.run(self.engine.queue.settle(item, settlement))
        assert again == types.Settled(SettleStatus.DUP, earlier=first.status.value)
        assert self.dump() == before

    @rule()
    def leases_run_out(self) -> None:
        self.run(self.engine.advance(LEASE_MS))
        self.late += self.work
        self.work = []
        self.run(self.engine.claim(1))
