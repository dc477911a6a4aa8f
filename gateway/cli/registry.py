"""What the commands do with tenants and tokens; the commands themselves only ask and print."""

import secrets
from dataclasses import dataclass, replace
from typing import Final

from clients.redis import types
from clients.redis.tenants import Tenants
from clients.redis.types import Policy, Tenant, Token
from gateway import tokens
from gateway.cli.output import ExitCode, Failure

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token: the record, and the secret that is shown this once."""

    token: Token
    secret: str


def tenant_url(public_url: str, name: str) -> str:
    """What the customer's administrator pastes into Entra as Tenant URL."""
    return f"{public_url}/scim/v2/{name}"


async def create(tenants: Tenants, name: str, *, org: str, policy: Policy, now_ms: int) -> Issued:
    """A new tenant and its first token, which does not expire.

    Raises:
        Failure: CONFLICT when there is one of that name, USAGE when the name cannot be one.
    """
    try:
        await tenants.create(name, org=org, policy=policy, now_ms=now_ms)
    except types.TenantExists as error:
        raise Failure(ExitCode.CONFLICT, f"{error}; see `tenant show`, `token issue`") from None
    except ValueError as error:
        raise Failure(ExitCode.USAGE, str(error)) from None
    return await issue(tenants, name, now_ms=now_ms)


async def get(tenants: Tenants, name: str) -> Tenant:
    """Raises Failure: NOT_FOUND."""
    tenant = await tenants.get(name)
    if tenant is None:
        raise Failure(ExitCode.NOT_FOUND, f"there is no tenant named {name}; see `tenant list`")
    return tenant


async def issue(
    tenants: Tenants, name: str, *, now_ms: int, expires_ms: int | None = None
) -> Issued:
    """One more token for a tenant. Raises Failure: NOT_FOUND."""
    await get(tenants, name)
    while True:
        secret = tokens.make(secrets.token_bytes(tokens.ENTROPY_BYTES))
        token = Token(
            key_id=secret.key_id,
            tenant=name,
            digest=secret.digest,
            created_ms=now_ms,
            expires_ms=expires_ms,
        )
        if await tenants.add_token(token):
            return Issued(token, secret.text)


def superseded(held: tuple[Token, ...], *, now_ms: int, overlap_ms: int) -> list[Token]:
    """The live tokens as a rotation leaves them: none outlives the overlap or its own end."""
    until_ms = now_ms + overlap_ms
    return [
        replace(token, expires_ms=min(until_ms, token.expires_ms or until_ms))
        for token in held
        if is_live(token, now_ms=now_ms)
    ]


def is_live(token: Token, *, now_ms: int) -> bool:
    """Whether the token opens its tenant now."""
    ended = token.expires_ms is not None and token.expires_ms <= now_ms
    return token.revoked_ms is None and not ended


async def rotate(tenants: Tenants, name: str, *, now_ms: int, overlap_ms: int) -> Issued:
    """A new token; the earlier ones end after the overlap. Raises Failure: NOT_FOUND."""
    held = await tenants.tokens(name)
    issued = await issue(tenants, name, now_ms=now_ms)
    for token in superseded(held, now_ms=now_ms, overlap_ms=overlap_ms):
        await tenants.expire_token(token.key_id, token.expires_ms or now_ms)
    return issued


async def token_of(tenants: Tenants, key_id: str) -> Token:
    """Raises Failure: NOT_FOUND."""
    token = await tenants.token(key_id)
    if token is None:
        raise Failure(ExitCode.NOT_FOUND, f"there is no token {key_id}; see `token list`")
    return token
