"""One call of every script, and a lane that remembers what went through it."""

from collections.abc import Sequence

from clients.redis import types, views
from clients.redis.budget import Budget
from clients.redis.durability import Ack
from clients.redis.failover import Failovers
from clients.redis.lane import Argument, Lane
from clients.redis.operations import Operations
from clients.redis.patrol import Compared
from clients.redis.stack import Stack
from tests.engine.harness import doc_of

GROUP, PERSON, LEAVER = "g:g1", "u:1", "u:2"


class Witness(Lane):
    """A lane that keeps the script and the keys of each call."""

    seen: list[tuple[str, tuple[str, ...]]]

    async def run(
        self,
        script: str,
        keys: Sequence[str],
        args: Sequence[Argument],
        *,
        asking: bool = False,
    ) -> object:
        self.__dict__.setdefault("seen", []).append((script, tuple(keys)))
        return await super().run(script, keys, args, asking=asking)


async def call_every_script(opened: Stack) -> None:
    """A life that needs all of them: people, a group, its members, work, and an operator."""
    tenant = await opened.tenants.create("acme", org="acme", now_ms=1)
    await opened.tenants.set_disabled("acme", disabled=False)
    await _people(opened, tenant)
    await _group(opened, tenant)
    await _work(opened, tenant)
    await _operate(opened, tenant)
    await _compare(opened, tenant)
    await opened.store.write(
        tenant, types.Change("D", LEAVER, "n9", expected=1, old={"un": "tim"})
    )
    while await opened.members.sweep(tenant.partition):
        pass
    assert await opened.queue.audit(tenant, repair=True) == []


async def _people(opened: Stack, tenant: types.Tenant) -> None:
    for rk, name in ((PERSON, "joy"), (LEAVER, "tim")):
        change = types.Change("C", rk, f"n{rk}", doc=doc_of({}), digest="d", new={"un": name})
        await opened.store.write(tenant, change)
    assert await opened.store.find(tenant, "un", "joy")
    assert (await opened.store.page(tenant, "u", offset=0, limit=10)).total == 2
    assert len((await opened.store.scan(tenant, "u", 0, 10)).resources) == 2
    assert len(await opened.store.read(tenant, [PERSON, LEAVER])) == 2


async def _group(opened: Stack, tenant: types.Tenant) -> None:
    change = types.Change("C", GROUP, "n3", doc=doc_of({}), digest="d", new={"gdn": "team"})
    await opened.store.write(tenant, change)
    members = opened.members
    joining = [types.MemberChange(add=("1", "2", "nobody"))]
    await members.change(tenant, GROUP, joining, nonce="m1", cause="c")
    await members.replace(tenant, GROUP, ["1", "2"], nonce="m2", cause="c")
    assert (await members.page(tenant, GROUP, after="", limit=10)).total == 2
    assert await members.has(tenant, GROUP, ["1"]) == {"1"}
    assert len(await members.groups_of(tenant, PERSON)) == 1


async def _work(opened: Stack, tenant: types.Tenant) -> None:
    async def claim(prefix: str) -> tuple[types.Claimed, ...]:
        found = await opened.queue.claim(
            tenant.partition, max_items=10, token_prefix=prefix, lease_ms=5000
        )
        return found.items

    assert await claim("lost")
    assert await opened.queue.recover(tenant.partition, "lost") > 0
    first, *others = await claim("t1")
    assert await opened.queue.beat(tenant.partition, [first, *others], 5000) == ()
    dead = types.Settlement(types.Outcome.DEAD, first.version, error_code="e", error_text="t")
    await opened.queue.settle(first, dead)
    for item in others:
        done = types.Settlement(types.Outcome.OK, item.version, backend_id=f"b{item.rk}")
        await opened.queue.settle(item, done)
    assert await opened.queue.replay(tenant, [first.rk]) == 1
    await opened.queue.resync(tenant, PERSON)


async def _operate(opened: Stack, tenant: types.Tenant) -> None:
    await opened.queue.pause(tenant, "test")
    await opened.queue.hold(tenant, 10, "test")
    await opened.queue.resume(tenant)
    assert await opened.queue.state(tenant, PERSON)
    assert await opened.queue.depths(opened.partitions)
    operations = Operations(opened.lane, opened.epoch)
    await operations.switches(tenant)
    await operations.page(tenant, views.Place.QUEUE)
    await operations.pause_fleet(opened.partitions, "test", who="joy")
    await operations.resume_fleet(opened.partitions, "test", who="joy")
    watch = Failovers(opened.client, opened.lane, opened.epoch, ack=Ack.FSYNC, tell=lambda _: None)
    await watch.look()


async def _compare(opened: Stack, tenant: types.Tenant) -> None:
    await opened.patrol.hurry(tenant, reason="test")
    step = await opened.patrol.take(tenant, token="p", lease_ms=5000, period_ms=1000)
    await opened.patrol.mark(tenant, Compared(LEAVER, 1, 1, "", 0, b""))
    await opened.patrol.done(tenant, step, period_ms=1000)
    async for _ in opened.patrol.members(tenant, GROUP):
        pass
    assert (await Budget(opened.lane, "https://bldng", 10).take(1)).calls == 1
