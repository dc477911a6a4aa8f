"""Who is in which group: set operations inside Redis, at a cost that group size does not change.

In: changes as SCIM ids. Out: what a reader needs, page by page. Guaranteed: parallel changes lose
nobody, since nobody reads the list to change it; a repeated call with the same nonce has no second
effect; every change is queued for BLDNG in the same step. A member may be unknown: it is stored
and shown, and joins at BLDNG when the person has a record there. A nested group is stored and
shown, and never sent.
"""

import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from clients.redis import keys, replies, types
from clients.redis.lane import Lane
from clients.redis.replacement import Replacement

CHUNK = 200
"""Members changed in one script call: it holds Redis up for about a millisecond."""

PAGE = 1000
"""Members read in one script call."""

LONGEST_ID = 128
"""Characters in a member's id; ours have 36."""

_AFTER = re.compile(r"|>.{1,128}|@[0-9]{1,19}", re.DOTALL)


class Members:
    """The memberships of all tenants. Raises `RedisUnavailable` and its kinds.

    `rk` is the resource key of a group. Above 200 members a change is several steps, which readers
    and other writers may see in between; each is whole in itself, and the answer comes after the
    last one.
    """

    def __init__(self, lane: Lane, epoch: str) -> None:
        self._lane = lane
        self._epoch = epoch

    async def change(
        self,
        tenant: types.Tenant,
        rk: str,
        changes: Sequence[types.MemberChange],
        *,
        nonce: str,
        cause: str,
    ) -> types.Written:
        """Apply the changes in order: OK, NOOP when nothing changed, GONE without such a group.

        Raises ValueError for an id that is empty or too long; nothing was changed then.
        """
        signed = [("+" if joins else "-") + id_ for id_, joins in _folded(changes).items()]
        status, version = types.WriteStatus.NOOP, 0
        for number, chunk in enumerate(_chunks(signed, CHUNK) or [[]]):
            chunk_nonce = f"{nonce}:{number}"
            answer = await self._change(tenant, rk, chunk, nonce=chunk_nonce, cause=cause)
            if answer.status is types.WriteStatus.GONE:
                return answer
            if answer.status is types.WriteStatus.OK:
                status = answer.status
            version = max(version, answer.version)
        return types.Written(status, version)

    async def replace(
        self, tenant: types.Tenant, rk: str, ids: Iterable[str], *, nonce: str, cause: str
    ) -> types.Written:
        """Make the list exactly `ids`: OK, NOOP or GONE.

        The list is put aside first. Whoever is added or removed after that keeps it, whatever
        `ids` says. When another replacement of the same group begins meanwhile, that one decides.
        Raises ValueError as `change` does.
        """
        wanted = list(_folded([types.MemberChange(tuple(ids))]))
        replacement = Replacement(self._lane, self._epoch, tenant, rk, nonce=nonce, cause=cause)
        return await replacement.run(wanted)

    async def clear(
        self, tenant: types.Tenant, rk: str, *, nonce: str, cause: str
    ) -> types.Written:
        """Remove everybody who is a member now: OK, NOOP or GONE."""
        return await self.replace(tenant, rk, (), nonce=nonce, cause=cause)

    async def page(
        self, tenant: types.Tenant, rk: str, *, after: str, limit: int
    ) -> types.MembersPage:
        """About `limit` members (at least 1), from the start ('') or after an earlier page.

        Raises ValueError for an `after` that no page gave.
        """
        if _AFTER.fullmatch(after) is None:
            raise ValueError("this is not where a page of members ended")
        return await self._page(tenant, rk, after=after, limit=max(1, limit))

    async def all(self, tenant: types.Tenant, rk: str) -> AsyncIterator[tuple[str, ...]]:
        """Every member once, page by page."""
        seen: set[str] = set()
        after: str | None = ""
        while after is not None:
            page = await self._page(tenant, rk, after=after, limit=PAGE)
            fresh = tuple(each for each in page.ids if each not in seen)
            seen.update(fresh)
            after = page.after
            if fresh:
                yield fresh

    async def count(self, tenant: types.Tenant, rk: str) -> int:
        return (await self._page(tenant, rk, after="", limit=0)).total

    async def has(self, tenant: types.Tenant, rk: str, ids: Sequence[str]) -> frozenset[str]:
        """Those of `ids` who are members."""
        found: set[str] = set()
        for chunk in _chunks(ids, PAGE):
            reply = await self._lane.persist(
                "members_has", self._readable(tenant, rk), [self._epoch, *chunk]
            )
            flags = map(replies.number, replies.rows(reply))
            found.update(id_ for id_, flag in zip(chunk, flags, strict=False) if flag)
        return frozenset(found)

    async def groups_of(self, tenant: types.Tenant, member_rk: str) -> list[types.Stored]:
        """The groups that a user or group is directly in; of an unknown member too."""
        _, _, member = member_rk.partition(":")
        where = [
            keys.epoch(tenant.partition),
            keys.groups_of(tenant.partition, tenant.name, member),
        ]
        root = keys.tenant_root(tenant.partition, tenant.name)
        reply = await self._lane.persist("groups_of", where, [self._epoch, root])
        return [replies.stored(row) for row in replies.rows(reply)]

    async def sweep(self, partition: int) -> int:
        """Clean up a little after a big deletion; how many such tasks the partition has left.

        For the workers: call again at once while it is not 0, else now and then.
        """
        where = [*keys.of_partition(partition), keys.sweep(partition)]
        return replies.number(await self._lane.persist("sweep", where, [self._epoch]))

    async def _change(
        self, tenant: types.Tenant, rk: str, signed: Sequence[str], *, nonce: str, cause: str
    ) -> types.Written:
        partition, name = tenant.partition, tenant.name
        where = [
            *keys.of_resource(partition, name, rk),
            *keys.members(partition, name, rk),
            keys.members_answer(partition, name, rk, nonce),
        ]
        args = [self._epoch, tenant.name, rk, cause, *signed]
        status, version = replies.rows(await self._lane.persist("members", where, args))
        return types.Written(types.WriteStatus(replies.text(status)), replies.number(version))

    async def _page(
        self, tenant: types.Tenant, rk: str, *, after: str, limit: int
    ) -> types.MembersPage:
        reply = await self._lane.persist(
            "members_page", self._readable(tenant, rk), [self._epoch, after, limit]
        )
        total, following, ids = replies.rows(reply)
        return types.MembersPage(
            ids=tuple(map(replies.text, replies.rows(ids))),
            after=replies.text(following) or None,
            total=replies.number(total),
        )

    @staticmethod
    def _readable(tenant: types.Tenant, rk: str) -> list[str]:
        """Installation id, document and members: a deleted group has none."""
        partition, name = tenant.partition, tenant.name
        return [
            keys.epoch(partition),
            keys.document(partition, name, rk),
            keys.members(partition, name, rk)[0],
        ]


def _folded(changes: Iterable[types.MemberChange]) -> Mapping[str, bool]:
    """Whether each id joins or leaves in the end: of one id, only the last change counts."""
    found: dict[str, bool] = {}
    for change in changes:
        found.update(dict.fromkeys(change.add, True))
        found.update(dict.fromkeys(change.remove, False))
    if not all(1 <= len(id_) <= LONGEST_ID for id_ in found):
        raise ValueError(f"the id of a member has 1 to {LONGEST_ID} characters")
    return found


def _chunks(ids: Sequence[str], size: int) -> list[Sequence[str]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]
