"""Who is asking: a bearer token, bound to one tenant.

Whatever is wrong with a well-formed token or with the tenant in the path, the answer is the same
401, so that nobody learns which tenants exist; only the metric tells the reasons apart. A token
that fails its own checksum was copied badly, and the answer says so.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from clients.redis.tenants import Tenants
from clients.redis.types import Tenant, Token
from clients.telemetry import Metrics
from gateway import tokens
from mappers.scim import errors

CACHE_SIZE: Final = 4096
"""Tokens remembered at most; the oldest goes first."""

_DETAIL: Final = {
    "missing": "No bearer token was sent: paste the Secret Token into the provisioning settings.",
    "malformed": "The bearer token is not one of ours: paste the Secret Token, nothing else.",
    "checksum": "The Secret Token looks incomplete: copy it again, all of it, and save.",
}
_REFUSED: Final = (
    "The Secret Token is not valid for this Tenant URL: check that both come from the same e-mail,"
    " or ask for a new token."
)


class Authenticator:
    """Checks tokens against Redis and remembers good ones for `cache_s` seconds.

    `clock` counts seconds for the cache; `now_ms` is the time that expiry is compared with.
    """

    def __init__(
        self,
        tenants: Tenants,
        metrics: Metrics,
        *,
        cache_s: float,
        cache_size: int = CACHE_SIZE,
        clock: Callable[[], float],
        now_ms: Callable[[], int],
    ) -> None:
        self._tenants = tenants
        self._failures = metrics.auth_failures
        self._cache_s = cache_s
        self._cache_size = cache_size
        self._clock = clock
        self._now_ms = now_ms
        self._known: OrderedDict[str, tuple[float, Token, Tenant]] = OrderedDict()

    async def tenant(self, name: str, authorization: str | None) -> Tenant:
        """The tenant `name`, if the Authorization header opens it.

        Raises Unauthorized, or RedisUnavailable when the token could not be looked up.
        """
        try:
            return await self._checked(name, _bearer(authorization))
        except tokens.Rejected as rejected:
            self._failures.labels(rejected.reason).inc()
            raise errors.Unauthorized(_DETAIL.get(rejected.reason, _REFUSED)) from None

    async def _checked(self, name: str, text: str) -> Tenant:
        token, tenant = self._recall(text) or await self._look_up(text)
        tokens.require_live(token, tenant=name, now_ms=self._now_ms())
        if tenant.disabled:
            raise tokens.Rejected("tenant_disabled")
        return tenant

    def _recall(self, text: str) -> tuple[Token, Tenant] | None:
        held = self._known.get(tokens.digest(text))
        if held is None or self._clock() - held[0] > self._cache_s:
            return None
        return held[1], held[2]

    async def _look_up(self, text: str) -> tuple[Token, Tenant]:
        key_id = tokens.parse(text)
        token = tokens.verify(text, await self._tenants.token(key_id))
        tenant = await self._tenants.get(token.tenant)
        if tenant is None:
            raise tokens.Rejected("tenant_unknown")
        self._remember(token, tenant)
        return token, tenant

    def _remember(self, token: Token, tenant: Tenant) -> None:
        self._known[token.digest] = (self._clock(), token, tenant)
        self._known.move_to_end(token.digest)
        if len(self._known) > self._cache_size:
            self._known.popitem(last=False)


def _bearer(authorization: str | None) -> str:
    """The token of an Authorization header; the scheme compares without case (RFC 9110, 11.1)."""
    if not authorization:
        raise tokens.Rejected("missing")
    scheme, _, text = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise tokens.Rejected("malformed")
    return text.strip()
