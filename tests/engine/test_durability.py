"""Which servers keep which mode of acknowledgement, and what is said about it."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from redis.asyncio import Redis

from clients.redis import connection, durability, types
from clients.redis.durability import Ack
from clients.redis.health import Health
from tests.support.replica import Pair, replicated
from tests.support.waiting import eventually

MEMORY, FSYNC, REPLICA = Ack.MEMORY, Ack.FSYNC, Ack.REPLICA

ALONE = [
    (MEMORY, {"appendfsync": "always"}, None),
    (MEMORY, {"appendfsync": "everysec"}, None),
    (MEMORY, {"appendfsync": "no"}, None),
    (FSYNC, {"appendfsync": "always"}, None),
    (FSYNC, {"appendfsync": "everysec"}, r"appendfsync is everysec.*appendfsync always.*=memory"),
    (FSYNC, {"appendfsync": "no"}, r"appendfsync is no.*Cure: CONFIG SET appendfsync always"),
    (REPLICA, {"appendfsync": "everysec"}, r"appendfsync is everysec: BLDNG_SCIM_ACK=replica"),
    (REPLICA, {}, r"min-replicas-to-write is 0.*Cure: CONFIG SET min-replicas-to-write 1"),
]


@pytest.fixture
async def client(redis_url: str) -> AsyncIterator[Redis]:
    """A client of a server whose settings are put back afterwards."""
    async with connection.connect(redis_url) as opened:
        yield opened
        await opened.config_set("appendfsync", "always")


@pytest.mark.parametrize(("ack", "settings", "refusal"), ALONE)
async def test_a_server_without_replicas(
    client: Redis, ack: Ack, settings: Mapping[str, str], refusal: str | None
) -> None:
    for name, value in settings.items():
        await client.config_set(name, value)
    if refusal is None:
        kept = await durability.check(client, ack)
        assert (kept.ack, kept.confirmation, kept.warning) == (ack, None, "")
        assert kept.facts()["may_lose"] == durability.MAY_LOSE[ack]
        return
    with pytest.raises(types.UnsafeRedis, match=refusal):
        await durability.check(client, ack)
    said = await durability.check(client, ack, allow_unsafe=True)
    assert said.kept_by.startswith("nothing: ")


@pytest.mark.parametrize(
    ("setting", "value", "error", "told"),
    [
        ("min-replicas-to-write", "0", types.UnsafeRedis, "min-replicas-to-write is 0"),
        ("min-replicas-max-lag", "10", types.UnsafeRedis, "Cure: CONFIG SET min-replicas-max-lag"),
        ("min-replicas-max-lag", "0", types.UnsafeRedis, "min-replicas-max-lag is 0"),
    ],
)
async def test_mode_replica_refuses_a_lax_server(
    strict: Pair, setting: str, value: str, error: type[Exception], told: str
) -> None:
    async with connection.connect(strict.master.url) as opened:
        await opened.config_set(setting, value)
        with pytest.raises(error, match=told):
            await durability.check(opened, REPLICA)


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[Pair]:
    async with replicated(tmp_path) as pair:
        yield pair


async def test_mode_replica_warns_of_a_lone_replica_and_waits_for_the_first(strict: Pair) -> None:
    async with connection.connect(strict.master.url) as opened:
        health = Health(opened, ack=REPLICA, allow_unsafe=False)
        kept = await health.probe()
        assert kept.kept_by == "appendfsync always, WAIT 1 200, min-replicas-to-write 1"
        assert kept.warning.startswith("only one replica is connected")
        assert kept.confirmation == durability.Confirmation(replicas=1, timeout_ms=200)
        strict.replica.kill()
        await eventually(lambda: alone(opened))
        with pytest.raises(types.NotDurable, match=r"no replica is connected.*better two"):
            await health.probe()


async def alone(master: Redis) -> bool:
    return not (await master.info("replication"))["min_slaves_good_slaves"]


async def test_mode_replica_is_content_with_two(tmp_path: Path) -> None:
    async with (
        replicated(tmp_path, replicas=2) as pair,
        connection.connect(pair.master.url) as opened,
    ):
        assert (await durability.check(opened, REPLICA)).warning == ""
