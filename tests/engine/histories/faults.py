"""Rules: crashes, late requests, frozen workers, outages, and time."""

from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import precondition, rule

from clients.redis import types
from clients.redis.types import Outcome, SettleStatus
from tests.engine.harness import BLOCK_MS, LEASE_MS, SETTLE_MS
from tests.engine.histories.base import PICK, TITLES
from tests.engine.histories.workers import Workers
from tests.engine.worker import Work


class Faults(Workers):
    """Random ones, and directed stories that random choice would rarely tell."""

    @rule(pick=PICK)
    def crash(self, pick: int) -> None:
        """The worker dies; what it sent may still land."""
        if (work := self.in_hand(pick)) is None:
            return
        self.work.remove(work)
        if work.verb and not work.sent:
            self.zombies.append(work)

    @precondition(lambda self: self.zombies)
    @rule(pick=PICK)
    def a_late_request_lands(self, pick: int) -> None:
        """A create lands before the settle delay ends, other requests before the lease does."""
        work = self.zombies.pop(pick % len(self.zombies))
        limit = work.lands_before_ms if work.verb == "POST" else work.expires_ms
        if self.engine.now_ms < limit:
            self.deliver(work)

    @rule()
    def a_create_outlives_its_worker(self) -> None:
        """Directed: the worker dies, the next one takes over, the create lands late."""
        creates = [each for each in self.work if not (each.bid or each.sent or each.item.deleted)]
        if creates and creates[0].expires_ms > self.engine.now_ms:
            creates[0].prepare(self.backend)
            self.work.remove(creates[0])
            self.everybody_loses_the_lease()
            self.next_worker()
            if self.engine.now_ms < creates[0].lands_before_ms:
                self.deliver(creates[0])

    @rule(pick=PICK, title=TITLES)
    def an_update_during_the_lease(self, pick: int, title: str) -> None:
        """Directed: what is sent is older than what is stored when it is settled."""
        work = self.in_hand(pick)
        if work and (work.item.tenant, work.item.rk) in self.people:
            self.engine.tenant = self.tenant_of(work)
            change = self.run(self.engine.change(work.item.rk, title=title))
            self.write(self.engine.tenant, change)
            self.prepare_and_send(work)
            if work.sent:
                self.before = self.dump()
                self.settle(work, Outcome.OK, backend_id=work.bid)

    @rule(pick=PICK, title=TITLES)
    def a_frozen_worker_wakes_up(self, pick: int, title: str) -> None:
        """Directed: its PATCH lands after a newer one, before the newer one is settled."""
        self.update(pick, title, "m1", security=False)
        self.before = self.dump()
        self.claim(5)
        frozen = [each for each in self.work if each.bid and not each.item.deleted]
        if frozen and (frozen[0].item.tenant, frozen[0].item.rk) in self.people:
            frozen[0].prepare(self.backend)
            self.everybody_loses_the_lease()
            self.engine.tenant = tenant = self.tenant_of(frozen[0])
            change = self.run(self.engine.change(frozen[0].item.rk, title=title))
            self.before = self.dump()
            self.write(tenant, change)
            self.before = self.dump()
            newer = self.next_worker()
            frozen[0].send(self.backend)
            self.before = self.dump()
            self.work.append(frozen[0])
            self.settle(frozen[0], Outcome.OK, backend_id=frozen[0].bid)
            for work in newer:
                settled = self.settle(work, Outcome.OK, backend_id=work.bid)
                same = work.item.rk == frozen[0].item.rk and self.tenant_of(work) is tenant
                assert not same or settled.status is SettleStatus.DIRTY

    @rule(pick=PICK)
    def a_person_returns_while_the_deletion_fails(self, pick: int) -> None:
        """Directed: the new person waits, however long the old record cannot be deleted."""
        found = self.someone(pick)
        if found and self.state(found[0].name, found[1]).get("bid"):
            tenant, rk = found
            values = dict(self.people[tenant.name, rk])
            self.write(tenant, self.run(self.engine.deletion(rk)))
            self.before = self.dump()
            heir = f"u:{len(self.versions)}"
            self.write(tenant, self.engine.creation(heir, **values))
            self.claim(5)
            for work in [each for each in self.work if each.item.rk == rk]:
                self.before = self.dump()
                self.settle(work, Outcome.DEAD, backend_id=work.bid)
            self.run(self.engine.advance(BLOCK_MS))
            self.before = self.dump()
            self.claim(5)
            heirs = [each for each in self.work if each.item.rk == heir]
            assert not heirs or not self.state(tenant.name, rk)

    @rule(pick=PICK)
    def an_outage_is_probed(self, pick: int) -> None:
        """Directed: a parked tenant lets one probe through when its hold is over."""
        if work := self.in_hand(pick):
            self.settle(work, Outcome.PARK, signal=types.Signal.CONFIG, hold_ms=5000)
            self.run(self.engine.advance(5000))
            self.before = self.dump()
            self.claim(5)

    def everybody_loses_the_lease(self) -> None:
        self.run(self.engine.advance(LEASE_MS))
        while self.run(self.engine.queue.claim(0, **self.claim_of_nothing())).reaped:
            pass
        self.work.clear()
        self.before = self.dump()

    def claim_of_nothing(self) -> dict[str, Any]:
        prefix = self.engine.fresh("reaper.")
        return {"max_items": 0, "token_prefix": prefix, "lease_ms": LEASE_MS}

    def next_worker(self) -> list[Work]:
        """Claims what is due and sends it."""
        self.claim(5)
        self.before = self.dump()
        for work in self.work:
            self.prepare_and_send(work)
        return list(self.work)

    @rule(ms=st.sampled_from([1, 500, 5000, SETTLE_MS, LEASE_MS, BLOCK_MS]))
    def tick(self, ms: int) -> None:
        self.run(self.engine.advance(ms))

    @rule()
    def leases_run_out(self) -> None:
        """Directed: time passes and a claim takes the leases back."""
        self.run(self.engine.advance(LEASE_MS))
        self.run(self.engine.claim(1))
