"""Tenants and the records of their bearer tokens: small, read often, written by operators."""

from collections.abc import Mapping
from dataclasses import asdict, replace

import orjson

from clients.redis import keys, replies, types
from clients.redis.lane import Lane


class Tenants:
    """The tenants of this installation. Raises `RedisUnavailable` and its kinds."""

    def __init__(self, lane: Lane, epoch: str) -> None:
        self._lane = lane
        self._epoch = epoch

    async def create(
        self,
        name: str,
        *,
        org: str,
        now_ms: int,
        policy: types.Policy = types.Policy.LINK,
    ) -> types.Tenant:
        """A new tenant on the least loaded partition; raises `TenantExists`."""
        if not keys.is_tenant_name(name):
            raise ValueError(
                f"{name!r} cannot name a tenant: use 1 to 39 of a-z, 0-9 and -, no - at the start"
            )
        draft = types.Tenant(name=name, partition=0, org=org, created_ms=now_ms, policy=policy)
        where = [keys.META_EPOCH, keys.META_TENANTS, keys.META_PARTITIONS]
        reply = await self._lane.persist(
            "tenant_create", where, [self._epoch, name, _tenant_json(draft)]
        )
        if reply is None:
            raise types.TenantExists(f"there is a tenant named {name} already")
        return _tenant(reply)

    async def get(self, name: str) -> types.Tenant | None:
        found = await self._record(keys.META_TENANTS, name)
        return None if found is None else _tenant(found)

    async def list(self) -> list[types.Tenant]:
        """All tenants by name."""
        found = map(_tenant, await self._records(keys.META_TENANTS))
        return sorted(found, key=lambda tenant: tenant.name)

    async def set_disabled(self, name: str, *, disabled: bool) -> types.Tenant:
        """Raises `UnknownTenant`."""
        return await self._change(name, {"disabled": disabled})

    async def set_policy(self, name: str, policy: types.Policy) -> types.Tenant:
        """Raises `UnknownTenant`."""
        return await self._change(name, {"policy": policy})

    async def add_token(self, token: types.Token) -> bool:
        """Store a new token's record; False when the key id is taken by another."""
        return await self._put(keys.META_TOKENS, token.key_id, "", orjson.dumps(token).decode())

    async def token(self, key_id: str) -> types.Token | None:
        found = await self._record(keys.META_TOKENS, key_id)
        return None if found is None else _token(found)

    async def tokens(self, tenant: str | None = None) -> tuple[types.Token, ...]:
        """The tokens of one tenant or of all, oldest first, revoked ones too."""
        found = map(_token, await self._records(keys.META_TOKENS))
        mine = (token for token in found if tenant in {None, token.tenant})
        return tuple(sorted(mine, key=lambda token: (token.created_ms, token.key_id)))

    async def revoke_token(self, key_id: str, now_ms: int) -> types.Token:
        """Revoked for good; the first time stays. Raises `UnknownToken`."""
        return await self._change_token(key_id, revoked_ms=now_ms)

    async def expire_token(self, key_id: str, expires_ms: int) -> types.Token:
        """Let a token end at `expires_ms`, as a rotation does. Raises `UnknownToken`."""
        return await self._change_token(key_id, expires_ms=expires_ms)

    async def _change_token(
        self, key_id: str, *, revoked_ms: int | None = None, expires_ms: int | None = None
    ) -> types.Token:
        while True:
            before = await self._record(keys.META_TOKENS, key_id)
            if before is None:
                raise types.UnknownToken(f"there is no token with key id {key_id}")
            token = _token(before)
            token = replace(
                token,
                revoked_ms=token.revoked_ms or revoked_ms,
                expires_ms=token.expires_ms if expires_ms is None else expires_ms,
            )
            after = orjson.dumps(token).decode()
            if await self._put(keys.META_TOKENS, key_id, before, after):
                return token

    async def _change(self, name: str, changes: Mapping[str, object]) -> types.Tenant:
        """Compare-and-set until nobody else wrote in between."""
        while True:
            before = await self._record(keys.META_TENANTS, name)
            if before is None:
                raise types.UnknownTenant(f"there is no tenant named {name}")
            after = _tenant_json(_tenant(before), changes)
            if await self._put(keys.META_TENANTS, name, before, after):
                return _tenant(after)

    async def _record(self, where: str, field: str) -> str | None:
        found = await self._lane.persist(
            "record_get", [keys.META_EPOCH, where], [self._epoch, field]
        )
        return None if found is None else replies.text(found)

    async def _records(self, where: str) -> tuple[str, ...]:
        found = await self._lane.persist("record_get", [keys.META_EPOCH, where], [self._epoch])
        return tuple(replies.text(each) for each in replies.rows(found))

    async def _put(self, where: str, field: str, before: str, after: str) -> bool:
        """Replace a record that still reads `before` (empty: that does not exist)."""
        args = [self._epoch, field, before, after]
        found = await self._lane.persist("record_put", [keys.META_EPOCH, where], args)
        return replies.number(found) == 1


def _tenant_json(tenant: types.Tenant, changes: Mapping[str, object] | None = None) -> str:
    return orjson.dumps({**asdict(tenant), **(changes or {})}).decode()


def _tenant(text: object) -> types.Tenant:
    fields = orjson.loads(replies.text(text))
    return types.Tenant(**{**fields, "policy": types.Policy(fields["policy"])})


def _token(text: str) -> types.Token:
    return types.Token(**orjson.loads(text))
