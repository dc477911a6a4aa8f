"""Users and groups at the worst backend that the contract allows; records may vanish by fault."""

from dataclasses import dataclass, field

from clients.redis.types import MemberEntry


@dataclass
class GroupRecord:
    """`rk` is what its external id says it is of."""

    rk: str
    title: str
    members: set[str] = field(default_factory=set)


@dataclass
class GroupBackend:
    users: dict[str, str] = field(default_factory=dict)
    groups: dict[str, GroupRecord] = field(default_factory=dict)
    created: int = 0

    def _id(self, prefix: str) -> str:
        self.created += 1
        return f"{prefix}_{self.created}"

    def user_of(self, rk: str) -> str:
        """The record of a person, '' when there is none; there must be at most one."""
        found = [bid for bid, owner in self.users.items() if owner == rk]
        assert len(found) <= 1, f"several records of {rk}"
        return found[0] if found else ""

    def group_of(self, rk: str) -> str:
        found = [bid for bid, record in self.groups.items() if record.rk == rk]
        assert len(found) <= 1, f"several records of {rk}"
        return found[0] if found else ""

    def put_user(self, rk: str) -> str:
        """Find or create."""
        bid = self.user_of(rk) or self._id("usr")
        self.users[bid] = rk
        return bid

    def put_group(self, rk: str, title: str) -> str:
        bid = self.group_of(rk) or self._id("grp")
        self.groups.setdefault(bid, GroupRecord(rk, title)).title = title
        return bid

    def remove(self, rk: str) -> None:
        """Delete a user, who then is in no group, or a group."""
        gone = self.user_of(rk)
        self.users.pop(gone, None)
        self.groups.pop(self.group_of(rk), None)
        for record in self.groups.values():
            record.members.discard(gone)

    def batch(self, group: str, entries: tuple[MemberEntry, ...]) -> list[MemberEntry]:
        """Change members; gives the entries whose person is unknown. Safe to repeat."""
        unknown = []
        members = self.groups[group].members
        for entry in entries:
            if entry.backend_id not in self.users:
                unknown.append(entry)
            elif entry.sign > 0:
                members.add(entry.backend_id)
            else:
                members.discard(entry.backend_id)
        return unknown
