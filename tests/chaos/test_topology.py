"""F16 and F26: a master that dies behind Sentinels, a Cluster that is resharded and loses a node.

F16  master killed under load, another one takes over
F26  a loaded slot moves while it is in use, then its new node is killed and its replica takes over

Replication lags: a write that was acknowledged within the lag may be lost with its master. Such
writes are left out of the judgement, and no others; in mode `replica` there are none.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from clients.redis import keys
from clients.redis.cluster import slot_of
from clients.redis.durability import Ack
from clients.redis.embedded import EmbeddedRedis
from clients.redis.stack import open_stack
from tests.chaos.scene import BUSY_S, Entra, person
from tests.support import fleet, oracle, replica
from tests.support.oracle import Entry
from tests.support.stack import TENANT, Stack, around
from tests.support.waiting import eventually

SERVED_AGAIN_S = fleet.DOWN_AFTER_MS / 1000 + 5.0
RESUMED_S = 5.0
WRITERS = 6
ALLOWED = frozenset({200, 201, 503})
LOST = frozenset({404})
"""What a change of a person is answered whose creation was lost within the lag."""


@dataclass(slots=True)
class Load:
    """Entra writing all the time; what it was sure of when the trouble began."""

    entra: Entra
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    bare_503: int = 0
    sure: dict[str, Entry] | None = None
    doubtful: dict[str, Entry] = field(default_factory=dict)

    async def write(self, writer: int) -> None:
        """Create people and change each once."""
        for number in itertools.count():
            if self.stop.is_set():
                return
            await self._politely()
            status, scim_id = await self.entra.try_create(f"w{writer}-{number}")
            if status == 201:
                await self.entra.patch(scim_id, displayName=f"Name {number}")

    async def _politely(self) -> None:
        """One more request that looks at the header of a refusal."""
        stack = self.entra.stack
        headers = {"Authorization": f"Bearer {stack.token}"}
        async with stack.http.get(f"{stack.base_url}/Users?count=0", headers=headers) as answer:
            self.entra.statuses.append(answer.status)
            self.bare_503 += answer.status == 503 and "Retry-After" not in answer.headers

    async def progress(self, more: int = 12) -> None:
        """Wait until so many more people were created."""
        known = len(self.entra.journal.people)
        await eventually(lambda: len(self.entra.journal.people) >= known + more, within_s=30)

    async def replicated(self, master: EmbeddedRedis, replicas: Sequence[EmbeddedRedis]) -> None:
        """Remember what every replica has by now, beyond doubt."""
        sure = dict(self.entra.journal.people)
        offset = (await fleet.command(master, "INFO", "replication"))["master_repl_offset"]

        async def caught_up() -> bool:
            found = [await fleet.command(each, "INFO", "replication") for each in replicas]
            return all(each["slave_repl_offset"] >= offset for each in found)

        await eventually(caught_up)
        self.sure = sure

    async def kill(self, master: EmbeddedRedis) -> float:
        """Kill a master; seconds until a write is acknowledged again."""
        assert self.sure is not None
        refused = self.entra.statuses.count(503)
        began_s = time.monotonic()
        master.kill()
        await eventually(lambda: self.entra.statuses.count(503) > refused)
        self.doubtful = dict(self.entra.journal.people)
        known = len(self.entra.journal.people)
        await eventually(lambda: len(self.entra.journal.people) > known, within_s=30)
        return time.monotonic() - began_s

    def _forgive(self) -> None:
        """What was acknowledged within the lag, and by nobody since, may be lost."""
        people, sure = self.entra.journal.people, self.sure or {}
        for scim_id, entry in self.doubtful.items():
            known = sure.get(scim_id)
            if people[scim_id] is not entry or known is entry:
                continue
            if known is None:
                del people[scim_id]
            else:
                people[scim_id] = replace(known, unclear=True)

    async def judge_strictly(self) -> None:
        """Nothing that was acknowledged may be lost: there is no lag to forgive."""
        assert set(self.entra.statuses) <= ALLOWED
        self.sure = dict(self.entra.journal.people)
        await self.judge()

    async def judge(self) -> None:
        """Nothing but yes and not now, and no contradiction outside the lag."""
        assert set(self.entra.statuses) <= ALLOWED | LOST
        assert self.entra.statuses.count(404) <= WRITERS
        assert self.bare_503 == 0
        self._forgive()
        claims = {
            str(entry.doc["externalId"]) for entry in (self.sure or {}).values() if entry.doc
        }
        stack = self.entra.stack
        async with open_stack(stack.server, timeout_ms=5000, ack=stack.ack) as redis:
            tenant = await redis.tenants.get(TENANT)
            assert tenant is not None
            await oracle.drained(redis, within_s=40)
            found = await oracle.verdict(redis, tenant, stack.state, self.entra.journal)
        assert [line for line in found if not _within_the_lag(line, claims)] == []


def _within_the_lag(line: str, claims: set[str]) -> bool:
    """Whether a line tells of a person whose creation was lost after it had reached BLDNG."""
    return line.endswith("SCIM says None") and line.partition(":")[0] not in claims


@asynccontextmanager
async def loaded(stack: Stack) -> AsyncIterator[Load]:
    """A gateway, a worker, and writers for as long as the block runs."""
    await stack.start_gateway()
    await stack.start_worker()
    load = Load(Entra(stack))
    async with asyncio.TaskGroup() as group:
        for writer in range(WRITERS):
            group.create_task(load.write(writer))
        try:
            await load.progress()
            yield load
        finally:
            load.stop.set()


@pytest.mark.parametrize("ack", [Ack.FSYNC, Ack.REPLICA])
async def test_f16_a_master_behind_sentinels_is_killed(tmp_path: Path, ack: Ack) -> None:
    extra = replica.STRICT if ack is Ack.REPLICA else None
    async with (
        fleet.replicated(tmp_path / "redis", extra=extra) as (nodes, sentinels),
        around(tmp_path, nodes[0], sentinels.reach) as stack,
    ):
        stack.ack = ack
        async with loaded(stack) as load:
            await load.replicated(nodes[0], nodes[1:])
            gap_s = await load.kill(nodes[0])
            assert gap_s < SERVED_AGAIN_S + BUSY_S
            await load.progress()
        await (load.judge_strictly() if ack is Ack.REPLICA else load.judge())
        synced = len(stack.people())
        status, _ = await stack.request("POST", "/Users", person("late"))
        assert status == 201
        await eventually(lambda: len(stack.people()) == synced + 1)


async def test_f26_a_loaded_slot_moves_and_its_node_is_killed(tmp_path: Path) -> None:
    slot = slot_of(keys.epoch(0))
    async with (
        fleet.clustered(tmp_path / "redis", replicas=1) as nodes,
        around(tmp_path, nodes[1], fleet.reach(nodes[1])) as stack,
    ):
        source, target, replica = nodes[slot * 3 // fleet.SLOTS], nodes[0], nodes[3]
        assert source is not target
        async with loaded(stack) as load:
            assert await fleet.move_slot(slot, source, target) > 30
            began_s = time.monotonic()
            await load.progress()
            assert time.monotonic() - began_s < RESUMED_S + BUSY_S
            await load.replicated(target, [replica])
            gap_s = await load.kill(target)
            assert gap_s < RESUMED_S + BUSY_S
            await load.progress()
        await load.judge()
