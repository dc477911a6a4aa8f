"""SCIM resources: read, find, page, and the one write that stores, indexes and queues at once.

Every call compares the installation id inside its script: an empty or foreign Redis raises
`ForeignRedis` and never looks like "no such user".
"""

from collections.abc import Sequence

from clients.redis import keys, replies, types
from clients.redis.lane import Argument, Lane

_UNIQUE = dict.fromkeys(keys.UNIQUE, "1")


class Store:
    """The resources of all tenants. Raises `RedisUnavailable` and its kinds."""

    def __init__(self, lane: Lane, epoch: str) -> None:
        self._lane = lane
        self._epoch = epoch

    async def read(self, tenant: types.Tenant, rks: Sequence[str]) -> list[types.Stored | None]:
        """The resources in the order asked for, None where there is none."""
        wanted = [keys.epoch(tenant.partition)]
        for rk in rks:
            wanted.append(keys.document(tenant.partition, tenant.name, rk))
            wanted.append(keys.state(tenant.partition, tenant.name, rk))
        reply = await self._lane.persist("read", wanted, [self._epoch, *rks])
        return [replies.stored(row) if row else None for row in replies.rows(reply)]

    async def find(self, tenant: types.Tenant, index: str, value: str) -> list[types.Stored]:
        """The resources whose folded value of `index` is `value`.

        `index` is one of the index names, or `id` for a SCIM id of either kind.
        """
        if index == "id":
            both = await self.read(tenant, [f"u:{value}", f"g:{value}"])
            return [each for each in both if each is not None]
        where = [
            keys.epoch(tenant.partition),
            keys.index(tenant.partition, tenant.name, index),
        ]
        root = keys.tenant_root(tenant.partition, tenant.name)
        reply = await self._lane.persist("find", where, [self._epoch, root, value])
        return [replies.stored(row) for row in replies.rows(reply)]

    async def page(self, tenant: types.Tenant, kind: str, offset: int, limit: int) -> types.Page:
        """`limit` resources from the zero-based `offset`, in creation order."""
        reply = await self._lane.persist("page", *self._walk(tenant, kind, offset, limit))
        total, found = replies.rows(reply)
        resources = tuple(replies.stored(row) for row in replies.rows(found))
        return types.Page(total=replies.number(total), resources=resources)

    async def scan(self, tenant: types.Tenant, kind: str, after: int, limit: int) -> types.Slice:
        """At most `limit` resources created after the sequence number `after` (0 starts).

        Stable while resources come and go: a resource present all the time is met exactly once.
        """
        reply = await self._lane.persist("scan", *self._walk(tenant, kind, after, limit))
        following, found = replies.rows(reply)
        resources = tuple(replies.stored(row) for row in replies.rows(found))
        return types.Slice(resources=resources, after=replies.optional_number(following))

    async def write(self, tenant: types.Tenant, change: types.Change) -> types.Written:
        """Apply one change, or say why not; all in one step.

        After a broken connection it is repeated with the same nonce, within the deadline.
        """
        if change.op != "C" and change.expected is None:
            raise ValueError("an update or deletion needs the version it was computed from")
        where, args = _write_call(tenant, change)
        reply = replies.rows(await self._lane.persist("write", where, [self._epoch, *args]))
        status = types.WriteStatus(replies.text(reply[0]))
        if status is types.WriteStatus.UNIQ:
            return types.Written(status, index=replies.text(reply[1]))
        held = status is types.WriteStatus.OK and replies.number(reply[2]) == 1
        return types.Written(status, version=replies.number(reply[1]), held=held)

    def _walk(
        self, tenant: types.Tenant, kind: str, start: int, limit: int
    ) -> tuple[list[str], list[Argument]]:
        where = [
            keys.epoch(tenant.partition),
            keys.ids(tenant.partition, tenant.name, kind),
        ]
        root = keys.tenant_root(tenant.partition, tenant.name)
        return where, [self._epoch, root, start, limit]


def _write_call(
    tenant: types.Tenant, change: types.Change
) -> tuple[Sequence[str], list[Argument]]:
    """Keys and arguments (without the epoch) of one write."""
    touched = sorted(change.old.keys() | change.new.keys())
    args: list[Argument] = [
        tenant.name,
        change.rk,
        change.op,
        "" if change.expected is None else change.expected,
        change.doc,
        change.digest,
        change.nonce,
        change.lane.value,
        change.cause,
    ]
    for name in touched:  # name, `1` when unique, old value and new value
        args += (name, _UNIQUE.get(name, ""), change.old.get(name, ""), change.new.get(name, ""))
    return keys.of_partition(tenant.partition), args
