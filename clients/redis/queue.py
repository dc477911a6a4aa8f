"""The work: leases on dirty resources, and how each leaves its lease.

The queue holds resource keys, never payloads: a claim reads the newest desired state. Every change
of position is one script, and every settle compares its lease's token.
"""

from collections.abc import Iterable, Sequence

from clients.redis import deltas, keys, replies, types
from clients.redis.lane import Argument, Lane

SETTLE_MS = 30_000
"""How long a create of unknown outcome may still take effect: BLDNG's own limit for a request."""

MAX_CRASHES = 5
"""Workers that may die over one resource in a row before it is set aside as `crashloop`."""

QUANTUM = 4
"""Items of one tenant in a row before the next tenant's turn."""


class Queue:
    """The work of all tenants. Raises `RedisUnavailable` and its kinds."""

    def __init__(self, lane: Lane, epoch: str) -> None:
        self._lane = lane
        self._epoch = epoch

    async def claim(
        self,
        partition: int,
        *,
        max_items: int,
        token_prefix: str,
        lease_ms: int,
        settle_ms: int = SETTLE_MS,
        max_crashes: int = MAX_CRASHES,
        quantum: int = QUANTUM,
        alone: bool = False,
    ) -> types.Claim:
        """Lease up to `max_items` due resources of the partition, tenants in fair order.

        `token_prefix` is new for every call: when no answer comes, give it to `recover`. A call
        that had to reap expired leases gives no items; ask again at once.
        `alone` leases one suspect and nothing else: for a worker with nothing else in hand.
        """
        args: list[Argument] = [self._epoch, max_items, lease_ms, token_prefix]
        args += (settle_ms, max_crashes, quantum, int(alone))
        reply = await self._lane.run("claim", keys.of_partition(partition), args)
        return _claim(partition, replies.rows(reply))

    async def beat(
        self, partition: int, items: Sequence[types.Claimed], lease_ms: int
    ) -> tuple[types.Claimed, ...]:
        """Extend the leases of these items of one partition; gives those that were lost."""
        if not items:
            return ()
        leases = keys.of_partition(partition)[keys.PARTITION_NAMES.index("l")]
        states = (keys.state(partition, item.tenant, item.rk) for item in items)
        args: list[Argument] = [self._epoch, lease_ms]
        for item in items:
            args += (f"{item.tenant}/{item.rk}", item.token)
        where = [keys.epoch(partition), leases, *states]
        lost = replies.rows(await self._lane.persist("beat", where, args))
        return tuple(items[replies.number(place) - 1] for place in lost)

    async def settle(self, item: types.Claimed, settlement: types.Settlement) -> types.Settled:
        """End the lease as decided. Safe to repeat: the second answer is DUP with the first's."""
        where = (
            *keys.of_resource(item.partition, item.tenant, item.rk),
            keys.waiters(item.partition, item.tenant, settlement.blocked_on or item.rk),
        )
        args = [self._epoch, item.tenant, item.rk, item.token, *_settle_arguments(settlement)]
        return _settled(replies.rows(await self._lane.persist("settle", where, args)))

    async def recover(self, partition: int, token_prefix: str) -> int:
        """Give back the leases of a claim whose answer was lost; not counted as a crash."""
        where = keys.of_partition(partition)
        reply = await self._lane.persist("recover", where, [self._epoch, token_prefix])
        return replies.number(reply)

    async def resync(self, tenant: types.Tenant, rk: str, members: Sequence[str] = ()) -> bool:
        """Have the newest state sent again; False when there is no such resource.

        For a worker whose settle was STALE after BLDNG may have seen its request. `members` are
        the SCIM ids of the memberships it may have sent (at most 500): they are sent again as
        they are wanted now.
        """
        where = keys.of_resource(tenant.partition, tenant.name, rk)
        args = [self._epoch, tenant.name, rk, *members]
        return bool(replies.number(await self._lane.persist("resync", where, args)))

    async def replay(
        self,
        tenant: types.Tenant,
        rks: Sequence[str],
        *,
        states: str = "DH",
        who: str = "",
        reason: str = "",
    ) -> int:
        """Put dead (D) or held (H) resources, at most 500, back to work, failures forgotten."""
        where = keys.of_tenant(tenant.partition, tenant.name)
        args = [self._epoch, tenant.name, states, who[:60], reason[:200], *rks]
        reply = await self._lane.persist("replay", where, args)
        return replies.number(reply)

    async def pause(self, tenant: types.Tenant, reason: str, *, who: str = "") -> None:
        """Claim nothing of this tenant until `resume`; what is leased goes on.

        Here and below `who` is the operator; named, the step leaves a line in the audit trail.
        """
        await self._control(tenant, "pause", reason, who)

    async def hold(self, tenant: types.Tenant, hold_ms: int, reason: str) -> None:
        """Claim nothing of this tenant for `hold_ms`, unless it is on hold for longer."""
        await self._control(tenant, "hold", reason, "", hold_ms)

    async def resume(self, tenant: types.Tenant, reason: str = "", *, who: str = "") -> None:
        """End pause and hold, and close the breaker."""
        await self._control(tenant, "resume", reason, who)

    async def set_guard(
        self, tenant: types.Tenant, guard: types.Guard | None, reason: str = "", *, who: str = ""
    ) -> None:
        """Set the mass-change guard, None for the default; counting begins anew."""
        limits = ("", "") if guard is None else (guard.limit, guard.window_ms)
        await self._control(tenant, "guard", reason, who, *limits)

    async def state(self, tenant: types.Tenant, rk: str) -> types.ResourceState | None:
        """Where one resource stands, None when unknown."""
        where = keys.of_resource(tenant.partition, tenant.name, rk)
        reply = replies.rows(
            await self._lane.persist("state", where, [self._epoch, tenant.name, rk])
        )
        return _state(rk, reply) if reply else None

    async def depths(self, partitions: Iterable[int]) -> dict[str, types.Depths]:
        """Exact depths by tenant, of the tenants that have work or leases."""
        found: dict[str, types.Depths] = {}
        for partition in partitions:
            where = keys.of_partition(partition)
            reply = await self._lane.persist("depths", where, [self._epoch])
            for row in replies.rows(reply):
                tenant, *numbers = replies.rows(row)
                found[replies.text(tenant)] = types.Depths(*map(replies.number, numbers))
        return found

    async def audit(self, tenant: types.Tenant, *, repair: bool = False) -> list[str]:
        """What contradicts the states of the resources in queue and indexes; one line each.

        `repair` rebuilds the queue's positions from the states. Walks the whole tenant: not for
        a request.
        """
        where = keys.of_tenant(tenant.partition, tenant.name)
        args: list[Argument] = [self._epoch, tenant.name, int(repair)]
        reply = await self._lane.run("audit", where, args)
        return [replies.text(line) for line in replies.rows(reply)]

    async def _control(
        self, tenant: types.Tenant, verb: str, reason: str, who: str, *more: Argument
    ) -> None:
        where = keys.of_tenant(tenant.partition, tenant.name)
        args = [self._epoch, tenant.name, verb, who[:60], reason[:200], *more]
        await self._lane.persist("control", where, args)


