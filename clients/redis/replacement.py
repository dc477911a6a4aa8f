"""Makes a group's member list exactly the one given, in short steps, while others change it too.

The new list is put aside in Redis; from then on other changes of the group change that list as
well. Then the members are walked, and who is not in the list leaves; then the list is walked, and
who is no member joins.
"""

from collections.abc import Sequence

from clients.redis import keys, replies, types
from clients.redis.lane import Argument, Lane

STAGE = 1000
"""Members of a new list that are put aside in one script call."""


class Replacement:
    """One replacement of one group's members; used once. `nonce` names it."""

    def __init__(
        self, lane: Lane, epoch: str, tenant: types.Tenant, rk: str, *, nonce: str, cause: str
    ) -> None:
        self._lane = lane
        self._head: list[Argument] = [epoch, tenant.name, rk]
        self._nonce = nonce
        self._cause = cause
        partition, name = tenant.partition, tenant.name
        self._resource = keys.of_resource(partition, name, rk)
        self._members = keys.members(partition, name, rk)
        self._own = (
            keys.new_list(partition, name, rk, nonce),
            keys.members_answer(partition, name, rk, nonce),
        )

    async def run(self, ids: Sequence[str]) -> types.Written:
        """OK, NOOP or GONE. Safe to repeat with the same nonce."""
        status, before = await self._begin(ids)
        if status != "BEGUN":
            return types.Written(types.WriteStatus(status), before)
        status, version = await self._walk("leave", before)
        if status == "MORE":
            status, version = await self._walk("join", before)
        return _written(status, version, before)

    async def _begin(self, ids: Sequence[str]) -> tuple[str, int]:
        """Put the list aside: BEGUN and the version before, or how it ended at once."""
        status, version = "BEGUN", 0
        for start in range(0, max(1, len(ids)), STAGE):
            chunk = ids[start : start + STAGE]
            last = "1" if start + STAGE >= len(ids) else ""
            args = [*self._head, self._nonce, last, *chunk]
            where = (*self._resource, *self._own)
            reply = replies.rows(await self._lane.persist("replace_begin", where, args))
            status, version = replies.text(reply[0]), replies.number(reply[1])
            if status != "BEGUN":
                break
        return status, version

    async def _walk(self, walk: str, before: int) -> tuple[str, int]:
        """Step by step to the walk's end: MORE when the other walk follows."""
        where = (*self._resource, *self._members, *self._own)
        cursor = "0"
        while True:
            args = [*self._head, self._cause, self._nonce, walk, cursor, before]
            reply = replies.rows(await self._lane.persist("replace_step", where, args))
            status, version = replies.text(reply[0]), replies.number(reply[1])
            cursor = replies.text(reply[2])
            if status != "MORE" or cursor == "0":
                return status, version


def _written(status: str, version: int, before: int) -> types.Written:
    match status:
        case "LOST":
            raise types.RedisUnavailable("the replacement of members took too long: repeat it")
        case "OTHER" if version > before:
            return types.Written(types.WriteStatus.OK, version)
        case "OTHER":
            return types.Written(types.WriteStatus.NOOP, version)
        case _:
            return types.Written(types.WriteStatus(status), version)
