"""The master that Sentinels name: found, left when it is demoted, refused when it is a replica."""

import asyncio
from pathlib import Path

import pytest
import redis.asyncio

from clients.redis import connection, installation, scripts, types
from clients.redis.lane import Lane
from clients.redis.server import Server
from clients.redis.stack import open_stack
from gateway import settings
from tests.support import fleet
from tests.support import redis as servers

WRITE = scripts.make("write", "return redis.call('INCR', KEYS[1])")


def server(sentinels: fleet.Sentinels) -> Server:
    return settings.load(sentinels.reach).redis_server()


async def test_the_master_is_found(tmp_path: Path) -> None:
    async with (
        fleet.replicated(tmp_path, replicas=1) as (nodes, sentinels),
        open_stack(server(sentinels), install=True) as opened,
    ):
        await opened.tenants.create("acme", org="o", now_ms=1)
        assert list(await connection.masters(opened.client)) == [f"127.0.0.1:{nodes[0].port}"]


async def test_a_demoted_master_is_left_within_the_deadline(tmp_path: Path) -> None:
    """Its connections stay open and it answers READONLY for ever; who asks anew gets through."""
    with (
        servers.server(tmp_path / "old") as old,
        servers.server(tmp_path / "new") as new,
    ):
        sentinel = fleet.Sentinels(tmp_path, old)
        try:
            client = connection.connect(server(sentinel))
            assert isinstance(client, redis.asyncio.Redis)
            lane = Lane(client, library={"write": WRITE}, deadline_ms=5000)
            assert await until_named(lane) == 1
            await fleet.command(old, "REPLICAOF", "127.0.0.1", new.port)
            for port in sentinel.ports:
                await fleet.command(port, "SENTINEL REMOVE", fleet.SERVICE)
                where = (fleet.SERVICE, "127.0.0.1", new.port, 2)
                await fleet.command(port, "SENTINEL MONITOR", *where)
            assert await lane.persist("write", ["n"], []) == 1
            await lane.aclose()
            await client.aclose()
        finally:
            sentinel.kill()


async def until_named(lane: Lane) -> object:
    """The first answer, once the Sentinels know the master."""
    while True:
        try:
            return await lane.persist("write", ["n"], [])
        except types.RedisUnavailable:
            await asyncio.sleep(0.05)


async def test_a_replica_is_waited_for_and_not_written_to(tmp_path: Path) -> None:
    with servers.server(tmp_path / "m") as master, servers.server(tmp_path / "r") as replica:
        await fleet.command(replica, "REPLICAOF", "127.0.0.1", master.port)
        with pytest.raises(types.NotMaster, match="BLDNG_SCIM_REDIS_SENTINELS"):
            async with open_stack(replica.url):
                pass
        client = connection.connect(replica.url)
        lane = Lane(client, library={"write": WRITE}, deadline_ms=300)
        with pytest.raises(types.NotMaster):
            await lane.persist("write", ["n"], [])
        await lane.aclose()
        await client.aclose()


async def test_sentinels_that_know_no_such_master(tmp_path: Path, unused_tcp_port: int) -> None:
    reach = {
        "BLDNG_SCIM_REDIS_URL": "redis://",
        "BLDNG_SCIM_REDIS_SENTINELS": f"127.0.0.1:{unused_tcp_port}",
        "BLDNG_SCIM_REDIS_SENTINEL_SERVICE": "nobody",
    }
    client = connection.connect(settings.load(reach).redis_server())
    with pytest.raises(types.RedisUnavailable):
        await installation.open_installation(client)
    await client.aclose()
