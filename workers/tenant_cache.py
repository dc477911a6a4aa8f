"""Tenants by name, remembered for a moment: each attempt needs its tenant's organisation."""

from collections.abc import Callable
from typing import Final

from clients.redis.tenants import Tenants
from clients.redis.types import Tenant

REMEMBERED_S: Final = 5.0
"""How long a change of a tenant's policy may take to reach a worker, in seconds."""


class TenantCache:
    """Bounded by the number of tenants. `clock` counts monotonic seconds."""

    def __init__(self, tenants: Tenants, *, clock: Callable[[], float]) -> None:
        self._tenants = tenants
        self._clock = clock
        self._known: dict[str, tuple[Tenant, float]] = {}

    def lately(self, within_s: float) -> frozenset[str]:
        """The tenants that this process had work of so lately."""
        after_s = self._clock() - within_s + REMEMBERED_S
        return frozenset(name for name, (_, until_s) in self._known.items() if until_s >= after_s)

    async def get(self, name: str) -> Tenant | None:
        """The tenant, None when there is none of that name. Raises RedisUnavailable."""
        tenant, until_s = self._known.get(name, (None, 0.0))
        if tenant is None or self._clock() >= until_s:
            tenant = await self._tenants.get(name)
            if tenant is not None:
                self._known[name] = (tenant, self._clock() + REMEMBERED_S)
        return tenant
