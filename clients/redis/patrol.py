"""The patrol: one slow walk over all resources of each tenant, which any number of workers share.

It finds what differs at BLDNG without a change of ours: a record edited there, a request that took
effect too late, writes that a failover lost. Only what is synced is compared, and what differs is
marked to be sent again in the way of every other change.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from clients.redis import keys, replies, types
from clients.redis.lane import Argument, Lane

HURRY_STEP: Final = 10
"""Resources of one tenant compared in a second when in a hurry."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A synced resource as it was when taken: `claim` tells whether it was touched since."""

    rk: str
    version: int
    claim: int
    backend_id: str
    managed: int
    doc: bytes


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the walk: what to compare, and where it goes on.

    No `token`: there is nothing to do for `wait_ms`.
    """

    token: str = ""
    items: tuple[Compared, ...] = ()
    kind: str = ""
    at: str = ""
    ends: bool = False
    wait_ms: int = 0


class Patrol:
    """The walks of all tenants. Raises `RedisUnavailable` and its kinds."""

    def __init__(self, lane: Lane, epoch: str) -> None:
        self._lane = lane
        self._epoch = epoch

    async def take(
        self, tenant: types.Tenant, *, token: str, lease_ms: int, period_ms: int
    ) -> Step:
        """The next step; another worker gets it after `lease_ms`, unless it is done by then.

        `period_ms` is how long a pass takes, 0 when there is one in a hurry only.
        """
        args: list[Argument] = [token, lease_ms, period_ms, HURRY_STEP]
        reply = replies.rows(await self._call("patrol_take", tenant, args))
        if replies.text(reply[0]) == "WAIT":
            return Step(wait_ms=replies.number(reply[1]))
        _, kind, at, ends, *rows = reply
        return Step(
            token=token,
            items=tuple(_compared(replies.rows(row)) for row in rows),
            kind=replies.text(kind),
            at=replies.text(at),
            ends=bool(ends),
        )

    async def done(self, tenant: types.Tenant, step: Step, *, period_ms: int) -> int:
        """Go on behind this step; milliseconds until the next, -1 when it was taken over."""
        ends = "1" if step.ends else ""
        args: list[Argument] = [step.token, step.kind, step.at, ends, period_ms, 0]
        return replies.number(await self._call("patrol_done", tenant, args))

    async def postpone(
        self, tenant: types.Tenant, step: Step, *, period_ms: int, wait_ms: int
    ) -> None:
        """Have this step repeated, `wait_ms` from now at the earliest."""
        args: list[Argument] = [step.token, "", "", "", period_ms, wait_ms]
        await self._call("patrol_done", tenant, args)

    async def hurry(
        self, tenant: types.Tenant, *, reason: str, served_within_ms: int | None = None
    ) -> bool:
        """Start one quick pass, once for each `reason`; only if the tenant was served lately."""
        within: Argument = "" if served_within_ms is None else served_within_ms
        return bool(await self._call("patrol_hurry", tenant, [reason, within]))

    async def mark(
        self,
        tenant: types.Tenant,
        item: Compared,
        members: Sequence[str] = (),
        *,
        all_members: bool = False,
    ) -> bool:
        """Have a resource sent again; False when it was worked on since, which says nothing.

        Of a group also these `members` (SCIM ids, at most 500), or all of them.
        """
        where = keys.of_resource(tenant.partition, tenant.name, item.rk)
        whole = "1" if all_members else ""
        args: list[Argument] = [self._epoch, tenant.name, item.rk, item.version, item.claim]
        args += [whole, *members]
        return bool(await self._lane.persist("patrol_mark", where, args))

    async def members(self, tenant: types.Tenant, rk: str) -> AsyncIterator[dict[str, str]]:
        """SCIM id -> backend id of the members that BLDNG should have, in parts."""
        root = keys.tenant_root(tenant.partition, tenant.name)
        members, _, parked = keys.members(tenant.partition, tenant.name, rk)
        where, cursor = [keys.epoch(tenant.partition), members, parked], ""
        while cursor != "0":
            args: list[Argument] = [self._epoch, root, cursor or "0"]
            reply = replies.rows(await self._lane.persist("patrol_members", where, args))
            cursor = replies.text(reply[0])
            flat = [replies.text(each) for each in replies.rows(reply[1])]
            yield dict(zip(flat[::2], flat[1::2], strict=True))

    async def _call(self, script: str, tenant: types.Tenant, args: list[Argument]) -> object:
        where = (
            *keys.of_tenant(tenant.partition, tenant.name),
            keys.patrol(tenant.partition, tenant.name),
        )
        return await self._lane.persist(script, where, [self._epoch, tenant.name, *args])


def _compared(row: Sequence[object]) -> Compared:
    rk, version, claim, backend_id, managed, doc = row
    if not isinstance(doc, bytes):
        raise TypeError("a stored document must be bytes")
    return Compared(
        rk=replies.text(rk),
        version=replies.number(version),
        claim=replies.number(claim),
        backend_id=replies.text(backend_id),
        managed=replies.number(managed),
        doc=doc,
    )
