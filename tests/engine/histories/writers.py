"""Rules: the gateway writes; the model foretells each answer."""

from dataclasses import replace

import hypothesis.strategies as st
import orjson
from hypothesis.stateful import precondition, rule

from clients.redis import types
from clients.redis.types import Change, Lane, WriteStatus
from tests.engine.histories.base import PICK, TITLES, Base

NAMES = st.sampled_from(["ann", "bob", "cid"])
PEOPLE = st.sampled_from(["x1", "x2", "x3"])
MAILS = st.sampled_from(["m1", "m2"])


class Writers(Base):
    """Create, update, rename, delete; stale, and sent again."""

    def write(self, tenant: types.Tenant, change: Change) -> types.Written:
        """Send, and hold the answer against the model."""
        self.engine.tenant = tenant
        key = tenant.name, change.rk
        expected = self.predict(key, change)
        written = self.run(self.engine.store.write(tenant, change))
        assert written.status is expected, change
        if written.status is WriteStatus.OK:
            self.accept(key, change, written)
        else:
            self.unchanged()
        return written

    def predict(self, key: tuple[str, str], change: Change) -> WriteStatus:
        mine = self.people.get(key)
        if change.op == "D":
            return WriteStatus.OK
        values = orjson.loads(change.doc)
        if mine == values:
            return WriteStatus.NOOP
        others = [
            each for (tenant, rk), each in self.people.items() if tenant == key[0] and rk != key[1]
        ]
        if any(each[name] == values[name] for each in others for name in ("un", "xid")):
            return WriteStatus.UNIQ
        return WriteStatus.OK

    def accept(self, key: tuple[str, str], change: Change, written: types.Written) -> None:
        assert written.version == self.versions.get(key, 0) + 1
        self.versions[key] = written.version
        self.last[key] = change, written
        self.keep_back(key, change, written)
        was = self.state(*key)
        if change.op == "D":
            del self.people[key]
        else:
            self.people[key] = orjson.loads(change.doc)
        if was.get("st") == "D":
            self.before = self.dump()
            assert self.state(*key)["st"] in ({"H"} if written.held else {"P", "W"})
            assert self.state(*key)["fl"] == "0"

    def keep_back(self, key: tuple[str, str], change: Change, written: types.Written) -> None:
        """Whom the guard holds stays held, whatever else is written, until wanted again."""
        assert written.held or key not in self.held or change.lane is Lane.RETURN
        if change.lane is Lane.RETURN:
            assert not written.held
        assert not written.held or change.lane is Lane.SECURITY or key in self.held
        if written.held:
            self.held.add(key)
        else:
            self.held.discard(key)

    def someone(self, pick: int) -> tuple[types.Tenant, str] | None:
        """One of the living."""
        if not self.people:
            return None
        name, rk = sorted(self.people)[pick % len(self.people)]
        self.engine.tenant = next(each for each in self.tenants if each.name == name)
        return self.engine.tenant, rk

    @rule(pick=PICK, un=NAMES, xid=PEOPLE, em=MAILS)
    def create(self, pick: int, un: str, xid: str, em: str) -> None:
        tenant = self.tenants[pick % 2]
        rk = f"u:{len(self.versions)}"
        self.write(tenant, self.engine.creation(rk, un=un, xid=xid, em=em))

    @rule(pick=PICK, title=TITLES, em=MAILS, security=st.booleans())
    def update(self, pick: int, title: str, em: str, security: bool) -> None:  # noqa: FBT001
        if found := self.someone(pick):
            lane = Lane.SECURITY if security else Lane.NORMAL
            change = self.run(self.engine.change(found[1], lane=lane, title=title, em=em))
            self.write(found[0], change)

    @rule()
    def everybody_leaves(self) -> None:
        """Directed: more than the guard of the first tenant lets go at once."""
        self.engine.tenant = self.tenants[0]
        for name, rk in sorted(self.people):
            if name == self.engine.tenant.name:
                self.before = self.dump()
                title = self.engine.fresh("left")
                change = self.run(self.engine.change(rk, lane=Lane.SECURITY, title=title))
                self.write(self.engine.tenant, change)

    @precondition(lambda self: self.held)
    @rule(pick=PICK)
    def somebody_returns(self, pick: int) -> None:
        name, rk = sorted(self.held)[pick % len(self.held)]
        if (name, rk) in self.people:
            self.engine.tenant = next(each for each in self.tenants if each.name == name)
            title = self.engine.fresh("back")
            change = self.run(self.engine.change(rk, lane=Lane.RETURN, title=title))
            self.write(self.engine.tenant, change)

    @rule(pick=PICK, un=NAMES)
    def rename(self, pick: int, un: str) -> None:
        if found := self.someone(pick):
            self.write(found[0], self.run(self.engine.change(found[1], un=un)))

    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        if found := self.someone(pick):
            self.write(found[0], self.run(self.engine.deletion(found[1])))

    @rule(pick=PICK, title=TITLES)
    def stale_update(self, pick: int, title: str) -> None:
        if found := self.someone(pick):
            change = self.run(self.engine.change(found[1], title=title + "!"))
            stale = replace(change, expected=(change.expected or 0) - 1)
            written = self.run(self.engine.store.write(found[0], stale))
            assert written == types.Written(WriteStatus.CONFLICT, change.expected or 0)
            self.unchanged()

    @precondition(lambda self: self.last)
    @rule(pick=PICK)
    def send_again(self, pick: int) -> None:
        key = sorted(self.last)[pick % len(self.last)]
        change, written = self.last[key]
        tenant = next(each for each in self.tenants if each.name == key[0])
        assert self.run(self.engine.store.write(tenant, change)) == written
        self.unchanged()
