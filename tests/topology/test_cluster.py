"""A Cluster of three real nodes: keys over all of them, every script on one, waking, refusals."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
import redis.asyncio

from clients.redis import connection, keys, types
from clients.redis.cluster import slot_of
from clients.redis.embedded import EmbeddedRedis
from clients.redis.server import Address, Server
from clients.redis.stack import Stack, open_stack
from clients.redis.wake import Wake
from tests.chaos.scene import Entra
from tests.engine.harness import doc_of
from tests.support import fleet
from tests.support import stack as stacks
from tests.support.waiting import eventually


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[list[EmbeddedRedis]]:
    async with fleet.clustered(tmp_path / "cluster") as started:
        yield started


def cluster(nodes: list[EmbeddedRedis]) -> Server:
    return Server(Address("127.0.0.1", nodes[0].port), cluster=True)


async def put(opened: Stack, tenant: types.Tenant, name: str) -> None:
    change = types.Change(op="C", rk=f"u:{name}", nonce=name, doc=doc_of({}), new={"un": name})
    written = await opened.store.write(tenant, change)
    assert written.status is types.WriteStatus.OK


def test_partitions_spread_over_three_nodes() -> None:
    slots = [slot_of(keys.epoch(partition)) for partition in range(keys.PARTITIONS)]
    shares = [slot * 3 // fleet.SLOTS for slot in slots]
    assert set(shares) == {0, 1, 2}
    assert min(map(shares.count, range(3))) >= keys.PARTITIONS // 6


async def test_every_partition_works_on_its_own_node(nodes: list[EmbeddedRedis]) -> None:
    async with open_stack(cluster(nodes), install=True) as opened:
        made = [
            await opened.tenants.create(f"t{n}", org="o", now_ms=1) for n in range(keys.PARTITIONS)
        ]
        assert {tenant.partition for tenant in made} == set(opened.partitions)
        await asyncio.gather(*(put(opened, tenant, tenant.name) for tenant in made))
        for tenant in made:
            (item,) = (
                await opened.queue.claim(
                    tenant.partition, max_items=1, token_prefix=tenant.name, lease_ms=5000
                )
            ).items
            done = types.Settlement(types.Outcome.OK, item.version, backend_id="usr")
            assert (await opened.queue.settle(item, done)).status is types.SettleStatus.SYNCED
            assert await opened.queue.audit(tenant) == []
    for node in nodes:
        async with redis.asyncio.Redis(port=node.port) as client:
            assert await client.dbsize() > 0


async def test_a_slot_that_moved_is_followed_at_once(nodes: list[EmbeddedRedis]) -> None:
    async with open_stack(cluster(nodes), install=True) as opened:
        tenant = await opened.tenants.create("acme", org="o", now_ms=1)
        slot = slot_of(keys.epoch(tenant.partition))
        source = nodes[slot * 3 // fleet.SLOTS]
        target = nodes[(nodes.index(source) + 1) % 3]
        await put(opened, tenant, "before")
        assert await fleet.move_slot(slot, source, target) > 0
        claim = await opened.queue.claim(
            tenant.partition, max_items=4, token_prefix="t", lease_ms=5000
        )
        assert [item.rk for item in claim.items] == ["u:before"]


async def test_a_slot_on_the_move_is_asked_for_where_it_goes(
    nodes: list[EmbeddedRedis],
) -> None:
    """All keys of a read have gone already: its node says ASK, and only ASKING is served."""
    async with open_stack(cluster(nodes), install=True) as opened:
        tenant = await opened.tenants.create("acme", org="o", now_ms=1)
        await put(opened, tenant, "joy")
        slot = slot_of(keys.epoch(tenant.partition))
        source = nodes[slot * 3 // fleet.SLOTS]
        target = nodes[(nodes.index(source) + 1) % 3]
        move = fleet.Move(slot, source, target)
        await move.begin()
        await move.carry(100)
        found = await opened.store.read(tenant, ["u:joy"])
        assert [each and each.rk for each in found] == ["u:joy"]


async def test_work_in_any_partition_wakes(nodes: list[EmbeddedRedis]) -> None:
    async with open_stack(cluster(nodes), install=True) as opened:
        made = [await opened.tenants.create(f"t{n}", org="o", now_ms=1) for n in range(6)]
        wake = Wake(opened.client)
        async with asyncio.TaskGroup() as group:
            listening = group.create_task(wake.run())
            await eventually(wake.event.is_set)
            wake.take()
            for tenant in made:
                await put(opened, tenant, tenant.name)
            heard: set[int] = set()

            def all_heard() -> bool:
                heard.update(wake.take() or ())
                return heard == {tenant.partition for tenant in made}

            await eventually(all_heard)
            listening.cancel()


async def test_a_flushed_script_cache_is_filled_on_every_node(nodes: list[EmbeddedRedis]) -> None:
    async with open_stack(cluster(nodes), install=True) as opened:
        made = [await opened.tenants.create(f"t{n}", org="o", now_ms=1) for n in range(16)]
        for node in nodes:
            async with redis.asyncio.Redis(port=node.port) as client:
                await client.script_flush()
        await asyncio.gather(*(put(opened, tenant, tenant.name) for tenant in made))


async def test_one_unsafe_master_is_enough_to_refuse(nodes: list[EmbeddedRedis]) -> None:
    async with redis.asyncio.Redis(port=nodes[2].port) as client:
        await client.config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(types.UnsafeRedis, match="noeviction"):
        async with open_stack(cluster(nodes), install=True):
            pass


async def test_a_cluster_that_is_not_said_and_one_that_is_none(
    nodes: list[EmbeddedRedis], redis_url: str
) -> None:
    with pytest.raises(types.UnsafeRedis, match="BLDNG_SCIM_REDIS_CLUSTER=true"):
        async with open_stack(nodes[0].url, install=True):
            pass
    alone = replace(Server.from_url(redis_url), cluster=True)
    with pytest.raises(types.UnsafeRedis, match="not part of a Cluster"):
        async with open_stack(alone, install=True):
            pass


async def test_a_cluster_without_any_node_is_unreachable(unused_tcp_port: int) -> None:
    client = connection.connect(Server(Address("127.0.0.1", unused_tcp_port), cluster=True))
    with pytest.raises(types.RedisUnavailable):
        await connection.check_safety(client)
    await client.aclose()


async def test_a_whole_life_over_real_processes(
    nodes: list[EmbeddedRedis], tmp_path: Path
) -> None:
    async with stacks.around(tmp_path, nodes[0], fleet.reach(nodes[0])) as stack:
        await stack.start_gateway()
        await stack.start_worker()
        entra = Entra(stack)
        joy, tim = await entra.create("joy"), await entra.create("tim")
        assert await entra.patch(joy, displayName="Joyce") == 200
        assert await entra.patch(tim, active="False") == 200
        await entra.check()
        assert await entra.delete(tim) == 204
        await entra.check()


async def test_check_redis_says_what_stands_there(
    nodes: list[EmbeddedRedis], tmp_path: Path
) -> None:
    async with stacks.around(tmp_path, nodes[0], fleet.reach(nodes[0])) as stack:
        log = tmp_path / "check.log"
        check = stacks.Process(["check", "redis", "-o", "jsonl"], stack.environment(), log)
        assert await asyncio.to_thread(check.wait) == 0, log.read_text()
        rows = [orjson.loads(line) for line in log.read_text().splitlines() if line[:1] == "{"]
        (found,) = [row for row in rows if row["probe"] == "topology"]
        assert (found["topology"], found["tls"]) == ("cluster", False)
        assert set(found["masters"]) == {f"127.0.0.1:{node.port}" for node in nodes}
