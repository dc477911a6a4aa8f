"""Notices that Redis is another server than before, and says what its data may lack.

Two sources. INFO names the server (`run_id`) and its line of descent (`master_replid`, and after a
promotion the former one as `master_replid2`). And every process leaves a *pulse* among the data,
the time of its latest probe: replication and append-only file keep the order of writes, so the
pulse found on a new server says up to when everything is there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import redis.asyncio

from clients.redis import connection, keys, replies, types
from clients.redis.durability import Ack
from clients.redis.lane import Lane


@dataclass(frozen=True, slots=True)
class Server:
    """Who a server says it is. `former` is the line of descent before a promotion, else empty."""

    run_id: str
    line: str
    former: str = ""


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the pulse script answers, in milliseconds; `before` None: nobody had left one."""

    before_ms: int | None
    since_ms: int
    now_ms: int


@dataclass(frozen=True, slots=True)
class Change:
    """Redis is another server than before.

    `failover`: another copy of the data took over, else the same one came back. `window_s` is how
    long before the change acknowledged writes may be lost; 0 when none are. `certain` says that
    some are known to be. `since_ms` is when the new server was first asked: the same for all
    processes.
    """

    failover: bool
    window_s: float
    certain: bool = False
    since_ms: int = 0


def judge(
    ack: Ack, before: Server, now: Server, *, pulse: Pulse, last_pulse_ms: int | None
) -> Change | None:
    """What it means that `now` answers where `before` did; None when it is the same server.

    `last_pulse_ms` is the last pulse that was acknowledged to this process by `before`.
    """
    if now.line == before.line or (now.run_id == before.run_id and not now.former):
        return None  # a server without replicas takes a new line after a while
    promoted = bool(now.former)
    certain = last_pulse_ms is not None and (pulse.before_ms or 0) < last_pulse_ms
    loses = certain or ack is Ack.MEMORY or (promoted and ack is not Ack.REPLICA)
    whole_until_ms = pulse.before_ms if pulse.before_ms is not None else last_pulse_ms
    if not loses or whole_until_ms is None:
        return Change(promoted or certain, 0.0, certain, pulse.since_ms)
    window_s = max(0.001, (pulse.since_ms - whole_until_ms) / 1000)
    return Change(promoted or certain, window_s, certain, pulse.since_ms)


class Failovers:
    """Watches one Redis for one process; `tell` hears of each change."""

    def __init__(
        self,
        client: connection.Client,
        lane: Lane,
        epoch: str,
        *,
        ack: Ack,
        tell: Callable[[Change], None],
    ) -> None:
        self._client = client
        self._lane = lane
        self._epoch = epoch
        self._ack = ack
        self._tell = tell
        self._server: Server | None = None
        self._last_pulse_ms: int | None = None

    async def look(self) -> None:
        """Ask who answers now. Raises `RedisUnavailable` and its kinds."""
        server = await self._who()
        if server is None:
            return
        pulse, kept = await self._pulse(server)
        change = self._server and judge(
            self._ack, self._server, server, pulse=pulse, last_pulse_ms=self._last_pulse_ms
        )
        if change:
            self._tell(change)
            self._last_pulse_ms = None
        self._server = server
        if kept:
            self._last_pulse_ms = pulse.now_ms

    async def _who(self) -> Server | None:
        """The master that answers; a replica has nothing to say here."""
        try:
            info = await self._info()
        except replies.CLIENT_ERRORS as error:
            raise replies.classify(error) from error
        if info["role"] != "master":
            return None
        former = str(info["master_replid2"]).strip("0")
        return Server(str(info["run_id"]), str(info["master_replid"]), former)

    async def _info(self) -> Mapping[str, object]:
        """In a Cluster, of the shard that the pulse is on; the others are not watched."""
        client = self._client
        if isinstance(client, redis.asyncio.RedisCluster):
            node = client.get_node_from_key(keys.META_PULSE)
            return cast("Mapping[str, object]", await client.info("everything", target_nodes=node))
        return cast("Mapping[str, object]", await client.info("everything"))

    async def _pulse(self, server: Server) -> tuple[Pulse, bool]:
        """The pulse, and whether it is as safe as an acknowledged write."""
        where, kept = [keys.META_EPOCH, keys.META_PULSE], True
        try:
            found = await self._lane.persist("pulse", where, [self._epoch, server.line])
        except types.NotDurable as error:
            found, kept = error.answer, False
        before, since, now = replies.rows(found)
        before_ms = replies.optional_number(before)
        return Pulse(before_ms, replies.number(since), replies.number(now)), kept
