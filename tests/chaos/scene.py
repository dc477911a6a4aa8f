"""The words of the chaos tests: Entra's side with its journal, workers, ages and clocks."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from clients.bldng import client
from clients.redis import connection, installation, keys, scripts
from clients.redis import stack as redis_stack
from clients.redis.lane import Lane
from clients.redis.stack import Stack as RedisStack
from clients.redis.types import ResourceState
from tests.support import oracle
from tests.support.oracle import Journal
from tests.support.register import Span
from tests.support.sandbox import Sandbox
from tests.support.stack import LEASE_MS, ORG, SETTLE_MS, TENANT, Process, Stack, lines
from tests.support.waiting import eventually
from tests.support.worker import PACE, Rig

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
USERS = f"/orgs/{ORG}/users"
IN_TIME_S = (LEASE_MS + SETTLE_MS) / 1000 + 2.0
"""How long a lost lease may cost: the lease, the settle delay and two seconds."""
BUSY_S = 3.0
"""Grace on top of a criterion in seconds, for a machine that runs other tests beside this one."""
UNKNOWN = frozenset({0, 500, 503})
"""Statuses that leave the end of a write open; 0 stands for no answer."""

SKEW = "now = now + tonumber(redis.call('GET', string.sub(KEYS[1], 1, -3) .. 'skew') or 0)\n"
SKEWED = scripts.SERVER_CLOCK + SKEW
"""The clock of every script with an offset that a test can set: Redis' clock that jumps."""


def person(name: str, **more: Any) -> dict[str, Any]:
    """A create as Entra sends it; `name` makes every unique value."""
    return {
        "schemas": [CORE, oracle.ENTERPRISE],
        "userName": f"{name}@contoso.com",
        "externalId": f"object-{name}",
        "active": True,
        "displayName": name.title(),
        "emails": [{"primary": True, "type": "work", "value": f"{name}@contoso.com"}],
        "name": {"givenName": name, "familyName": "Contoso"},
        **more,
    }


