"""What must be true of groups after the trouble: the part of the oracle that knows members.

The journal's account is kept per member, because members are a set: each ends as some request left
it that no other request about the same member was sent after. Compared are the journal, the three
sets that Redis keeps of every group, and BLDNG's groups.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from clients.bldng.sandbox.state import State
from clients.redis import keys, replies
from clients.redis.stack import Stack as RedisStack
from clients.redis.types import Tenant
from tests.support.register import Register, Span

Doc = Mapping[str, Any]
AT_ONCE = 1000


@dataclass(slots=True)
class Team:
    """All that was done to one group."""

    name: Register[str]
    lives: Register[bool] = field(default_factory=lambda: Register(first=True))
    members: dict[str, Register[bool]] = field(default_factory=dict)

    def note(self, ids: Iterable[str], span: Span, *, joined: bool) -> None:
        """A request let these join, or leave."""
        for each in ids:
            self.members.setdefault(each, Register(first=False)).note(joined, span)


@dataclass(slots=True)
class Teams:
    """The groups of a journal, by SCIM id."""

    by_id: dict[str, Team] = field(default_factory=dict)

    def founded(self, scim_id: str, name: str) -> None:
        """A create was acknowledged."""
        self.by_id[scim_id] = Team(Register(first=name))

    def changed(
        self, scim_id: str, span: Span, *, joining: Iterable[str] = (), leaving: Iterable[str] = ()
    ) -> None:
        """Members joined and left."""
        self.by_id[scim_id].note(joining, span, joined=True)
        self.by_id[scim_id].note(leaving, span, joined=False)

    def listed(self, scim_id: str, span: Span, ids: Collection[str]) -> None:
        """The members were replaced by these."""
        team = self.by_id[scim_id]
        team.note(ids, span, joined=True)
        team.note(team.members.keys() - set(ids), span, joined=False)

    def renamed(self, scim_id: str, span: Span, name: str) -> None:
        self.by_id[scim_id].name.note(name, span)

    def disbanded(self, scim_id: str, span: Span) -> None:
        """The group was deleted."""
        self.by_id[scim_id].lives.note(False, span)

    def person_left(self, scim_id: str, span: Span) -> None:
        """A person was deleted: they leave every group."""
        for team in self.by_id.values():
            if scim_id in team.members:
                team.note([scim_id], span, joined=False)


@dataclass(frozen=True, slots=True)
class Stored:
    """A group in Redis: its document, its members, and those not yet or never at BLDNG."""

    doc: Doc
    members: frozenset[str]
    pending: frozenset[str]
    parked: frozenset[str]


async def verdict(
    redis: RedisStack, tenant: Tenant, state: State, teams: Teams, people: Mapping[str, Doc]
) -> list[str]:
    """Every contradiction about groups. `people` are the persons whom BLDNG should have."""
    stored = await groups(redis, tenant)
    return [
        *_forgotten(stored, teams),
        *_misplaced(stored, people),
        *await _one_sided(redis, tenant, stored),
        *_differences(stored, people, held(state, tenant.org)),
    ]


async def groups(redis: RedisStack, tenant: Tenant) -> dict[str, Stored]:
    """Every stored group by SCIM id."""
    found: dict[str, Stored] = {}
    after: int | None = 0
    while after is not None:
        part = await redis.store.scan(tenant, "g", after, 500)
        for each in part.resources:
            sets = await _sets(redis, tenant, each.rk)
            found[each.rk[2:]] = Stored(orjson.loads(each.doc), *sets)
        after = part.after
    return found


async def _sets(
    redis: RedisStack, tenant: Tenant, rk: str
) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    members, pending, parked = keys.members(tenant.partition, tenant.name, rk)
    return (
        _texts(await redis.client.smembers(members)),
        _texts(await redis.client.zrange(pending, 0, -1)),
        _texts(await redis.client.smembers(parked)),
    )


def _texts(values: Iterable[object]) -> frozenset[str]:
    return frozenset(map(replies.text, values))


def held(state: State, org: str) -> list[tuple[str, str, frozenset[str]]]:
    """What BLDNG holds: `externalId`, name, and the `ssoSubject`s of the members of each group."""
    here = state.org(org)
    subjects = {each["id"]: each["ssoSubject"] for each in here.users}
    return [
        (
            each["externalId"],
            each["name"],
            frozenset(subjects.get(one, one) for one in here.members.get(each["id"], ())),
        )
        for each in here.groups
    ]


def _forgotten(stored: Mapping[str, Stored], teams: Teams) -> Iterator[str]:
    """What was acknowledged and Redis does not hold, or holds although it was taken away."""
    for scim_id, team in teams.by_id.items():
        group = stored.get(scim_id)
        if (group is not None) not in team.lives.possible():
            yield f"group {scim_id} is {'back' if group else 'gone'}"
        if group is None:
            continue
        if group.doc["displayName"] not in team.name.possible():
            yield f"group {scim_id} is called {group.doc['displayName']}"
        for member, register in team.members.items():
            if (member in group.members) not in register.possible():
                kept = "kept" if member in group.members else "lost"
                yield f"group {scim_id} {kept} {member}"
        for member in group.members - team.members.keys():
            yield f"group {scim_id} invented {member}"


def _misplaced(stored: Mapping[str, Stored], people: Mapping[str, Doc]) -> Iterator[str]:
    """Memberships left to do, or parked although the person is at BLDNG."""
    for scim_id, group in stored.items():
        if group.pending:
            yield f"group {scim_id} has {len(group.pending)} members still to send"
        if wrongly := group.parked & people.keys():
            yield f"group {scim_id} parks {sorted(wrongly)}"
        if strangers := group.parked - group.members:
            yield f"group {scim_id} parks {sorted(strangers)} who are no members"


async def _one_sided(redis: RedisStack, tenant: Tenant, stored: Mapping[str, Stored]) -> list[str]:
    """Memberships that only the group or only the member knows."""
    told = {(scim_id, each) for scim_id, group in stored.items() for each in group.members}
    known = await _known_to_members(redis, tenant)
    return [f"group and member disagree: {pair}" for pair in told ^ known]


async def _known_to_members(redis: RedisStack, tenant: Tenant) -> set[tuple[str, str]]:
    prefix = keys.groups_of(tenant.partition, tenant.name, "")
    found = [key async for key in redis.client.scan_iter(match=f"{prefix}*", count=AT_ONCE)]
    pairs: set[tuple[str, str]] = set()
    for start in range(0, len(found), AT_ONCE):
        part = found[start : start + AT_ONCE]
        async with redis.client.pipeline(transaction=False) as pipe:
            for key in part:
                pipe.execute_command("HKEYS", key)
            rows = await pipe.execute()
        for key, rks in zip(part, rows, strict=True):
            member = replies.text(key).removeprefix(prefix)
            pairs |= {(replies.text(rk)[2:], member) for rk in rks}
    return pairs


def _differences(
    stored: Mapping[str, Stored],
    people: Mapping[str, Doc],
    records: list[tuple[str, str, frozenset[str]]],
) -> Iterator[str]:
    """BLDNG against SCIM: no group doubled, missing or left behind, none with other members."""
    for claim, number in Counter(claim for claim, _, _ in records).items():
        if number > 1:
            yield f"BLDNG holds group {claim} {number} times"
    subjects = {scim_id: str(doc.get("externalId")) for scim_id, doc in people.items()}
    wanted: dict[str, tuple[str, frozenset[str]]] = {
        str(group.doc.get("externalId")): (group.doc["displayName"], group.members)
        for group in stored.values()
    }
    found = {claim: (name, members) for claim, name, members in records}
    for claim in wanted.keys() | found.keys():
        name, members = wanted.get(claim, ("", frozenset()))
        other, there = found.get(claim, ("", frozenset()))
        here = {subjects[each] for each in members if each in subjects}
        if name != other:
            yield f"group {claim}: BLDNG calls it {other!r}, SCIM says {name!r}"
        if here != there:
            missing, extra = sorted(here - there), sorted(there - here)
            yield f"group {claim}: BLDNG lacks {missing[:5]} ({len(missing)}), has {extra[:5]}"
