"""Fixtures: a real worker between a real Redis and the sandbox, with short leases.

A plugin module: name it in `pytest_plugins`.
"""

import asyncio
import io
import itertools
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

import orjson
import pytest
import redis.asyncio
from prometheus_client import CollectorRegistry

from clients import telemetry
from clients.bldng import client
from clients.bldng.sandbox.state import Logged
from clients.redis.members import Members
from clients.redis.stack import Stack
from clients.redis.types import (
    Change,
    Lane,
    MemberChange,
    ResourceState,
    Stored,
    Tenant,
    WriteStatus,
)
from clients.redis.wake import Wake
from mappers import profile
from tests.support.sandbox import Sandbox
from tests.support.waiting import eventually
from workers.means import Means
from workers.pace import Pace
from workers.runner import Links, Worker

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PACE = Pace(
    slots=16,
    batch=8,
    lease_ms=2_000,
    settle_ms=300,
    fallback_s=0.2,
    drain_s=1.0,
    release_s=1.0,
)


def person(number: int, **more: Any) -> dict[str, Any]:
    """A SCIM user as the gateway stores one. `number` makes its id."""
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "userName": f"user{number}@example.com",
        "externalId": f"object-{number}",
        "active": True,
        **more,
    }


def in_department(number: int, name: str) -> dict[str, Any]:
    return person(number, **{ENTERPRISE: {"department": name}})


def team(number: int, **more: Any) -> dict[str, Any]:
    """A SCIM group as the gateway stores one. `number` makes its id."""
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "id": f"00000000-0000-4000-9000-{number:012d}",
        "displayName": f"Team {number}",
        "externalId": f"team-{number}",
        **more,
    }


def rk(doc: dict[str, Any]) -> str:
    return f"u:{doc['id']}" if "userName" in doc else f"g:{doc['id']}"


