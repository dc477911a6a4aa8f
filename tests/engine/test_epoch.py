"""The installation id: an empty or foreign Redis answers nothing and takes nothing."""

from collections.abc import Awaitable, Callable

import pytest

from clients.redis import installation, types
from clients.redis.queue import Queue
from clients.redis.store import Store
from clients.redis.tenants import Tenants
from tests.engine.harness import Engine


async def test_another_installation_is_never_read_or_written(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    before = await engine.dump()
    store, queue = Store(engine.lane, "other"), Queue(engine.lane, "other")
    tenants, tenant = Tenants(engine.lane, "other"), engine.tenant
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: store.read(tenant, ["u:1"]),
        lambda: store.find(tenant, "un", "ann"),
        lambda: store.find(tenant, "id", "1"),
        lambda: store.page(tenant, "u", 0, 10),
        lambda: store.scan(tenant, "u", 0, 10),
        lambda: store.write(tenant, engine.creation("u:2", un="bob")),
        lambda: queue.claim(0, max_items=1, token_prefix="t", lease_ms=1000),
        lambda: queue.recover(0, "t"),
        lambda: queue.resync(tenant, "u:1"),
        lambda: queue.replay(tenant, ["u:1"]),
        lambda: queue.pause(tenant, "x"),
        lambda: queue.state(tenant, "u:1"),
        lambda: queue.depths([0]),
        lambda: queue.audit(tenant),
        lambda: tenants.get("acme"),
        tenants.list,
        lambda: tenants.token("k"),
        lambda: tenants.create("beta", org="o", now_ms=1),
    ]
    for call in calls:
        with pytest.raises(types.ForeignRedis):
            await call()
    assert await engine.dump() == before


async def test_an_emptied_redis_is_not_a_redis_without_people(engine: Engine) -> None:
    await engine.create("u:1", un="ann")
    await engine.client.flushall()
    with pytest.raises(types.ForeignRedis):
        await engine.store.find(engine.tenant, "un", "ann")
    with pytest.raises(types.ForeignRedis):
        await installation.open_installation(engine.client)
    await installation.bootstrap(engine.client, partitions=1)
    engine.epoch = await installation.open_installation(engine.client)
    engine.queue = Queue(engine.lane, engine.epoch)
    engine.tenants = Tenants(engine.lane, engine.epoch)


async def test_bootstrap_gives_the_same_id_again(engine: Engine) -> None:
    assert await installation.bootstrap(engine.client) == engine.epoch
    assert await installation.open_installation(engine.client) == engine.epoch


async def test_our_keys_without_their_id_are_foreign(engine: Engine) -> None:
    await engine.client.delete("sg:{meta}:epoch")
    with pytest.raises(types.ForeignRedis, match="no installation id"):
        await installation.bootstrap(engine.client)
    await engine.client.set("sg:{meta}:epoch", engine.epoch)


async def test_a_partition_of_another_installation_is_refused(engine: Engine) -> None:
    await engine.client.set("sg:{p0}:ep", "other")
    with pytest.raises(types.ForeignRedis, match="partition 0"):
        await installation.bootstrap(engine.client)
    await engine.client.delete("sg:{p0}:ep")
    with pytest.raises(types.ForeignRedis, match="partition 0"):
        await installation.bootstrap(engine.client)
    await engine.client.set("sg:{p0}:ep", engine.epoch)
