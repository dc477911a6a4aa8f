"""What Entra does about groups in a cycle: the objects, then who is a member.

As with people, only an acknowledged answer moves what is known of the target, so whatever failed
differs again in the next cycle. A member is sent as soon as it has an id at the target.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final

from gateway.cli.simulation import dialect, membership, transport, verdicts
from gateway.cli.simulation.dialect import Dialect
from gateway.cli.simulation.groups import Change, Group
from gateway.cli.simulation.journal import Action, Entry, Journal
from gateway.cli.simulation.mapping import Flat
from gateway.cli.simulation.transport import Answer, Transport

SCHEMA: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
MICROSOFT: Final = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
"""A second schema that Entra names when it creates a group."""
WITHOUT_MEMBERS: Final = "excludedAttributes=members"

IdOf = Callable[[str], str]
"""The SCIM id of an object id, empty while there is none."""


@dataclass(frozen=True, slots=True)
class GroupLink:
    """A group's id at the target, and what the target acknowledged last.

    `members` are SCIM ids. `unclear` are those whose change had no clear answer. `ours` is false
    when the group was there before: it may hold more members than we sent.
    """

    id: str
    sent: Flat
    members: frozenset[str] = frozenset()
    unclear: frozenset[str] = frozenset()
    ours: bool = True


class GroupJob:
    """The groups of one provisioning job. `dice` shuffles the order in which members arrive."""

    def __init__(
        self, endpoint: Transport, journal: Journal, *, id_of: IdOf, form: Dialect, dice: Random
    ) -> None:
        self.directory: dict[str, Group] = {}
        self.links: dict[str, GroupLink] = {}
        self.deleted: dict[str, str] = {}
        self.number = 0
        self._endpoint = endpoint
        self._journal = journal
        self._id_of = id_of
        self._form = form
        self._dice = dice

    def take(self, changes: Iterable[Change]) -> None:
        """Bring the directory up to date."""
        self.directory |= {change.group.object_id: change.group for change in changes}

    def differing(self) -> list[Group]:
        """The groups whose object has to be made, changed or deleted."""
        return [group for group in self.directory.values() if self._differs(group)]

    def moving(self) -> list[Group]:
        """The groups whose members are not as they should be."""
        living = (group for group in self.directory.values() if not group.deleted)
        return [group for group in living if any(self._moves(group))]

    async def object(self, group: Group) -> None:
        """Create, rename or delete a group; a new one gets the members that are there already."""
        link = self.links.get(group.object_id)
        if link is None:
            await self._introduce(group)
        elif group.deleted:
            await self._delete(group, link)
        elif await self._read(group, link):
            await self._update(group, link)
        if not group.deleted:
            await self.members(group)

    async def members(self, group: Group) -> None:
        """Send who joins and who leaves, in random order, as long as the target takes it."""
        joining, leaving = self._moves(group)
        for turn, (join, leave) in enumerate(
            membership.batches(self._shuffled(joining), self._shuffled(leaving))
        ):
            form = dialect.choose(self._form, group.number + self.number + turn)
            body = membership.patch(join, leave, form)
            if not await self._send(group, body, join=join, leave=leave):
                return

    async def test_connection(self, nobody: str) -> bool:
        """Look for a group that does not exist."""
        answer = await self._find(nobody)
        return self._note(Action.TEST, "", answer, verdicts.not_empty_list(answer))

    def _differs(self, group: Group) -> bool:
        link = self.links.get(group.object_id)
        if link is None:
            return not group.deleted
        return group.deleted or _wanted(group) != link.sent

    def _moves(self, group: Group) -> tuple[frozenset[str], frozenset[str]]:
        """The SCIM ids that have to join and to leave; an unclear one is sent again."""
        link = self.links.get(group.object_id)
        if link is None:
            return frozenset(), frozenset()
        wanted = frozenset(filter(None, map(self._id_of, group.members)))
        return wanted - (link.members - link.unclear), (link.members | link.unclear) - wanted

    def _shuffled(self, ids: frozenset[str]) -> list[str]:
        ordered = sorted(ids)
        self._dice.shuffle(ordered)
        return ordered

    async def _find(self, name: str) -> Answer:
        query = transport.matching("displayName", name)
        return await self._endpoint.call("GET", f"/Groups?{WITHOUT_MEMBERS}&{query}")

    async def _introduce(self, group: Group) -> None:
        """Match by name, then link what is there, or create it without members."""
        answer = await self._find(group.name)
        problem = verdicts.not_one_match(answer, "displayName", group.name)
        if not self._note(Action.GROUP_MATCH, group.object_id, answer, problem):
            return
        if found := answer.body.get("Resources"):
            known = {name: found[0][name] for name in _wanted(group) if name in found[0]}
            link = GroupLink(found[0]["id"], known, ours=False)
            self.links[group.object_id] = link
            await self._update(group, link)
        else:
            await self._create(group)

    async def _create(self, group: Group) -> None:
        wanted = _wanted(group)
        body = {"schemas": [SCHEMA, MICROSOFT], **wanted, "meta": {"resourceType": "Group"}}
        answer = await self._endpoint.call("POST", "/Groups", body)
        problem = verdicts.not_created(answer)
        if self._note(Action.GROUP_CREATE, group.object_id, answer, problem):
            self.links[group.object_id] = GroupLink(str(answer.body["id"]), wanted)

    async def _read(self, group: Group, link: GroupLink) -> bool:
        """Read the linked group; a 404 breaks the link, so the next cycle matches anew."""
        answer = await self._endpoint.call("GET", f"/Groups/{link.id}?{WITHOUT_MEMBERS}")
        self._unlink_if_gone(group, answer)
        return self._note(Action.GROUP_READ, group.object_id, answer, verdicts.unless(answer, 200))

    async def _update(self, group: Group, link: GroupLink) -> None:
        wanted = _wanted(group)
        if wanted == link.sent:
            return
        form = dialect.choose(self._form, group.number + self.number)
        body = dialect.patch(link.sent, wanted, form)
        answer = await self._endpoint.call("PATCH", f"/Groups/{link.id}", body)
        problem = verdicts.unless(answer, 200, 204)
        if self._note(Action.GROUP_UPDATE, group.object_id, answer, problem):
            self.links[group.object_id] = replace(link, sent=wanted)
        elif answer.may_have_happened:
            self.links[group.object_id] = replace(link, sent={})

    async def _delete(self, group: Group, link: GroupLink) -> None:
        answer = await self._endpoint.call("DELETE", f"/Groups/{link.id}")
        problem = verdicts.unless(answer, 204, 404)
        if self._note(Action.GROUP_DELETE, group.object_id, answer, problem):
            self.deleted[group.object_id] = self.links.pop(group.object_id).id

    async def _send(
        self, group: Group, body: Mapping[str, Any], *, join: list[str], leave: list[str]
    ) -> bool:
        """One PATCH of members; whether it was acknowledged."""
        link = self.links[group.object_id]
        answer = await self._endpoint.call("PATCH", f"/Groups/{link.id}", body)
        problem = verdicts.unless(answer, 200, 204)
        if not self._note(Action.MEMBERS, group.object_id, answer, problem):
            unclear = link.unclear.union(join, leave) if answer.may_have_happened else link.unclear
            self.links[group.object_id] = replace(link, unclear=unclear)
            self._unlink_if_gone(group, answer)
            return False
        self.links[group.object_id] = replace(
            link,
            members=link.members.union(join).difference(leave),
            unclear=link.unclear.difference(join, leave),
        )
        return True

    def _unlink_if_gone(self, group: Group, answer: Answer) -> None:
        if answer.status == 404:
            del self.links[group.object_id]

    def _note(self, action: Action, subject: str, answer: Answer, problem: str) -> bool:
        self._journal.add(Entry(self.number, action, subject, answer, problem))
        return not problem


def _wanted(group: Group) -> Flat:
    return {"displayName": group.name, "externalId": group.object_id}
