"""Who sends too much: a tenant's requests, and a source's refused tokens.

A tenant is asked for its rate after its token was checked, so nobody without a token can use it
up. Refused tokens are counted by where they come from: that source hears 429 instead of 401 and
its connection is closed, whichever tenants it tries. A good token always passes, since behind a
proxy all tenants come from one address: what is locked is the failing, never the tenant.
"""

import ipaddress
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from clients.telemetry import Metrics
from gateway.scim.rates import Rates
from mappers.scim import errors

TENANTS_REMEMBERED: Final = 10_000
SOURCES_REMEMBERED: Final = 10_000
"""Buckets kept at most: about 150 bytes each."""
IPV6_SITE_BITS: Final = 64
"""Whoever has one IPv6 address usually has all of its network."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Requests a second of a tenant and how many at once; refused tokens a second of a source.

    0 a second means no limit.
    """

    tenant_per_s: int = 0
    tenant_burst: int = 200
    failures_per_s: int = 0


class Admission:
    """Says no by raising RateLimited. `clock` counts monotonic seconds."""

    def __init__(
        self, allowance: Allowance, metrics: Metrics, *, clock: Callable[[], float]
    ) -> None:
        self._allowance = allowance
        self._clock = clock
        self._tenants = _rates(
            allowance.tenant_per_s, burst=allowance.tenant_burst, most=TENANTS_REMEMBERED
        )
        self._sources = _rates(
            allowance.failures_per_s, burst=allowance.failures_per_s, most=SOURCES_REMEMBERED
        )
        self._limited_tenants = metrics.rate_limited.labels("tenant")
        self._limited_sources = metrics.rate_limited.labels("source")

    def admit(self, tenant: str) -> None:
        """One request of a tenant whose token is good."""
        if self._tenants is None:
            return
        wait_s = self._tenants.wait_s(tenant, self._clock())
        if wait_s > 0:
            self._limited_tenants.inc()
            raise errors.RateLimited(
                f"This tenant may send {self._allowance.tenant_per_s} requests a second,"
                f" {self._allowance.tenant_burst} at once. Repeat after Retry-After; if it happens"
                " often, ask for a higher BLDNG_SCIM_RATE_LIMIT.",
                retry_after_s=_whole(wait_s),
            )

    def refused(self, address: str | None) -> None:
        """A token from this address was refused."""
        if self._sources is None:
            return
        wait_s = self._sources.wait_s(source_of(address), self._clock())
        if wait_s > 0:
            self._limited_sources.inc()
            raise errors.TooManyRefused(retry_after_s=_whole(wait_s))


def source_of(address: str | None) -> str:
    """What refused tokens are counted by: an IPv4 address, or the network of an IPv6 one."""
    try:
        known = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return ""
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    if known.ipv4_mapped:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((known, IPV6_SITE_BITS), strict=False))


def _rates(per_s: int, *, burst: int, most: int) -> Rates | None:
    return Rates(per_s=per_s, burst=burst, most=most) if per_s else None


def _whole(seconds: float) -> int:
    """Retry-After takes whole seconds, and 0 would invite the next request at once."""
    return max(1, math.ceil(seconds))
