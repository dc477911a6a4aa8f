"""Redis of `dev`: never somebody else's, whoever is faster to a port."""

import asyncio
from pathlib import Path

import pytest

from clients.redis.embedded import EmbeddedRedis
from gateway.cli.local import ports, stack
from gateway.cli.output import ExitCode, Failure


def test_a_redis_of_somebody_else_on_the_port_is_not_taken_for_ours(
    redis_server: EmbeddedRedis, tmp_path: Path
) -> None:
    ours = stack._start_redis(tmp_path / "redis", redis_server.port)
    try:
        assert ours.port != redis_server.port
        assert ours.pid != redis_server.pid
        assert (tmp_path / "redis" / "redis.pid").read_text().strip() == str(ours.pid)
    finally:
        ours.stop()
    assert redis_server.pid is not None
    assert Path(f"/proc/{redis_server.pid}").exists()


def test_a_redis_that_cannot_start_anywhere_says_where_to_look(tmp_path: Path) -> None:
    (tmp_path / "appendonly.aof").write_text("this is no append-only file\n")
    with pytest.raises(Failure, match=r"redis\.log") as failure:
        stack._start_redis(tmp_path, 0)
    assert failure.value.code is ExitCode.ERROR


async def test_two_that_start_at_once_pick_their_ports_one_after_the_other() -> None:
    inside: list[str] = []

    async def pick(name: str) -> None:
        async with ports.chosen_alone():
            inside.append(name)
            await asyncio.sleep(0)
            assert inside == [name]
            inside.remove(name)

    await asyncio.gather(*(pick(str(number)) for number in range(5)))
