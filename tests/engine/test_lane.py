"""The lane: joined calls, deadlines, cancellation; a reply reaches its own caller or nobody."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import redis.asyncio
import redis.exceptions
import uvloop
from redis._parsers.base import BaseParser
from redis.asyncio.connection import AbstractConnection

from clients.redis import connection, replies, scripts, types
from clients.redis.embedded import EmbeddedRedis
from clients.redis.lane import Lane
from tests.engine.harness import Engine
from tests.support import redis as servers
from tests.support.waiting import eventually

ECHO = scripts.make("echo", "return ARGV[1]")
COUNT = scripts.make("count", "return redis.call('INCR', KEYS[1])")
FAIL = scripts.make("fail", "return redis.error_reply('ERR broken')")
LIBRARY = MappingProxyType({"echo": ECHO, "count": COUNT, "fail": FAIL})


@asynccontextmanager
async def open_lane(url: str, **options: Any) -> AsyncIterator[tuple[Lane, redis.asyncio.Redis]]:
    client = connection.connect(url)
    lane = Lane(client, library=LIBRARY, **options)
    try:
        yield lane, client
    finally:
        await lane.aclose()
        await client.aclose()


async def test_calls_of_one_turn_leave_together(redis_url: str) -> None:
    async with open_lane(redis_url, max_batches=1) as (lane, client):
        await lane.run("echo", [], ["warm"])
        before = (await client.info("stats"))["total_reads_processed"]
        found = await asyncio.gather(*(lane.run("echo", [], [n]) for n in range(100)))
        after = (await client.info("stats"))["total_reads_processed"]
        assert found == [str(n).encode() for n in range(100)]
        assert after - before <= 3


async def test_an_unknown_script_is_loaded_and_run_once(redis_url: str) -> None:
    async with open_lane(redis_url) as (lane, client):
        for expected in (1, 2):
            await client.script_flush()
            assert await lane.run("count", ["n"], []) == expected
        await client.script_flush()
        found = await asyncio.gather(*(lane.run("count", ["n"], []) for _ in range(10)))
        assert sorted(map(replies.number, found)) == list(range(3, 13))


def test_a_connection_that_was_closed_between_two_calls(redis_url: str) -> None:
    """uvloop raises a RuntimeError of its own: to us it is Redis that cannot be reached."""
    uvloop.run(_closed_between_two_calls(redis_url))


async def _closed_between_two_calls(url: str) -> None:
    async with open_lane(url) as (lane, client):
        await lane.run("count", ["n"], [])
        await close(*lane._idle)
        with pytest.raises(types.RedisUnavailable):
            await lane.run("count", ["n"], [])
        assert await lane.run("count", ["n"], []) == 2
        await close(*lane._idle)
        assert await lane.persist("count", ["n"], []) == 3
        await client.ping()
        await close(*client.connection_pool._available_connections)
        with contextlib.suppress(types.RedisUnavailable):
            await connection.check_safety(client)


async def close(*connections: AbstractConnection) -> None:
    """End connections behind the back of their owner."""
    for each in connections:
        assert each._writer is not None
        each._writer.transport.abort()
    await asyncio.sleep(0.01)


async def test_one_failing_script_does_not_disturb_its_batch(redis_url: str) -> None:
    async with open_lane(redis_url) as (lane, _):
        found = await asyncio.gather(
            lane.run("echo", [], ["a"]),
            lane.run("fail", [], []),
            lane.run("echo", [], ["b"]),
            return_exceptions=True,
        )
        assert (found[0], found[2]) == (b"a", b"b")
        assert isinstance(found[1], redis.exceptions.ResponseError)


async def test_a_thousand_cancelled_callers_shift_nobodys_reply(redis_url: str) -> None:
    async with open_lane(redis_url) as (lane, _):
        for turn in range(10):
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(lane.run("echo", [], [f"{turn}-{n}"])) for n in range(200)
                ]
                for _ in range(turn % 4):
                    await asyncio.sleep(0)
                for task in tasks[::2]:
                    task.cancel()
            kept = [(n, task) for n, task in enumerate(tasks) if not task.cancelled()]
            assert all(task.result() == f"{turn}-{n}".encode() for n, task in kept)
            assert len(kept) >= 100


async def test_a_hung_redis_costs_no_more_than_the_deadline(
    redis_server: EmbeddedRedis, redis_url: str, stopped: Callable[[], None]
) -> None:
    async with open_lane(redis_url, deadline_ms=200) as (lane, _):
        await lane.run("echo", [], ["warm"])
        stopped()
        loop = asyncio.get_running_loop()
        began = loop.time()
        found = await asyncio.gather(
            *(lane.run("count", ["n"], []) for _ in range(50)), return_exceptions=True
        )
        assert loop.time() - began < 0.5
        assert all(type(each) is types.RedisUnavailable for each in found)


async def test_a_late_reply_crosses_to_nobody(
    redis_url: str, stopped: Callable[[], None], resumed: Callable[[], None]
) -> None:
    async with open_lane(redis_url, deadline_ms=100) as (lane, _):
        await lane.run("echo", [], ["warm"])
        stopped()
        with pytest.raises(types.RedisUnavailable):
            await lane.run("echo", [], ["late"])
        resumed()

        async def answers() -> bool:
            try:
                return await lane.run("echo", [], ["now"]) == b"now"
            except types.RedisUnavailable:
                return False

        await eventually(answers)
        found = await asyncio.gather(*(lane.run("echo", [], [n]) for n in range(50)))
        assert found == [str(n).encode() for n in range(50)]


async def test_waiting_is_bounded(redis_url: str, stopped: Callable[[], None]) -> None:
    async with open_lane(redis_url, deadline_ms=200, max_waiting=5) as (lane, _):
        stopped()
        found = await asyncio.gather(
            *(lane.run("echo", [], [n]) for n in range(20)), return_exceptions=True
        )
        refused = [each for each in found if "too many" in str(each)]
        assert len(refused) == 15


async def test_refused_connections_are_unavailable(unused_tcp_port: int) -> None:
    async with open_lane(f"redis://127.0.0.1:{unused_tcp_port}/0", deadline_ms=150) as (lane, _):
        for call in (lane.run, lane.persist):
            with pytest.raises(types.RedisUnavailable):
                await call("echo", [], ["x"])


async def test_a_broken_connection_is_repeated_within_the_deadline(redis_url: str) -> None:
    async with open_lane(redis_url) as (lane, client):
        await lane.run("echo", [], ["warm"])

        async def persistently(number: int) -> object:
            return await lane.persist("echo", [], [number])

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(persistently(n)) for n in range(200)]
            await client.client_kill_filter(_type="normal", skipme=True)
        assert [task.result() for task in tasks] == [str(n).encode() for n in range(200)]


async def test_a_restarted_redis_is_found_again_at_once(tmp_path: Path) -> None:
    """Every idle connection is dead then; one caller at most pays for that."""
    with servers.server(tmp_path) as server:
        async with open_lane(server.url, max_batch=1) as (lane, _):
            await asyncio.gather(*(lane.run("echo", [], [n]) for n in range(8)))
            server.kill()
            server.start()
            with contextlib.suppress(types.RedisUnavailable):
                await lane.run("echo", [], ["perhaps"])
            found = await asyncio.gather(*(lane.run("echo", [], [n]) for n in range(8)))
            assert found == [str(n).encode() for n in range(8)]


async def test_writes_survive_a_flushed_script_cache(engine: Engine) -> None:
    for number in range(5):
        await engine.client.script_flush()
        await engine.create(f"u:{number}", un=f"n{number}")
    assert (await engine.store.page(engine.tenant, "u", 0, 9)).total == 5


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("OOM command not allowed when used memory > 'maxmemory'.", types.RedisFull),
        ("ERR Error running script (f_1): -OOM command not allowed", types.RedisFull),
        ("FOREIGN_EPOCH the installation id", types.ForeignRedis),
        ("READONLY You can't write against a read only replica.", types.NotMaster),
        ("LOADING Redis is loading the dataset in memory", types.RedisUnavailable),
        ("MISCONF Errors writing to the AOF file", types.RedisUnavailable),
        ("NOREPLICAS Not enough good replicas", types.RedisUnavailable),
        ("ERR Error running script: -READONLY You can't write", types.NotMaster),
        ("CLUSTERDOWN The cluster is down", types.RedisUnavailable),
        ("ERR Script attempted to access a non local key in a clus", types.RedisUnavailable),
        ("ERR x: The user executing the script can't run this command", types.RedisUnavailable),
        ("ERR ACL failure in script: User x has no permissions", types.RedisUnavailable),
        ("MOVED 1 127.0.0.1:7000", types.Redirected),
        ("ASK 1 127.0.0.1:7000", types.Redirected),
        ("NOPERM this user has no permissions", types.RedisUnavailable),
        ("NOAUTH Authentication required.", types.RedisUnavailable),
        ("BUSY Redis is busy running a script", types.RedisUnavailable),
        ("WRONGTYPE Operation against a key", redis.exceptions.ResponseError),
    ],
)
def test_error_replies_are_told_apart(error: str, expected: type[Exception]) -> None:
    parsed = BaseParser.parse_error(error)  # type: ignore[no-untyped-call] # redis-py is half typed
    assert type(replies.classify(parsed)) is expected
