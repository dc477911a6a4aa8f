"""The worst backend that the contract allows, in memory: no uniqueness, no idempotency keys.

It keeps every rule only if the engine does: a second create makes a second record.
"""

from dataclasses import dataclass, field


@dataclass
class Record:
    tenant: str
    values: dict[str, str]


@dataclass
class Backend:
    records: dict[str, Record] = field(default_factory=dict)
    created: int = 0

    def find(self, tenant: str, xids: set[str]) -> str:
        """The record that carries one of these external ids; there must be at most one."""
        found = [
            bid
            for bid, record in self.records.items()
            if record.tenant == tenant and record.values["xid"] in xids
        ]
        assert len(found) <= 1, f"several records for {xids}: {found}"
        return found[0] if found else ""

    def create(self, tenant: str, values: dict[str, str]) -> str:
        self.created += 1
        bid = f"usr_{self.created}"
        self.records[bid] = Record(tenant, values)
        assert self.find(tenant, {values["xid"]}) == bid
        return bid

    def change(self, bid: str, values: dict[str, str]) -> None:
        """A PATCH; one for a record that is gone has no effect."""
        if bid in self.records:
            self.records[bid].values = values

    def remove(self, bid: str) -> None:
        self.records.pop(bid, None)
