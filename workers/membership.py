"""The memberships of one group: what changed goes to BLDNG in batches.

A batch holds the difference only, so its cost does not depend on how big the group is. Sending it
again changes nothing, so whatever is not confirmed is simply sent again.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from clients.bldng.errors import ProtocolError
from clients.bldng.groups import MEMBERS_TIMEOUT_S
from clients.redis.types import MemberEntry
from mappers.bldng.vocabulary import MEMBERS_BATCH_MAX
from workers.causes import Again, Operation
from workers.task import Failed, Task, call

COMPARE_PAGES_MAX: Final = 50
"""Most pages of members read to find out whether a batch happened; beyond, it is sent again."""

Batch = Sequence[MemberEntry]


class Membership:
    """The changes of one attempt, and what became of them.

    `done` are the entries that BLDNG has now. `unknown` are those it could not add because it does
    not know the person (any more).
    """

    def __init__(self, task: Task) -> None:
        self.done: list[MemberEntry] = []
        self.unknown: list[MemberEntry] = []
        self._task = task
        self._waiting = list(task.item.members.entries)
        self._size = MEMBERS_BATCH_MAX
        self._compare = False

    @property
    def divisible(self) -> bool:
        """Whether a batch that is refused for its size can be sent in smaller ones."""
        return min(self._size, len(self._waiting)) > 1

    def again(self, again: Again) -> None:
        """The next `send` halves its batches, or first finds out whether the last one happened."""
        if again is Again.HALVE:
            self._size = min(self._size, len(self._waiting)) // 2
        self._compare = again is Again.COMPARE

    async def send(self, group_id: str) -> None:
        """Send what waits. Raises Failed and Interrupted; what was confirmed before stays so."""
        while batch := self._waiting[: self._size]:
            if self._compare:
                await self._confirm(group_id, batch)
            else:
                await self._post(group_id, batch)
            del self._waiting[: len(batch)]

    async def _post(self, group_id: str, batch: Batch) -> None:
        task = self._task
        sent = task.world.groups.change_members(
            task.tenant.org,
            group_id,
            add=_ids(batch, +1),
            remove=_ids(batch, -1),
            request_id=task.request_id,
            timeout_s=task.admit_long(MEMBERS_TIMEOUT_S),
        )
        result = await call(Operation.MEMBERS, sent)
        self._note(batch, unknown=frozenset(result.unknown))

    def _note(self, batch: Batch, *, unknown: frozenset[str]) -> None:
        """A person whom BLDNG does not know is in no group of its: to remove them is done."""
        for entry in batch:
            lost = entry.sign > 0 and entry.backend_id in unknown
            (self.unknown if lost else self.done).append(entry)

    async def _confirm(self, group_id: str, batch: Batch) -> None:
        """Success was claimed in a way that cannot be read: see whether it happened."""
        self._compare = False
        missing, leaving = set(_ids(batch, +1)), frozenset(_ids(batch, -1))
        async for page in self._pages(group_id):
            missing -= page
            if leaving & page:
                raise Failed(Operation.MEMBERS, ProtocolError("not_applied"))
            if not missing and not leaving:
                break
        if missing:
            raise Failed(Operation.MEMBERS, ProtocolError("not_applied"))
        self._note(batch, unknown=frozenset())

    async def _pages(self, group_id: str) -> AsyncIterator[frozenset[str]]:
        """The members at BLDNG, page by page. Raises Failed when they are too many to read."""
        cursor: str | None = None
        for _ in range(COMPARE_PAGES_MAX):
            page = self._task.world.groups.members(
                self._task.tenant.org,
                group_id,
                cursor=cursor,
                request_id=self._task.request_id,
            )
            found = await call(Operation.MEMBERS, page)
            yield frozenset(found.items)
            cursor = found.next_cursor
            if cursor is None:
                return
        raise Failed(Operation.MEMBERS, ProtocolError("too_large"))


def _ids(batch: Batch, sign: int) -> list[str]:
    return [entry.backend_id for entry in batch if entry.sign == sign]