@dataclass(slots=True)
class Entra:
    """Sends SCIM requests and keeps the journal of what was acknowledged."""

    stack: Stack
    journal: Journal = field(default_factory=Journal)
    statuses: list[int] = field(default_factory=list)
    slowest_s: float = 0.0

    async def send(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, at: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """One request; status 0 when the connection broke."""
        began_s = time.monotonic()
        try:
            status, answer = await self.stack.request(method, path, body, at=at)
        except aiohttp.ClientError:
            status, answer = 0, {}
        self.slowest_s = max(self.slowest_s, time.monotonic() - began_s)
        self.statuses.append(status)
        return status, answer

    async def try_create(self, name: str, **more: Any) -> tuple[int, str]:
        """Status and SCIM id (empty unless 201)."""
        status, answer = await self.send("POST", "/Users", person(name, **more))
        return status, self.journal.stored(answer) if status == 201 else ""

    async def create(self, name: str, **more: Any) -> str:
        """A person that exists from now on; the SCIM id."""
        status, scim_id = await self.try_create(name, **more)
        assert status == 201, status
        return scim_id

    async def patch(self, scim_id: str, **values: Any) -> int:
        """Replace attributes, one operation each; the status."""
        operations = [{"op": "Replace", "path": at, "value": to} for at, to in values.items()]
        body = {"schemas": [PATCH_OP], "Operations": operations}
        status, answer = await self.send("PATCH", f"/Users/{scim_id}", body)
        if status == 200:
            self.journal.stored(answer)
        elif status in UNKNOWN:
            self.journal.unanswered(scim_id)
        return status

    async def delete(self, scim_id: str) -> int:
        sent_s = time.monotonic()
        status, _ = await self.send("DELETE", f"/Users/{scim_id}")
        if (span := _span(sent_s, status)) is not None:
            self.journal.deleted(scim_id, span)
        return status

    async def found(self, name: str) -> str:
        """A group that exists from now on; the SCIM id."""
        body = {"schemas": [GROUP], "displayName": name, "externalId": f"object-{name}"}
        status, answer = await self.send("POST", "/Groups", body)
        assert status == 201, status
        scim_id = str(answer["id"])
        self.journal.teams.founded(scim_id, name)
        return scim_id

    async def change_members(
        self, group: str, *, join: Collection[str] = (), leave: Collection[str] = (), at: str = ""
    ) -> int:
        """One PATCH that lets members join and leave; the status."""
        operations = [members("Add", join)] if join else []
        operations += [members("Remove", leave)] if leave else []
        status, span = await self._patch_group(group, operations, at=at)
        if span is not None:
            self.journal.teams.changed(group, span, joining=join, leaving=leave)
        return status

    async def list_members(self, group: str, ids: Collection[str], *, at: str = "") -> int:
        """One PATCH that makes these the members; the status."""
        status, span = await self._patch_group(group, [members("Replace", ids)], at=at)
        if span is not None:
            self.journal.teams.listed(group, span, ids)
        return status

    async def rename_group(self, group: str, name: str, *, at: str = "") -> int:
        change = {"op": "Replace", "path": "displayName", "value": name}
        status, span = await self._patch_group(group, [change], at=at)
        if span is not None:
            self.journal.teams.renamed(group, span, name)
        return status

    async def _patch_group(
        self, group: str, operations: list[dict[str, Any]], *, at: str = ""
    ) -> tuple[int, Span | None]:
        """The status, and when it may have taken effect: None when it did not."""
        sent_s = time.monotonic()
        body = {"schemas": [PATCH_OP], "Operations": operations}
        status, _ = await self.send("PATCH", f"/Groups/{group}", body, at=at)
        return status, _span(sent_s, status)

    async def check(self, **how: Any) -> None:
        """The oracle; see `oracle.check`."""
        await oracle.check(self.stack, self.journal, **how)


def members(op: str, ids: Collection[str]) -> dict[str, Any]:
    """A change of members as Entra sends it."""
    return {"op": op, "path": "members", "value": [{"$ref": None, "value": one} for one in ids]}


def _span(sent_s: float, status: int) -> Span | None:
    """When an update or deletion took effect, or may have: None when it did not."""
    if status in {200, 204}:
        return Span.until_now(sent_s)
    return Span(sent_s) if status in UNKNOWN else None


def base_url(gateway: Process) -> str:
    """The Tenant URL at one of several gateways."""
    [started] = lines(gateway, "gateway_started")
    return f"http://{started['listen']}/scim/v2/{TENANT}"


@asynccontextmanager
async def looking(stack: Stack) -> AsyncIterator["Look"]:
    """A direct look at the product's Redis."""
    async with _opened(stack.redis.url, scripts.library()) as redis:
        yield await _look(redis)


@dataclass(slots=True)
class Look:
    """Store and queue of a product, past its processes."""

    redis: RedisStack
    root: str
    partition: int

    async def state(self, scim_id: str) -> ResourceState:
        """Where a person stands."""
        tenant = await self.redis.tenants.get(TENANT)
        assert tenant is not None
        found = await self.redis.queue.state(tenant, f"u:{scim_id}")
        assert found is not None
        return found

    async def until(self, scim_id: str, letters: str, within_s: float = 8.0) -> ResourceState:
        """Wait until a person is in one of these states."""

        async def reached() -> bool:
            return (await self.state(scim_id)).state in letters

        await eventually(reached, within_s=within_s)
        return await self.state(scim_id)

    async def ctl(self, name: str) -> str:
        """One switch of the tenant, empty when it is not set."""
        found = await self.redis.client.hget(self.root + "ctl", name)
        return found.decode() if isinstance(found, bytes) else ""

    async def hold_ms(self) -> float:
        """How long the tenant rests from now on."""
        seconds, micros = await self.redis.client.time()
        return float(await self.ctl("hold") or 0) - (seconds * 1000 + micros / 1000)

    async def counter(self, name: str) -> int:
        """A counter of the tenant's partition."""
        found = await self.redis.client.hget(f"sg:{{p{self.partition}}}:c", name)
        return int(found or 0)

    async def leases(self) -> int:
        return int(await self.redis.client.zcard(f"sg:{{p{self.partition}}}:l"))


async def _look(redis: RedisStack) -> Look:
    tenant = await redis.tenants.get(TENANT)
    assert tenant is not None
    root = keys.tenant_root(tenant.partition, tenant.name)
    return Look(redis, root, tenant.partition)


@asynccontextmanager
async def _opened(url: str, library: Mapping[str, scripts.Script]) -> AsyncIterator[RedisStack]:
    """Store and queue over scripts of the test's choosing."""
    redis = connection.connect(url)
    try:
        epoch = await installation.bootstrap(redis)
        lane = Lane(redis, library=library, deadline_ms=5000)
        try:
            yield await redis_stack._assemble(redis, lane, epoch)
        finally:
            await lane.aclose()
    finally:
        await redis.aclose()


@asynccontextmanager
async def rigged(
    stack: Stack,
    *,
    clock: str = scripts.SERVER_CLOCK,
    library: Mapping[str, scripts.Script] | None = None,
) -> AsyncIterator[Rig]:
    """Workers of the test's own process on the product's Redis.

    Their scripts tell the time by `clock`, or are those of `library`.
    """
    sandbox = Sandbox(stack.backend_url, stack.state.token, stack.state, stack.faults)
    async with (
        _opened(stack.redis.url, library or scripts.library(clock)) as redis,
        client.connect(
            base_url=stack.backend_url,
            token=stack.state.token,
            timeout_s=PACE.request_timeout_s,
            connect_timeout_s=0.2,
        ) as bldng,
    ):
        tenant = await redis.tenants.get(TENANT)
        assert tenant is not None
        yield Rig(redis, tenant, sandbox, bldng)


async def shift_clock(rig: Rig, skew_ms: int) -> None:
    """Redis' clock is `skew_ms` off from now on, for scripts with the SKEWED clock."""
    for partition in rig.stack.partitions:
        await rig.stack.client.set(f"{keys.partition_root(partition)}skew", skew_ms)


async def check_rig(rig: Rig, *, dead: tuple[str, ...] = ()) -> None:
    """The oracle for people that were put straight into the store."""
    await oracle.drained(rig.stack)
    found = await oracle.verdict(rig.stack, rig.tenant, rig.sandbox.state, Journal(), dead=dead)
    assert not found, found


def attempts(process: Process) -> Iterator[dict[str, Any]]:
    """What a worker logged of its attempts."""
    return lines(process, "sync_attempt")


async def logged(process: Process, number: int) -> list[dict[str, Any]]:
    """Its attempts, once there are so many: a log line comes after its settle."""
    await eventually(lambda: len(list(attempts(process))) >= number)
    return list(attempts(process))


async def passed(seconds: float) -> None:
    """Let time pass that is itself the fault (a stop, an outage); never to wait for an effect."""
    await asyncio.sleep(seconds)


def resident_kb(pid: int) -> int:
    """The memory that a process has now, in KB."""
    return _memory_kb(pid, "VmRSS:")


def peak_kb(process: Process) -> int:
    """The most memory that a process ever had, in KB."""
    return _memory_kb(process.pid, "VmHWM:")


def _memory_kb(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(each for each in status.splitlines() if each.startswith(name))
    return int(line.split()[1])
