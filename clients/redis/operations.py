"""What operators ask of the queue and do to it. Raises `RedisUnavailable` and its kinds.

Every call is bounded: lists come in pages and walks in slices, so none holds Redis up for long.
Whatever changes something names who did it and why, and leaves a line in the audit trail in the
same step.
"""

from collections.abc import Iterable, Sequence

import orjson

from clients.redis import keys, replies, types, views
from clients.redis.lane import Lane

PAGE = 200
"""Rows of one page: the script that lists them takes about a millisecond."""


class Operations:
    """The operators' view of all tenants."""

    def __init__(self, lane: Lane, epoch: str) -> None:
        self._lane = lane
        self._epoch = epoch

    async def switches(self, tenant: types.Tenant) -> views.Switches:
        """Whether the tenant is served now, and if not, why."""
        where = keys.of_tenant(tenant.partition, tenant.name)
        reply = await self._lane.persist("switches", where, [self._epoch, tenant.name])
        return _switches(replies.rows(reply))

    async def pause_fleet(self, partitions: Iterable[int], reason: str, *, who: str) -> None:
        """Claim nothing of any tenant until `resume_fleet`; what is leased goes on."""
        await self._fleet(partitions, "pause", reason, who)

    async def resume_fleet(self, partitions: Iterable[int], reason: str, *, who: str) -> None:
        """End the fleet's pause; tenants that are paused themselves stay so."""
        await self._fleet(partitions, "resume", reason, who)

    async def _fleet(self, partitions: Iterable[int], verb: str, reason: str, who: str) -> None:
        for partition in partitions:
            where = keys.of_partition(partition)
            args = [self._epoch, verb, who[:60], reason[:200]]
            await self._lane.persist("fleet", where, args)

    async def page(
        self, tenant: types.Tenant, place: views.Place, skip: int = 0
    ) -> tuple[views.Stuck, ...]:
        """The resources in a place, in its order, at most PAGE after the first `skip`."""
        where = keys.of_tenant(tenant.partition, tenant.name)
        args = [self._epoch, tenant.name, place.value, skip, PAGE]
        now_ms, *found = replies.rows(await self._lane.persist("list", where, args))
        return tuple(_stuck(replies.number(now_ms), replies.rows(row)) for row in found)


def _stuck(now_ms: int, row: Sequence[object]) -> views.Stuck:
    return views.Stuck(
        rk=replies.text(row[0]),
        state=replies.text(row[1]),
        age_ms=max(0, now_ms - replies.number(row[2], now_ms)),
        at_ms=replies.number(row[3]),
        failures=replies.number(row[4]),
        crashes=replies.number(row[5]),
        cause=replies.text(row[6]),
        text=replies.text(row[7]),
        deleted=replies.text(row[8]) != "",
        backend_id=replies.text(row[9]),
        waits_for=replies.text(row[10]),
    )


def _switches(row: Sequence[object]) -> views.Switches:
    now_ms, hold_ms = replies.number(row[0]), replies.number(row[3])
    resting = hold_ms > now_ms
    return views.Switches(
        now_ms=now_ms,
        pause=_pause(row[1]),
        fleet_pause=_pause(row[2]),
        hold_ms=hold_ms if resting else 0,
        hold_reason=replies.text(row[4]) if resting else "",
        breaker=_breaker(opened=replies.text(row[5]) != "", resting=resting),
        faults=replies.number(row[6]),
        leases=replies.number(row[7]),
        cap=replies.number(row[8]),
        guard=types.Guard(replies.number(row[9]), replies.number(row[10])),
        held=replies.number(row[11]),
    )


def _breaker(*, opened: bool, resting: bool) -> str:
    if not opened:
        return "closed"
    return "open" if resting else "half"


def _pause(value: object) -> views.Pause | None:
    if not value:
        return None
    said = orjson.loads(replies.text(value))
    return views.Pause(since_ms=int(said["since"]), who=said["who"], reason=said["why"])