@dataclass(slots=True)
class Rig:
    """Store, queue and sandbox, and the means to run workers between them.

    `wakes` is where workers listen for wake-ups, if not at the Redis of the queue.
    """

    stack: Stack
    tenant: Tenant
    sandbox: Sandbox
    bldng: client.Bldng
    pace: Pace = PACE
    wakes: redis.asyncio.Redis | None = None
    lines: io.BytesIO = field(default_factory=io.BytesIO)
    metrics: telemetry.Metrics = field(
        default_factory=lambda: telemetry.Metrics(CollectorRegistry())
    )
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    async def put(self, doc: dict[str, Any], *, tenant: Tenant | None = None) -> None:
        """Store a person or group as the gateway would, whether new or known."""
        tenant = tenant or self.tenant
        before = (await self.stack.store.read(tenant, [rk(doc)]))[0]
        content = orjson.dumps(doc)
        change = Change(
            op="U" if before else "C",
            rk=rk(doc),
            nonce=f"nonce-{next(self._numbers)}",
            doc=content,
            digest=blake2b(content, digest_size=8).hexdigest(),
            expected=before.version if before else None,
            old=_indexed(before),
            new=_index(doc),
            cause="request",
        )
        written = await self.stack.store.write(tenant, change)
        assert written.status is WriteStatus.OK, written

    async def join(self, group: dict[str, Any], *docs: dict[str, Any]) -> None:
        """Add members to a group as the gateway would."""
        await self.change_members(group, MemberChange(add=tuple(doc["id"] for doc in docs)))

    async def leave(self, group: dict[str, Any], *docs: dict[str, Any]) -> None:
        """Remove members from a group as the gateway would."""
        await self.change_members(group, MemberChange(remove=tuple(doc["id"] for doc in docs)))

    async def change_members(self, group: dict[str, Any], change: MemberChange) -> None:
        """One change of the members of a group that exists."""
        nonce = f"nonce-{next(self._numbers)}"
        written = await self.members.change(
            self.tenant, rk(group), [change], nonce=nonce, cause="request"
        )
        assert written.status in {WriteStatus.OK, WriteStatus.NOOP}, written

    async def replace_members(self, group: dict[str, Any], ids: Sequence[str]) -> None:
        """Make these the members of a group that exists."""
        nonce = f"nonce-{next(self._numbers)}"
        written = await self.members.replace(
            self.tenant, rk(group), ids, nonce=nonce, cause="request"
        )
        assert written.status in {WriteStatus.OK, WriteStatus.NOOP}, written

    async def remove(self, doc: dict[str, Any]) -> None:
        """Delete a person or group as the gateway would."""
        before = (await self.stack.store.read(self.tenant, [rk(doc)]))[0]
        assert before is not None
        nonce = f"nonce-{next(self._numbers)}"
        change = Change(
            "D",
            rk(doc),
            nonce,
            expected=before.version,
            old=_indexed(before),
            lane=Lane.SECURITY,
            cause="request",
        )
        written = await self.stack.store.write(self.tenant, change)
        assert written.status is WriteStatus.OK, written

    @property
    def members(self) -> Members:
        """The memberships in Redis."""
        return Members(self.stack.lane, self.stack.epoch)

    def worker(self, **pace: Any) -> Worker:
        """A worker that does not run yet."""
        links = Links(
            queue=self.stack.queue,
            store=self.stack.store,
            members=self.members,
            tenants=self.stack.tenants,
            bldng=self.bldng,
            wake=Wake(self.wakes or self.stack.client),
            partitions=self.stack.partitions,
            profile_of=lambda _tenant: profile.DEFAULT,
            patrol=self.stack.patrol,
        )
        number = next(self._numbers)
        means = Means(
            metrics=self.metrics,
            log=telemetry.make_logger("debug", self.lines),
            clock=time.monotonic,
            dice=random.Random(number).random,
            boot_id=f"boot{number}",
            pace=replace(self.pace, **pace),
        )
        return Worker(links, means)

    @asynccontextmanager
    async def working(self, **pace: Any) -> AsyncIterator[Worker]:
        """A worker for as long as the block runs; drained at its end."""
        worker, stop = self.worker(**pace), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(worker.run(stop))
            try:
                yield worker
            finally:
                stop.set()

    async def state(self, doc: dict[str, Any]) -> ResourceState:
        """Where a person stands in the queue."""
        found = await self.stack.queue.state(self.tenant, rk(doc))
        assert found is not None
        return found

    async def until(self, doc: dict[str, Any], state: str, within_s: float = 8.0) -> ResourceState:
        """Wait until a person is in this state (`S`, `D`, `W`, ...)."""

        async def reached() -> bool:
            found = await self.stack.queue.state(self.tenant, rk(doc))
            return found is not None and found.state == state

        await eventually(reached, within_s=within_s)
        return await self.state(doc)

    async def until_clean(self, within_s: float = 8.0) -> None:
        """Wait until nothing is left to do."""

        async def clean() -> bool:
            depths = await self.stack.queue.depths(self.stack.partitions)
            return not any(
                each.ready + each.delayed + each.running + each.parked for each in depths.values()
            )

        await eventually(clean, within_s=within_s)

    def users(self) -> list[dict[str, Any]]:
        """What BLDNG holds."""
        return self.sandbox.users(self.tenant.org)

    def groups(self) -> dict[str, list[str]]:
        """What BLDNG holds: group name -> login names of its members, sorted."""
        org = self.sandbox.state.org(self.tenant.org)
        return {
            group["name"]: sorted(
                org.users.records[member]["username"]
                for member in org.members.get(group["id"], ())
            )
            for group in org.groups
        }

    def batches(self) -> list[Logged]:
        """The `members:batch` calls that BLDNG saw."""
        return [row for row in self.sandbox.log if row.path.endswith("members:batch")]

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines with this event name."""
        found = (orjson.loads(line) for line in self.lines.getvalue().splitlines())
        return [line for line in found if line["event"] == name]

    def metric(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"bldng_scim_{name}", labels) or 0.0


def _index(doc: dict[str, Any]) -> dict[str, str]:
    if "userName" not in doc:
        return {"gdn": doc["displayName"].casefold(), "gxid": doc["externalId"]}
    values = {"un": doc["userName"].casefold()}
    if "externalId" in doc:
        values["xid"] = doc["externalId"]
    return values


def _indexed(stored: Stored | None) -> dict[str, str]:
    return {} if stored is None else _index(orjson.loads(stored.doc))


@pytest.fixture
async def rig(redis_stack: Stack, tenant: Tenant, sandbox: Sandbox) -> AsyncIterator[Rig]:
    """A rig whose client of the sandbox has the worker's request timeout."""
    metrics = telemetry.Metrics(CollectorRegistry())
    async with client.connect(
        base_url=sandbox.base_url,
        token=sandbox.token,
        timeout_s=PACE.request_timeout_s,
        connect_timeout_s=0.2,
        observer=metrics.observe_backend,
    ) as bldng:
        yield Rig(redis_stack, tenant, sandbox, bldng, metrics=metrics)
