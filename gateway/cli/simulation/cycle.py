"""One provisioning job: what Entra does in a cycle, person by person.

A person is *linked* once an id at the target is known. What was last acknowledged is kept with the
link; only an acknowledged answer moves it, so whatever failed differs again in the next cycle.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any, Final, TypeVar

from gateway.cli.simulation import dialect, lanes, mapping, transport, verdicts
from gateway.cli.simulation.changes import Change, Kind
from gateway.cli.simulation.dialect import Dialect
from gateway.cli.simulation.group_cycle import GroupJob
from gateway.cli.simulation.groups import Change as GroupChange
from gateway.cli.simulation.journal import Action, Entry, Journal
from gateway.cli.simulation.lanes import Advance
from gateway.cli.simulation.mapping import Flat
from gateway.cli.simulation.people import Person, Standing
from gateway.cli.simulation.transport import Answer, Transport

T = TypeVar("T")

NOBODY: Final = "3e59e27b-4f6c-4a0e-9f2a-1f6f0f6f7a11"
"""The value that Test Connection looks for and must not find."""


UNKNOWN: Final = ""
"""A value that no attribute has: whatever is wanted differs from it and is sent again."""


@dataclass(frozen=True, slots=True)
class Link:
    """A person's id at the target and what the target acknowledged last.

    `ours` is false when the resource was there before: it may hold more than we sent.
    """

    id: str
    sent: Flat
    ours: bool = True


class Job:
    """The state of one provisioning job; `links` and `deleted` are read by the verification.

    `dice` decides in which order groups and members arrive.
    """

    def __init__(
        self,
        endpoint: Transport,
        journal: Journal,
        *,
        form: Dialect = Dialect.BOTH,
        concurrency: int = 1,
        advance: Advance = lambda _phase, _done, _total: None,
        dice: Random | None = None,
    ) -> None:
        self._dice = dice or Random(0)  # noqa: S311 - an order, nothing secret
        self.groups = GroupJob(endpoint, journal, id_of=self.scim_id, form=form, dice=self._dice)
        self.directory: dict[str, Person] = {}
        self.links: dict[str, Link] = {}
        self.deleted: dict[str, str] = {}
        self._endpoint = endpoint
        self._journal = journal
        self._form = form
        self._concurrency = concurrency
        self._advance = advance
        self._number = 0

    async def cycle(
        self, number: int, changes: Iterable[Change], group_changes: Iterable[GroupChange] = ()
    ) -> bool:
        """Carry out one cycle; False when the connection test failed and nothing was tried."""
        self._number = self.groups.number = number
        again = self._take(changes)
        self.groups.take(group_changes)
        if not await self._test_connection():
            return False
        await self._each("objects", self._objects(again), lambda work: work())
        moved = [one for one in self.directory.values() if self._moved(one)]
        await self._each("managers", moved, self._reference)
        await self._each("members", self.groups.moving(), self.groups.members)
        return True

    def _objects(self, again: frozenset[str]) -> list[Callable[[], Awaitable[None]]]:
        """What to do about people and groups; groups arrive anywhere between the people."""
        people = [one for one in self.directory.values() if self._differs(one, again)]
        work = [partial(self._object, one, again) for one in people]
        for group in self.groups.differing():
            work.insert(self._dice.randint(0, len(work)), partial(self.groups.object, group))
        return list(work)

    def scim_id(self, object_id: str) -> str:
        """The id at the target of a person or group, empty while there is none."""
        link = self.links.get(object_id) or self.groups.links.get(object_id)
        return link.id if link else ""

    async def _each(
        self, phase: str, items: Sequence[T], work: Callable[[T], Awaitable[None]]
    ) -> None:
        """Work on all, at most `concurrency` at once."""

        def done(count: int) -> None:
            self._advance(f"cycle {self._number}: {phase}", count, len(items))

        await lanes.each(items, work, at_once=self._concurrency, done=done)

    def _take(self, changes: Iterable[Change]) -> frozenset[str]:
        """Bring the directory up to date; the object ids to send again though nothing changed."""
        again = set()
        for change in changes:
            self.directory[change.person.object_id] = change.person
            if change.kind is Kind.UNCHANGED:
                again.add(change.person.object_id)
        return frozenset(again)

    def _differs(self, one: Person, again: frozenset[str]) -> bool:
        link = self.links.get(one.object_id)
        if link is None:
            return one.standing is Standing.ACTIVE
        gone = one.standing is Standing.HARD_DELETED
        return gone or one.object_id in again or self._wanted(one, link) != link.sent

    def _wanted(self, one: Person, link: Link) -> Flat:
        """What the object phase wants: the manager stays as it is until the reference phase."""
        return mapping.mapped(one, manager_id=str(link.sent.get(mapping.MANAGER, "")))

    def _moved(self, one: Person) -> bool:
        link = self.links.get(one.object_id)
        return link is not None and self._manager_id(one) != link.sent.get(mapping.MANAGER, "")

    def _manager_id(self, one: Person) -> str:
        leader = self.links.get(one.manager)
        return leader.id if leader else ""

    async def _test_connection(self) -> bool:
        query = transport.matching("userName", NOBODY)
        answer = await self._endpoint.call("GET", f"/Users?{query}")
        well = self._note(Action.TEST, "", answer, verdicts.not_empty_list(answer))
        if not well or not self.groups.directory:
            return well
        return await self.groups.test_connection(NOBODY)

    async def _object(self, one: Person, again: frozenset[str]) -> None:
        link = self.links.get(one.object_id)
        if link is None:
            await self._introduce(one)
        elif one.standing is Standing.HARD_DELETED:
            await self._delete(one, link)
        elif await self._read(one, link):
            wanted = self._wanted(one, link)
            before = dict.fromkeys(wanted, UNKNOWN) if one.object_id in again else link.sent
            await self._patch(Action.UPDATE, one, link, before=before, wanted=wanted)

    async def _introduce(self, one: Person) -> None:
        """Match by user name, then link and update what is there, or create."""
        query = transport.matching("userName", mapping.login(one))
        answer = await self._endpoint.call("GET", f"/Users?{query}")
        problem = verdicts.not_one_match(answer, "userName", mapping.login(one))
        if not self._note(Action.MATCH, one.object_id, answer, problem):
            return
        wanted = mapping.mapped(one)
        if found := answer.body.get("Resources"):
            known = {p: v for p, v in mapping.flattened(found[0]).items() if p in wanted}
            link = self.links[one.object_id] = Link(found[0]["id"], known, ours=False)
            await self._patch(Action.UPDATE, one, link, before=known, wanted=wanted)
        else:
            await self._create(one, wanted)

    async def _create(self, one: Person, wanted: Flat) -> None:
        answer = await self._endpoint.call("POST", "/Users", _create_body(wanted))
        problem = verdicts.not_created(answer)
        if self._note(Action.CREATE, one.object_id, answer, problem):
            self.links[one.object_id] = Link(str(answer.body["id"]), wanted)

    async def _read(self, one: Person, link: Link) -> bool:
        """Read the linked resource; a 404 breaks the link, so the next cycle matches anew."""
        answer = await self._endpoint.call("GET", f"/Users/{link.id}")
        if answer.status == 404:
            del self.links[one.object_id]
        return self._note(Action.READ, one.object_id, answer, verdicts.unless(answer, 200))

    async def _patch(
        self, action: Action, one: Person, link: Link, *, before: Flat, wanted: Flat
    ) -> None:
        if before == wanted:
            return
        form = dialect.choose(self._form, one.number + self._number)
        body = dialect.patch(before, wanted, form)
        answer = await self._endpoint.call("PATCH", f"/Users/{link.id}", body)
        if self._note(action, one.object_id, answer, verdicts.unless(answer, 200, 204)):
            self.links[one.object_id] = replace(link, sent=wanted)
        elif answer.may_have_happened:
            self.links[one.object_id] = replace(link, sent=_uncertain(before, wanted))

    async def _delete(self, one: Person, link: Link) -> None:
        answer = await self._endpoint.call("DELETE", f"/Users/{link.id}")
        if self._note(Action.DELETE, one.object_id, answer, verdicts.unless(answer, 204, 404)):
            self.deleted[one.object_id] = self.links.pop(one.object_id).id

    async def _reference(self, one: Person) -> None:
        link = self.links[one.object_id]
        manager_id = self._manager_id(one)
        wanted = {path: value for path, value in link.sent.items() if path != mapping.MANAGER}
        if manager_id:
            wanted[mapping.MANAGER] = manager_id
        await self._patch(Action.REFERENCE, one, link, before=link.sent, wanted=wanted)

    def _note(self, action: Action, subject: str, answer: Answer, problem: str) -> bool:
        self._journal.add(Entry(self._number, action, subject, answer, problem))
        return not problem


def _uncertain(before: Flat, wanted: Flat) -> Flat:
    """What the target holds after a PATCH without a clear answer."""
    tried = (path for path, value in wanted.items() if before.get(path) != value)
    return {**before, **dict.fromkeys(tried, UNKNOWN)}


def _create_body(wanted: Flat) -> dict[str, Any]:
    """As Entra sends it: both schemas, `meta.resourceType`, and an empty list of roles."""
    return {
        "schemas": [mapping.USER, mapping.ENTERPRISE],
        **mapping.nested(wanted),
        "meta": {"resourceType": "User"},
        "roles": [],
    }
