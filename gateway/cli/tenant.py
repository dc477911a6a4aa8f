"""`bldng-scim tenant`: the customers of this gateway."""

import asyncio
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from clients.redis.types import Guard, Policy, Tenant
from gateway.cli import environment, moments, output, registry
from gateway.cli.output import DryRun, ExitCode, Failure, Format, Output, Reason, Yes
from gateway.settings import Settings

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The tenant's name, as in its Tenant URL.")]


@app.callback()
def tenant() -> None:
    """Create, list and disable tenants."""


@app.command()
def create(
    name: Name,
    *,
    org: Annotated[str, typer.Option(help="The customer's organisation at BLDNG.")],
    policy: Annotated[
        Policy, typer.Option(help="What to do with people who are at BLDNG already.")
    ] = Policy.LINK,
    dry_run: DryRun = False,
    form: Output = Format.TEXT,
) -> None:
    """Make a tenant and print what its administrator needs. The token is shown this once.

    Example: bldng-scim tenant create acme --org acme-prod -o json
    """
    loaded = environment.configured("public_url")
    url = registry.tenant_url(loaded.public_url or "", name)
    if dry_run:
        output.talk(f"would create tenant {name} for organisation {org} ({policy}) at {url}")
        return
    secret = asyncio.run(_create(loaded, name, org=org, policy=policy))
    output.talk("Keep the token safe: it cannot be shown again.")
    output.record({"tenant": name, "tenant_url": url, "secret_token": secret}, form)


@app.command("list")
def list_(*, form: Output = Format.TEXT) -> None:
    """Print every tenant.

    Example: bldng-scim tenant list -o jsonl
    """
    loaded = environment.configured()
    rows = [_row(each, loaded) for each in asyncio.run(_list(loaded))]
    output.table(rows, form, ("tenant", "org", "policy", "disabled", "created"))


@app.command()
def show(name: Name, *, form: Output = Format.TEXT) -> None:
    """Print one tenant and its tokens, without their secrets.

    Example: bldng-scim tenant show acme
    """
    loaded = environment.configured()
    output.record(asyncio.run(_show(loaded, name)), form)


@app.command()
def disable(name: Name, *, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Refuse every request of a tenant from now on. What it stored stays.

    Example: bldng-scim tenant disable acme --yes
    """
    if not dry_run:
        output.confirm(f"Entra will quarantine {name}'s provisioning. Disable it?", yes=yes)
    _switch(name, disabled=True, dry_run=dry_run)


@app.command()
def enable(name: Name, *, dry_run: DryRun = False) -> None:
    """Answer a tenant's requests again.

    Example: bldng-scim tenant enable acme
    """
    _switch(name, disabled=False, dry_run=dry_run)


@app.command()
def guard(
    name: Name,
    *,
    limit: Annotated[
        int | None, typer.Option(min=0, help="People who may leave in a window; 0: no guard.")
    ] = None,
    window: Annotated[
        str, typer.Option(metavar="DURATION", help="Such as 1h; without it the one in force.")
    ] = "",
    reason: Reason = "",
    dry_run: DryRun = False,
    form: Output = Format.TEXT,
) -> None:
    """Print or set the mass-change guard: who leaves beyond the limit is held for a human.

    Example: bldng-scim tenant guard acme --limit 500 --window 1h
    """
    window_ms = output.milliseconds(window) if window else None
    if window_ms == 0:
        raise Failure(ExitCode.USAGE, "--window 0 is no window; --limit 0 switches the guard off")
    loaded = environment.configured()
    wanted = _Wanted(limit, window_ms, reason, dry_run=dry_run)
    row = asyncio.run(_guard(loaded, name, wanted))
    output.record({"tenant": name, **row}, form)


def _switch(name: str, *, disabled: bool, dry_run: bool) -> None:
    word = "disabled" if disabled else "enabled"
    loaded = environment.configured()
    before = asyncio.run(_set_disabled(loaded, name, disabled=None if dry_run else disabled))
    if before.disabled is disabled:
        output.talk(f"{name} is {word} already")
    else:
        output.talk(f"{name} {'would be' if dry_run else 'is now'} {word}")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """How the guard is to be; what is None stays."""

    limit: int | None
    window_ms: int | None
    reason: str
    dry_run: bool

    def of(self, guard: Guard) -> Guard:
        return Guard(
            guard.limit if self.limit is None else self.limit, self.window_ms or guard.window_ms
        )


async def _guard(loaded: Settings, name: str, wanted: _Wanted) -> dict[str, Any]:
    async with environment.redis(loaded) as redis:
        found = await registry.get(redis.tenants, name)
        switches = await redis.operations.switches(found)
        guard = wanted.of(switches.guard)
        if guard != switches.guard and not wanted.dry_run:
            who = environment.operator()
            await redis.queue.set_guard(found, guard, wanted.reason, who=who)
    if wanted.dry_run:
        output.talk(f"would let {guard.limit} people leave in {moments.duration(guard.window_ms)}")
        guard = switches.guard
    window = moments.duration(guard.window_ms)
    return {"limit": guard.limit, "window": window, "held": switches.held}


async def _create(loaded: Settings, name: str, *, org: str, policy: Policy) -> str:
    async with environment.tenants(loaded, install=True) as tenants:
        issued = await registry.create(
            tenants, name, org=org, policy=policy, now_ms=environment.now_ms()
        )
        return issued.secret


async def _list(loaded: Settings) -> list[Tenant]:
    async with environment.tenants(loaded) as tenants:
        return await tenants.list()


async def _show(loaded: Settings, name: str) -> dict[str, Any]:
    async with environment.tenants(loaded) as tenants:
        found = await registry.get(tenants, name)
        held = await tenants.tokens(name)
    now_ms = environment.now_ms()
    live = [token.key_id for token in held if registry.is_live(token, now_ms=now_ms)]
    return {**_row(found, loaded), "live_tokens": live}


async def _set_disabled(loaded: Settings, name: str, *, disabled: bool | None) -> Tenant:
    """The tenant as it was before; None changes nothing."""
    async with environment.tenants(loaded) as tenants:
        before = await registry.get(tenants, name)
        if disabled is not None:
            await tenants.set_disabled(name, disabled=disabled)
        return before


def _row(each: Tenant, loaded: Settings) -> dict[str, Any]:
    fields = asdict(each)
    url = registry.tenant_url(loaded.public_url, each.name) if loaded.public_url else None
    return {
        "tenant": fields.pop("name"),
        "tenant_url": url,
        "created": moments.iso(fields.pop("created_ms")),
        **fields,
    }
