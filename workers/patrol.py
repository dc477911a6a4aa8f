"""Walks slowly over every resource and has sent again what differs at BLDNG.

A worker keeps an agenda of the tenants; the walks themselves are in Redis and shared by all. A
tenant whose BLDNG fails is left alone for a minute, and the step is then repeated; one resource
that cannot be read is passed over after three times.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import Final

from clients.bldng.errors import BldngError, NotSent, Throttled
from clients.redis.patrol import Compared, Patrol, Step
from clients.redis.tenants import Tenants
from clients.redis.types import RedisUnavailable, Tenant
from mappers.profile import Profile
from workers.comparison import Comparison
from workers.means import Means
from workers.tenant_cache import TenantCache

LOOK_S: Final = 1.0
"""How often the agenda is looked at, in seconds."""
TENANTS_S: Final = 60.0
"""How often the list of tenants is read, in seconds."""
LEASE_MS: Final = 120_000
"""How long a step may take before another worker repeats it."""
AT_ONCE: Final = 8
"""Tenants whose resources one worker compares at the same time."""
TRIES: Final = 3
TROUBLE_MS: Final = 60_000
"""How long a tenant is left alone when BLDNG failed."""
SERVED_WITHIN_MS: Final = 15 * 60_000
"""After a failover: tenants served so lately may be ahead of Redis at BLDNG."""


class Patroller:
    """The patrol of one worker. `ask` starts a quick pass after a failover."""

    def __init__(
        self,
        patrol: Patrol,
        tenants: Tenants,
        comparison: Comparison,
        means: Means,
        *,
        served: TenantCache,
        profile_of: Callable[[str], Profile],
    ) -> None:
        self._patrol = patrol
        self._tenants = tenants
        self._comparison = comparison
        self._served = served
        self._profile_of = profile_of
        self._metrics = means.metrics
        self._log = means.log
        self._clock = means.clock
        self._period_ms = means.pace.sweep_ms
        self._known: dict[str, Tenant] = {}
        self._due_s: dict[str, float] = {}
        self._listed_s = float("-inf")
        self._reasons: list[str] = []
        self._stuck: dict[str, tuple[str, int]] = {}
        self._places = asyncio.Semaphore(AT_ONCE)

    def ask(self, reason: str) -> None:
        """Have the tenants that were served lately walked over quickly, once for each reason."""
        self._reasons.append(reason)

    async def run(self) -> None:
        """Patrol until cancelled; while Redis is away, later."""
        while True:
            try:
                await self._turn()
            except RedisUnavailable as error:
                self._metrics.redis_failed(error)
            await asyncio.sleep(LOOK_S)

    async def _turn(self) -> None:
        await self._list()
        while self._reasons:
            await self._hurry(self._reasons[0])
            self._reasons.pop(0)
        now_s = self._clock()
        due = [each for each in self._known.values() if self._due_s.get(each.name, 0) <= now_s]
        async with asyncio.TaskGroup() as group:
            for tenant in due:
                group.create_task(self._serve(tenant))

    async def _serve(self, tenant: Tenant) -> None:
        async with self._places:
            try:
                wait_ms = await self._step(tenant)
            except RedisUnavailable as error:
                self._metrics.redis_failed(error)
                wait_ms = TROUBLE_MS
        self._due_s[tenant.name] = self._clock() + wait_ms / 1000

    async def _list(self) -> None:
        if self._reasons or self._clock() - self._listed_s >= TENANTS_S:
            self._known = {tenant.name: tenant for tenant in await self._tenants.list()}
            self._listed_s = self._clock()

    async def _hurry(self, reason: str) -> None:
        """Redis may have lost when it served a tenant; then this worker may still know."""
        mine = self._served.lately(SERVED_WITHIN_MS / 1000)
        for tenant in self._known.values():
            within = None if tenant.name in mine else SERVED_WITHIN_MS
            if await self._patrol.hurry(tenant, reason=reason, served_within_ms=within):
                self._log.warning("sweep_hurried", tenant=tenant.name)
            self._due_s[tenant.name] = self._clock()

    async def _step(self, tenant: Tenant) -> float:
        """One step of a tenant's walk; milliseconds until it is worth asking again."""
        token, period_ms = secrets.token_hex(8), self._period_ms
        step = await self._patrol.take(tenant, token=token, lease_ms=LEASE_MS, period_ms=period_ms)
        if not step.token:
            return step.wait_ms
        for item in step.items:
            if not await self._looked(tenant, item, step):
                await self._patrol.postpone(tenant, step, period_ms=period_ms, wait_ms=TROUBLE_MS)
                return TROUBLE_MS
        return max(0, await self._patrol.done(tenant, step, period_ms=period_ms))

    async def _looked(self, tenant: Tenant, item: Compared, step: Step) -> bool:
        """Whether the walk may go on behind this resource."""
        try:
            await self._look(tenant, item, step)
        except RedisUnavailable:
            raise
        except BldngError as error:
            rk, tries = self._stuck.get(tenant.name, ("", 0))
            tries = tries + 1 if rk == item.rk else 1
            self._stuck[tenant.name] = item.rk, tries
            self._log.warning("sweep_failed", tenant=tenant.name, rk=item.rk, status=error.code)
            blameless = isinstance(error, NotSent | Throttled)
            return tries >= TRIES and not blameless
        except Exception as error:  # noqa: BLE001  # a bug must not take the worker down
            self._log.error("sweep_broke", tenant=tenant.name, rk=item.rk, exc_info=error)
        return True

    async def _look(self, tenant: Tenant, item: Compared, step: Step) -> None:
        request_id = f"sweep.{step.token}"
        profile = self._profile_of(tenant.name)
        found = await self._comparison.compare(tenant, item, profile, request_id=request_id)
        self._metrics.swept_resources.inc()
        if found is None:
            return
        marked = await self._patrol.mark(
            tenant, item, found.members, all_members=found.all_members
        )
        if marked:
            self._metrics.drift_resources.labels("group" if item.rk[0] == "g" else "user").inc()
            self._log.warning(
                "drift_found",
                tenant=tenant.name,
                rk=item.rk,
                version=item.version,
                members=len(found.members),
                all_members=found.all_members,
            )
