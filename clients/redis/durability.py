"""How far a write must have got before it is acknowledged, and whether this server can keep that.

    memory   Redis holds it in memory and has handed it to its append-only file
    fsync    it is on the server's disk: `appendfsync always` syncs before it answers
    replica  besides, a replica holds it: `WAIT` after the write, on its connection

`WAITAOF` is no way to `fsync`. Under `appendfsync everysec` the servers that know it answer 1
before the file is synced (seen with strace on Valkey 9.1.2: `flushAppendOnlyFile` takes an empty
buffer for a synced file while the second is not over); under `no` it waits for ever, and under
`always` there is nothing left to wait for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import redis.asyncio
import redis.exceptions

from clients.redis import connection, replies, types

WAIT_MS: Final = 200
"""How long one write waits for its replica; the calls of a pipeline wait together."""

LONGEST_LAG_S: Final = 2
"""A replica that says nothing for longer must not count as one (min-replicas-max-lag)."""

TWO: Final = 2
"""Replicas with which one may be lost and writes go on."""


class Ack(StrEnum):
    """What an acknowledgement means."""

    MEMORY = "memory"
    FSYNC = "fsync"
    REPLICA = "replica"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the lane asks after a pipeline that holds an acknowledged write.

    `WAIT replicas timeout_ms` counts the replicas that have everything up to the connection's
    offset. On Redis 6.2 and 7.0 every command moves that offset to the server's, so that a NOOP or
    409 computed from somebody else's write waits for that write too. On Valkey 9.1.2 only a write
    moves it, and WAIT after a reading script answers at once. So the lane writes a small fence
    before each WAIT (all seen by experiment, see tests/chaos/test_replica.py).
    """

    replicas: int = 1
    timeout_ms: int = WAIT_MS


@dataclass(frozen=True, slots=True)
class Durability:
    """What an acknowledgement of this process means on this server.

    `kept_by` names the settings that keep it, `may_lose` says in words what can still be lost.
    `warning` is set when it is kept, yet should be mended.
    """

    ack: Ack
    kept_by: str
    may_lose: str
    warning: str = ""
    confirmation: Confirmation | None = None

    def facts(self) -> Mapping[str, str]:
        """For a probe's body or a log line."""
        said = {"ack": self.ack.value, "kept_by": self.kept_by, "may_lose": self.may_lose}
        return {**said, "warning": self.warning} if self.warning else said


MAY_LOSE: Final[Mapping[Ack, str]] = {
    Ack.MEMORY: "the last one to two seconds at a power loss; in a failover what no replica had",
    Ack.FSYNC: "nothing when Redis or its machine dies and comes back;"
    " in a failover what no replica had",
    Ack.REPLICA: "nothing while the machines of Redis and of its replica do not fail together",
}
UNCHECKED: Final = Durability(Ack.FSYNC, "nothing: it was not checked", "unknown")


async def check(client: connection.Client, ack: Ack, *, allow_unsafe: bool = False) -> Durability:
    """Find out whether this server keeps the mode.

    Raises `UnsafeRedis` naming the setting and the cure, `NotDurable` (mode replica) while no
    replica is connected, `RedisUnavailable` without an answer. `allow_unsafe` describes instead
    of refusing.
    """
    try:
        return await _check(client, ack)
    except types.UnsafeRedis as error:
        if not allow_unsafe:
            raise
        waits = Confirmation() if ack is Ack.REPLICA else None
        return Durability(
            ack, f"nothing: {error}", "whatever was acknowledged", confirmation=waits
        )


async def _check(client: connection.Client, ack: Ack) -> Durability:
    if ack is Ack.MEMORY:
        return Durability(ack, "the append-only file, synced when Redis pleases", MAY_LOSE[ack])
    await _demand(client, ack, "appendfsync", "always")
    kept_by = "appendfsync always"
    if ack is Ack.FSYNC:
        return Durability(ack, kept_by, MAY_LOSE[ack])
    least = min(map(int, await _config(client, ack, "min-replicas-to-write")))
    _check_least(least)
    for lag_s in await _config(client, ack, "min-replicas-max-lag"):
        _check_lag(int(lag_s))
    connected = min(map(_connected, (await connection.masters(client)).values()))
    return Durability(
        ack,
        f"{kept_by}, WAIT 1 {WAIT_MS}, min-replicas-to-write {least}",
        MAY_LOSE[ack],
        warning=_lone_replica(connected),
        confirmation=Confirmation(),
    )


async def _demand(client: connection.Client, ack: Ack, setting: str, wanted: str) -> None:
    for found in await _config(client, ack, setting):
        if found != wanted:
            raise types.UnsafeRedis(
                f"{setting} is {found}: BLDNG_SCIM_ACK={ack} promises that what is acknowledged is"
                f" on disk. Cure: CONFIG SET {setting} {wanted}, and in redis.conf;"
                " or BLDNG_SCIM_ACK=memory, if the last seconds may be lost"
            )


async def _config(client: connection.Client, ack: Ack, setting: str) -> list[str]:
    """One setting of the server, of every master of a Cluster; INFO does not tell these."""
    try:
        return [str(found[setting]) for found in await _configs(client, setting)]
    except redis.exceptions.ResponseError as error:
        if "LOADING" in str(error):
            raise replies.classify(error) from error
        raise types.UnsafeRedis(
            f"{setting} cannot be read (CONFIG GET is forbidden here), so BLDNG_SCIM_ACK={ack}"
            " cannot be verified. Cure: let the account run `CONFIG GET` (+config|get in its ACL);"
            " where the host forbids it, BLDNG_SCIM_ACK=memory says what can be relied on"
        ) from error
    except replies.CLIENT_ERRORS as error:
        raise replies.classify(error) from error


async def _configs(client: connection.Client, setting: str) -> list[dict[str | None, str | None]]:
    if isinstance(client, redis.asyncio.Redis):
        return [await client.config_get(setting)]
    masters = client.get_primaries()
    return [await client.config_get(setting, target_nodes=node) for node in masters]


def _check_least(least: int) -> None:
    if least < 1:
        raise types.UnsafeRedis(
            f"min-replicas-to-write is {least}: a server cut off from its replicas would go on"
            " accepting writes that a failover discards."
            " Cure: CONFIG SET min-replicas-to-write 1, and in redis.conf"
        )


def _check_lag(lag_s: int) -> None:
    if not 0 < lag_s <= LONGEST_LAG_S:
        raise types.UnsafeRedis(
            f"min-replicas-max-lag is {lag_s}: a replica silent for so long still counts."
            f" Cure: CONFIG SET min-replicas-max-lag {LONGEST_LAG_S}, and in redis.conf"
        )


def _connected(info: Mapping[str, object]) -> int:
    """The replicas that answered lately; INFO has the number once min-replicas-to-write is set."""
    connected = replies.number(info.get("min_slaves_good_slaves"))
    if connected < 1:
        raise types.NotDurable(
            "no replica is connected, and BLDNG_SCIM_ACK=replica acknowledges nothing without one."
            " Cure: connect a replica, better two"
        )
    return connected


def _lone_replica(connected: int) -> str:
    if connected >= TWO:
        return ""
    return "only one replica is connected: when it or the server fails, every write is refused"