def total(depths: Iterable[types.Depths]) -> types.Depths:
    """All tenants together; the oldest age is the oldest of all."""
    rows = list(depths)
    return types.Depths(
        ready=sum(row.ready for row in rows),
        delayed=sum(row.delayed for row in rows),
        running=sum(row.running for row in rows),
        parked=sum(row.parked for row in rows),
        held=sum(row.held for row in rows),
        dead=sum(row.dead for row in rows),
        oldest_unsynced_ms=max((row.oldest_unsynced_ms for row in rows), default=0),
        resources=sum(row.resources for row in rows),
    )


def _settle_arguments(settlement: types.Settlement) -> tuple[Argument, ...]:
    return (
        settlement.outcome.value,
        settlement.version_sent,
        settlement.signal.value,
        settlement.backend_id,
        int(settlement.forget_backend_id),
        settlement.managed,
        settlement.applied_digest,
        int(settlement.counted),
        settlement.delay_ms,
        settlement.hold_ms,
        settlement.blocked_on,
        settlement.error_code[:60],
        settlement.error_text[:1024],
        settlement.jitter,
        *deltas.settled(settlement),
    )


def _claim(partition: int, reply: Sequence[object]) -> types.Claim:
    match replies.text(reply[0]):
        case "AGAIN":
            return types.Claim(reaped=replies.number(reply[1]), idle_ms=0)
        case "IDLE":
            suspects = replies.number(reply[2])
            return types.Claim(idle_ms=replies.number(reply[1]), suspects=suspects)
        case _:
            items = tuple(_claimed(partition, row) for row in map(replies.rows, reply[2:]))
            return types.Claim(items=items, idle_ms=0, suspects=replies.number(reply[1]))


def _claimed(partition: int, row: Sequence[object]) -> types.Claimed:
    """One item as the claim script lists it."""
    doc, membership = row[6], replies.rows(row[17])
    return types.Claimed(
        tenant=replies.text(row[0]),
        rk=replies.text(row[1]),
        token=replies.text(row[2]),
        version=replies.number(row[3]),
        applied_version=replies.number(row[4]),
        claim=replies.number(row[5]),
        doc=doc if isinstance(doc, bytes) else None,
        backend_id=replies.text(row[7]),
        failures=replies.number(row[8]),
        crashes=replies.number(row[9]),
        force=replies.text(row[10]) != "",
        managed=replies.number(row[11]),
        applied_digest=replies.text(row[12]),
        error=replies.text(row[13]),
        first_dirty_ms=replies.number(row[14]),
        cause=replies.text(row[15]),
        partition=partition,
        released=tuple(map(replies.text, replies.rows(row[16]))),
        members=deltas.delta(membership) if membership else types.MembersDelta(),
        attributes_dirty=not membership or bool(membership[0]),
        full=bool(membership and membership[1]),
    )


def _settled(reply: Sequence[object]) -> types.Settled:
    status = types.SettleStatus(replies.text(reply[0]))
    if status is types.SettleStatus.DUP:
        return types.Settled(status, earlier=replies.text(reply[1]))
    if status is types.SettleStatus.STALE:
        return types.Settled(status)
    return types.Settled(
        status,
        latency_ms=replies.number(reply[1]),
        ready_ms=replies.number(reply[2]),
    )


def _state(rk: str, reply: Sequence[object]) -> types.ResourceState:
    return types.ResourceState(
        rk=rk,
        state=replies.text(reply[0]),
        version=replies.number(reply[1]),
        applied_version=replies.number(reply[2]),
        backend_id=replies.text(reply[3]),
        failures=replies.number(reply[4]),
        crashes=replies.number(reply[5]),
        deleted=replies.text(reply[6]) != "",
        error_code=replies.text(reply[7]),
        due_ms=replies.optional_number(reply[8]),
        first_dirty_ms=replies.optional_number(reply[9]),
        error_text=replies.text(reply[10]),
        members_pending=replies.number(reply[11]),
        members_parked=replies.number(reply[12]),
    )
