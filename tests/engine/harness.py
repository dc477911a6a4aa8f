"""One partition on a real Redis whose clock is a key, with short words for what tests do."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson
import redis.asyncio

from clients.redis import connection, installation, keys, scripts, types
from clients.redis.lane import Lane
from clients.redis.members import Members
from clients.redis.operations import Operations
from clients.redis.queue import Queue
from clients.redis.store import Store
from clients.redis.tenants import Tenants

TEST_CLOCK = "local now = tonumber(redis.call('GET', string.sub(KEYS[1], 1, -3) .. 'now'))\n"
CLOCK_KEY = "sg:{p0}:now"
START_MS = 1_700_000_000_000
LEASE_MS = 30_000
SETTLE_MS = 30_000
BLOCK_MS = 900_000

DUMP = """
local read = {
  string = function(key) return redis.call('GET', key) end,
  hash = function(key) return redis.call('HGETALL', key) end,
  set = function(key) return redis.call('SMEMBERS', key) end,
  zset = function(key) return redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end,
}
local found = {}
for _, key in ipairs(redis.call('KEYS', 'sg:{p0}:*')) do
  local kind = redis.call('TYPE', key).ok
  if read[kind] then found[#found + 1] = {key, kind, read[kind](key)} end
end
return found
"""

Value = str | dict[str, str] | dict[str, float] | set[str]
Dump = dict[str, Value]


def doc_of(values: Mapping[str, str]) -> bytes:
    return orjson.dumps(dict(values), option=orjson.OPT_SORT_KEYS)


def digest_of(values: Mapping[str, str]) -> str:
    return hashlib.blake2b(doc_of(values), digest_size=8).hexdigest()


def title_of(item: types.Claimed) -> str:
    """The title in a claimed test document."""
    values: dict[str, str] = orjson.loads(item.doc or b"{}")
    return values["title"]


def indexed(values: Mapping[str, str]) -> dict[str, str]:
    """The values of a test document that an index knows."""
    return {name: value for name, value in values.items() if name in {"un", "xid", "em", "en"}}


@dataclass
class Engine:
    """The real scripts, store and queue; time stands still until `advance`."""

    client: redis.asyncio.Redis
    lane: Lane
    epoch: str
    store: Store
    members: Members
    queue: Queue
    operations: Operations
    tenants: Tenants
    now_ms: int = START_MS
    tenant: types.Tenant = field(init=False)
    serial: int = 0

    def fresh(self, prefix: str) -> str:
        self.serial += 1
        return f"{prefix}{self.serial}"

    async def advance(self, ms: int) -> None:
        self.now_ms += ms
        await self.client.set(CLOCK_KEY, self.now_ms)

    async def add_tenant(self, name: str) -> types.Tenant:
        return await self.tenants.create(name, org=f"org-{name}", now_ms=START_MS)

    def creation(self, rk: str, **values: str) -> types.Change:
        return types.Change(
            op="C",
            rk=rk,
            nonce=self.fresh("n"),
            doc=doc_of(values),
            digest=digest_of(values),
            new=indexed(values),
            cause="cause-create",
        )

    async def create(self, rk: str, **values: str) -> types.Written:
        return await self.store.write(self.tenant, self.creation(rk, **values))

    async def change(
        self, rk: str, *, lane: types.Lane = types.Lane.NORMAL, **values: str
    ) -> types.Change:
        """An update of the values given, computed from what is stored now."""
        (found,) = await self.store.read(self.tenant, [rk])
        assert found is not None
        before: dict[str, str] = orjson.loads(found.doc)
        after = {**before, **values}
        return types.Change(
            op="U",
            rk=rk,
            nonce=self.fresh("n"),
            doc=doc_of(after),
            digest=digest_of(after),
            expected=found.version,
            old=indexed(before),
            new=indexed(after),
            lane=lane,
            cause="cause-update",
        )

    async def update(
        self, rk: str, *, lane: types.Lane = types.Lane.NORMAL, **values: str
    ) -> types.Written:
        return await self.store.write(self.tenant, await self.change(rk, lane=lane, **values))

    async def deletion(self, rk: str) -> types.Change:
        (found,) = await self.store.read(self.tenant, [rk])
        assert found is not None
        return types.Change(
            op="D",
            rk=rk,
            nonce=self.fresh("n"),
            expected=found.version,
            old=indexed(orjson.loads(found.doc)),
            lane=types.Lane.SECURITY,
            cause="cause-delete",
        )

    async def delete(self, rk: str) -> types.Written:
        return await self.store.write(self.tenant, await self.deletion(rk))

    async def claim(self, max_items: int = 16, *, alone: bool = False) -> types.Claim:
        return await self.queue.claim(
            0,
            max_items=max_items,
            token_prefix=self.fresh("boot."),
            lease_ms=LEASE_MS,
            settle_ms=SETTLE_MS,
            alone=alone,
        )

    async def claim_alone(self) -> types.Claimed:
        (item,) = (await self.claim(alone=True)).items
        return item

    async def claim_one(self) -> types.Claimed:
        (item,) = (await self.claim(1)).items
        return item

    async def settle(
        self, item: types.Claimed, outcome: types.Outcome, **how: object
    ) -> types.Settled:
        settlement = types.Settlement(
            outcome=outcome,
            version_sent=item.version,
            **how,  # type: ignore[arg-type] # the test names the fields
        )
        return await self.queue.settle(item, settlement)

    async def ok(self, item: types.Claimed, backend_id: str = "usr_1") -> types.Settled:
        return await self.settle(
            item, types.Outcome.OK, backend_id=backend_id, signal=types.Signal.OK
        )

    async def sync(self, backend_id: str = "usr_1") -> types.Settled:
        """Claim what is first and settle it as done."""
        return await self.ok(await self.claim_one(), backend_id)

    async def join(self, rk: str, *ids: str) -> types.Written:
        return await self.alter(rk, types.MemberChange(add=ids))

    async def leave(self, rk: str, *ids: str) -> types.Written:
        return await self.alter(rk, types.MemberChange(remove=ids))

    async def alter(self, rk: str, *changes: types.MemberChange, nonce: str = "") -> types.Written:
        """Change the members of a group."""
        nonce = nonce or self.fresh("m")
        return await self.members.change(
            self.tenant, rk, changes, nonce=nonce, cause="cause-members"
        )

    async def replace(self, rk: str, *ids: str) -> types.Written:
        return await self.members.replace(
            self.tenant, rk, ids, nonce=self.fresh("m"), cause="cause-members"
        )

    async def roster(self, rk: str) -> set[str]:
        """All members of a group."""
        pages = [page async for page in self.members.all(self.tenant, rk)]
        assert sum(map(len, pages)) == len(set().union(*pages))
        return set().union(*pages)

    async def state(self, rk: str) -> types.ResourceState:
        found = await self.queue.state(self.tenant, rk)
        assert found is not None
        return found

    async def dump(self) -> Dump:
        """Every key of the partition but the clock and the audit trails, which decide nothing."""
        rows = await self.client.eval(DUMP, 0)
        found = {row[0].decode(): _value(row[1].decode(), row[2]) for row in rows}
        found.pop(CLOCK_KEY, None)
        return found


def _value(kind: str, raw: object) -> Value:
    if isinstance(raw, bytes):
        return raw.decode()
    assert isinstance(raw, list)
    texts = [each.decode() for each in raw]
    pairs = zip(texts[::2], texts[1::2], strict=False)
    if kind == "set":
        return set(texts)
    if kind == "zset":
        return {member: float(score) for member, score in pairs}
    return dict(pairs)


@asynccontextmanager
async def open_engine(
    url: str, library: Mapping[str, scripts.Script] | None = None
) -> AsyncIterator[Engine]:
    """An engine with one partition and the tenant acme on an emptied database."""
    client = connection.connect(url)
    try:
        await client.flushall()
        yield await _assemble(client, library or scripts.library(TEST_CLOCK))
    finally:
        await client.aclose()


async def _assemble(client: redis.asyncio.Redis, library: Mapping[str, scripts.Script]) -> Engine:
    epoch = await installation.bootstrap(client, partitions=1)
    lane = Lane(client, library=library, deadline_ms=5000)
    engine = Engine(
        client=client,
        lane=lane,
        epoch=epoch,
        store=Store(lane, epoch),
        members=Members(lane, epoch),
        queue=Queue(lane, epoch),
        operations=Operations(lane, epoch),
        tenants=Tenants(lane, epoch),
    )
    await engine.advance(0)
    engine.tenant = await engine.add_tenant("acme")
    return engine


def tenant_key(name: str, tenant: str = "acme") -> str:
    return keys.tenant_root(0, tenant) + name
