"""`bldng-scim token`: the Secret Tokens of a tenant. Secrets are shown once and never stored."""

import asyncio
from typing import Annotated, Any

import typer

from clients.redis.types import Token
from gateway.cli import environment, moments, output, registry
from gateway.cli.output import DryRun, Format, Output, Yes
from gateway.cli.registry import Issued
from gateway.settings import Settings

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

TenantName = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's name.")]


@app.callback()
def token() -> None:
    """Issue, rotate and revoke the Secret Tokens of a tenant."""


@app.command()
def issue(
    tenant: TenantName,
    *,
    expires_in: Annotated[
        str, typer.Option(metavar="DURATION", help="Such as 365d; without it, never.")
    ] = "",
    form: Output = Format.TEXT,
) -> None:
    """Make one more token; the others stay as they are.

    Entra stops provisioning at once when its token expires, so most tokens should not.

    Example: bldng-scim token issue acme -o json
    """
    lifetime_ms = output.milliseconds(expires_in) if expires_in else None
    loaded = environment.configured("public_url")
    _show(asyncio.run(_issue(loaded, tenant, lifetime_ms)), loaded, form)


@app.command()
def rotate(
    tenant: TenantName,
    *,
    overlap: Annotated[
        str, typer.Option(metavar="DURATION", help="How long the old tokens live; 0 for a leak.")
    ] = "7d",
    dry_run: DryRun = False,
    yes: Yes = False,
    form: Output = Format.TEXT,
) -> None:
    """Make a new token and let the others end after the overlap.

    The default outlasts the daily retry of a quarantined job.

    Example: bldng-scim token rotate acme --overlap 7d -o json
    """
    overlap_ms = output.milliseconds(overlap)
    loaded = environment.configured("public_url")
    if dry_run:
        _announce(asyncio.run(_held(loaded, tenant)), overlap_ms)
        return
    if overlap_ms == 0:
        output.confirm(f"The tokens in use for {tenant} stop working now. Rotate?", yes=yes)
    issued = asyncio.run(_rotate(loaded, tenant, overlap_ms))
    _show(issued, loaded, form)


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="From `token list`: the 8 signs after bscim_.")],
    *,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """End a token at once and for good.

    Example: bldng-scim token revoke 0aB1cD2e --yes
    """
    loaded = environment.configured()
    found = asyncio.run(_token(loaded, key_id))
    if dry_run:
        output.talk(f"would revoke token {key_id} of {found.tenant}")
        return
    output.confirm(
        f"Requests of {found.tenant} with token {key_id} will fail. Revoke it?", yes=yes
    )
    asyncio.run(_revoke(loaded, key_id))
    output.talk(f"token {key_id} of {found.tenant} is revoked")


@app.command("list")
def list_(
    tenant: Annotated[str, typer.Argument(metavar="[TENANT]", help="Only this tenant's.")] = "",
    *,
    form: Output = Format.TEXT,
) -> None:
    """Print tokens without their secrets.

    Example: bldng-scim token list acme
    """
    loaded = environment.configured()
    now_ms = environment.now_ms()
    rows = [_row(each, now_ms=now_ms) for each in asyncio.run(_held(loaded, tenant))]
    output.table(rows, form, ("key_id", "tenant", "state", "created", "expires", "revoked"))


def _show(issued: Issued, loaded: Settings, form: Format) -> None:
    output.talk("Keep the token safe: it cannot be shown again.")
    row = {
        "tenant": issued.token.tenant,
        "tenant_url": registry.tenant_url(loaded.public_url or "", issued.token.tenant),
        "secret_token": issued.secret,
        "key_id": issued.token.key_id,
        "expires": moments.iso(issued.token.expires_ms),
    }
    output.record(row, form)


def _announce(held: tuple[Token, ...], overlap_ms: int) -> None:
    now_ms = environment.now_ms()
    for token_ in registry.superseded(held, now_ms=now_ms, overlap_ms=overlap_ms):
        output.talk(f"token {token_.key_id} would end at {moments.iso(token_.expires_ms)}")
    output.talk("a new token would be made")


async def _issue(loaded: Settings, tenant: str, lifetime_ms: int | None) -> Issued:
    now_ms = environment.now_ms()
    expires_ms = None if lifetime_ms is None else now_ms + lifetime_ms
    async with environment.tenants(loaded) as tenants:
        return await registry.issue(tenants, tenant, now_ms=now_ms, expires_ms=expires_ms)


async def _rotate(loaded: Settings, tenant: str, overlap_ms: int) -> Issued:
    now_ms = environment.now_ms()
    async with environment.tenants(loaded) as tenants:
        return await registry.rotate(tenants, tenant, now_ms=now_ms, overlap_ms=overlap_ms)


async def _held(loaded: Settings, tenant: str) -> tuple[Token, ...]:
    """The tokens of one tenant, or of all. Raises Failure: NOT_FOUND."""
    async with environment.tenants(loaded) as tenants:
        if tenant:
            await registry.get(tenants, tenant)
        return await tenants.tokens(tenant or None)


async def _token(loaded: Settings, key_id: str) -> Token:
    async with environment.tenants(loaded) as tenants:
        return await registry.token_of(tenants, key_id)


async def _revoke(loaded: Settings, key_id: str) -> None:
    async with environment.tenants(loaded) as tenants:
        await tenants.revoke_token(key_id, environment.now_ms())


def _row(each: Token, *, now_ms: int) -> dict[str, Any]:
    return {
        "key_id": each.key_id,
        "tenant": each.tenant,
        "state": _state(each, now_ms=now_ms),
        "created": moments.iso(each.created_ms),
        "expires": moments.iso(each.expires_ms),
        "revoked": moments.iso(each.revoked_ms),
    }


def _state(each: Token, *, now_ms: int) -> str:
    if registry.is_live(each, now_ms=now_ms):
        return "live"
    return "revoked" if each.revoked_ms is not None else "expired"
