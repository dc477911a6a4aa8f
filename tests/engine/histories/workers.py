"""Rules: workers claim, look up, send and settle, each a step of its own."""

from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import precondition, rule

from clients.redis import types
from clients.redis.types import Outcome, SettleStatus
from tests.engine import harness
from tests.engine.harness import LEASE_MS, SETTLE_MS
from tests.engine.histories.base import PICK
from tests.engine.histories.writers import Writers
from tests.engine.worker import Work


class Workers(Writers):
    """Whatever a worker may do while it holds a lease, and with a token that is not its own."""

    @rule(max_items=st.integers(1, 5))
    def claim(self, max_items: int) -> None:
        self.take(self.run(self.engine.claim(max_items)))

    @rule()
    def claim_a_suspect(self) -> None:
        """By a worker with nothing else in hand."""
        claim = self.run(self.engine.claim(alone=True))
        assert all(item.crashes >= 2 for item in claim.items)
        assert len(claim.items) <= 1
        self.take(claim, alone=True)

    def take(self, claim: types.Claim, *, alone: bool = False) -> None:
        for item in claim.items:
            assert alone or item.crashes < 2, "a suspect among others"
            self.check_lease(item)
            expires_ms = self.engine.now_ms + LEASE_MS
            self.work.append(Work(item, expires_ms=expires_ms, bid=item.backend_id))
        self.check_probes(claim)

    def check_lease(self, item: types.Claimed) -> None:
        assert item.token not in self.tokens
        self.tokens.add(item.token)
        values = self.people.get((item.tenant, item.rk))
        assert item.doc == (None if values is None else harness.doc_of(values))
        assert item.version == self.versions[item.tenant, item.rk]
        assert (item.tenant, item.rk) not in self.held
        assert all(each.item.rk != item.rk for each in self.work if self.holds(each, item.tenant))

    def holds(self, work: Work, tenant: str) -> bool:
        return work.item.tenant == tenant and work.expires_ms > self.engine.now_ms

    def check_probes(self, claim: types.Claim) -> None:
        """On hold or paused: nothing. Half-open: one lease and no more."""
        for tenant in {item.tenant for item in claim.items}:
            ctl: Any = self.before.get(harness.tenant_key("ctl", tenant), {})
            leases: Any = self.before.get("sg:{p0}:if", {})
            taken = sum(item.tenant == tenant for item in claim.items)
            assert float(ctl.get("hold", 0)) <= self.engine.now_ms
            assert "paused" not in ctl
            assert "bs" not in ctl or taken + int(leases.get(tenant, 0)) == 1

    def in_hand(self, pick: int) -> Work | None:
        """Some claimed item; an idle worker waits a little and claims first."""
        for wait_ms in (0, SETTLE_MS):
            if not self.work:
                self.run(self.engine.advance(wait_ms))
                self.claim(3)
                self.before = self.dump()
        return self.work[pick % len(self.work)] if self.work else None

    @rule()
    def claim_whose_answer_is_lost(self) -> None:
        before = {key: self.state(*key).get("fl") for key in self.versions}
        prefix = self.engine.fresh("lost.")
        lost = self.run(
            self.engine.queue.claim(0, max_items=3, token_prefix=prefix, lease_ms=LEASE_MS)
        )
        assert self.run(self.engine.queue.recover(0, prefix)) == len(lost.items)
        self.before = self.dump()
        assert before == {key: self.state(*key).get("fl") for key in self.versions}

    @rule(pick=PICK)
    def prepare(self, pick: int) -> None:
        if (work := self.in_hand(pick)) is None:
            return
        if not work.verb and work.expires_ms > self.engine.now_ms:
            work.prepare(self.backend)

    @rule(pick=PICK)
    def send(self, pick: int) -> None:
        if (work := self.in_hand(pick)) is None:
            return
        if work.verb and not work.sent and work.expires_ms > self.engine.now_ms:
            self.deliver(work)

    def deliver(self, work: Work) -> None:
        """The request lands; no deletion may hit the record of somebody alive."""
        if work.verb == "DELETE":
            for tenant, rk in self.people:
                assert self.state(tenant, rk).get("bid") != work.bid or tenant != work.item.tenant
        work.send(self.backend)

    @rule(pick=PICK)
    def beat(self, pick: int) -> None:
        if (work := self.in_hand(pick)) is None:
            return
        lost = self.run(self.engine.queue.beat(0, [work.item], LEASE_MS))
        if not lost:
            work.expires_ms = self.engine.now_ms + LEASE_MS

    @rule(pick=PICK)
    def settle_ok(self, pick: int) -> None:
        if (work := self.in_hand(pick)) is None:
            return
        if not work.sent:
            self.prepare_and_send(work)
        if work.sent:
            self.settle(work, Outcome.OK, signal=types.Signal.OK, backend_id=work.bid)

    def prepare_and_send(self, work: Work) -> None:
        if not work.sent and work.expires_ms > self.engine.now_ms:
            if not work.verb:
                work.prepare(self.backend)
            self.deliver(work)

    @rule(
        pick=PICK,
        outcome=st.sampled_from([Outcome.RETRY, Outcome.PARK, Outcome.BLOCK, Outcome.RELEASE]),
        signal=st.sampled_from(types.Signal),
        counted=st.booleans(),
        other=PICK,
    )
    def settle_otherwise(
        self,
        pick: int,
        outcome: Outcome,
        signal: types.Signal,
        counted: bool,  # noqa: FBT001
        other: int,
    ) -> None:
        """Not done; an unanswered create may still land within the settle delay."""
        if (work := self.in_hand(pick)) is None:
            return
        unanswered = work.verb == "POST" and not work.sent
        blocker = self.neighbour(work, other) if outcome is Outcome.BLOCK else ""
        if outcome is Outcome.BLOCK and (unanswered or not blocker):
            return
        fails_before = self.state(work.item.tenant, work.item.rk).get("fl")
        settled = self.settle(
            work,
            outcome,
            signal=signal,
            counted=counted and outcome is Outcome.RETRY,
            delay_ms=SETTLE_MS if unanswered else 1000,
            hold_ms=5000 if outcome is Outcome.PARK else 0,
            blocked_on=blocker,
            backend_id=work.bid,
        )
        if settled.status in {SettleStatus.PARKED, SettleStatus.BLOCKED, SettleStatus.RELEASED}:
            self.before = self.dump()
            assert self.state(work.item.tenant, work.item.rk).get("fl") == fails_before
        if unanswered and settled.status is not SettleStatus.STALE:
            work.lands_before_ms = self.engine.now_ms + SETTLE_MS
            self.zombies.append(work)

    def neighbour(self, work: Work, pick: int) -> str:
        """Another resource of the same tenant, or none."""
        tenant = work.item.tenant
        others = [rk for name, rk in self.versions if name == tenant and rk != work.item.rk]
        return others[pick % len(others)] if others else ""

    @rule(pick=PICK)
    def settle_dead(self, pick: int) -> None:
        if (work := self.in_hand(pick)) is None:
            return
        unanswered = work.verb == "POST" and not work.sent
        if not work.verb or work.sent or unanswered:
            delay_ms = SETTLE_MS if unanswered else 0
            settled = self.settle(
                work,
                Outcome.DEAD,
                backend_id=work.bid,
                delay_ms=delay_ms,
                error_code="unanswered" if unanswered else "rejected",
            )
            if unanswered and settled.status is not SettleStatus.STALE:
                work.lands_before_ms = self.engine.now_ms + SETTLE_MS
                self.zombies.append(work)

    def settle(self, work: Work, outcome: Outcome, **how: Any) -> types.Settled:
        """Hand over; a worker that was too late asks for a re-send."""
        self.work.remove(work)
        item = work.item
        settlement = types.Settlement(outcome=outcome, version_sent=item.version, **how)
        settled = self.run(self.engine.queue.settle(item, settlement))
        if settled.status is SettleStatus.STALE:
            self.unchanged()
            self.run(self.engine.queue.resync(self.tenant_of(work), item.rk))
        else:
            self.settled.append((item, settlement, settled))
        return settled

    @precondition(lambda self: self.settled)
    @rule(pick=PICK)
    def settle_again(self, pick: int) -> None:
        """Only the newest token of a resource is remembered: an older one is stale."""
        item, settlement, first = self.settled[-1 - pick % len(self.settled)]
        again = self.run(self.engine.queue.settle(item, settlement))
        newest = all(
            later.rk != item.rk or later.tenant != item.tenant
            for later, _, _ in self.settled[self.settled.index((item, settlement, first)) + 1 :]
        )
        if newest:
            assert again == types.Settled(SettleStatus.DUP, earlier=first.status.value)
        else:
            assert again.status is SettleStatus.STALE
        self.unchanged()

    @rule(pick=PICK)
    def settle_with_a_foreign_token(self, pick: int) -> None:
        if (work := self.in_hand(pick)) is None:
            return
        foreign = replace(work.item, token="foreign.1")
        settlement = types.Settlement(outcome=Outcome.OK, version_sent=foreign.version)
        settled = self.run(self.engine.queue.settle(foreign, settlement))
        assert settled.status is SettleStatus.STALE
        assert self.run(self.engine.queue.beat(0, [foreign], LEASE_MS)) == (foreign,)
        self.unchanged()
