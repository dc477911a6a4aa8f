"""`bldng-scim queue`: what waits for a human, why, and what puts it back to work."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from clients.redis.operations import PAGE
from clients.redis.stack import Stack
from clients.redis.types import Tenant
from clients.redis.views import Place, Stuck
from gateway.cli import environment, moments, output, registry
from gateway.cli.output import DryRun, Format, Output, Reason, Yes
from gateway.settings import Settings
from workers import cures

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

TenantName = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's name.")]
OnlyCause = Annotated[str, typer.Option("--cause", help="Only those with this cause.")]
COLUMNS = ("id", "state", "cause", "age", "failures", "what", "cure")


@app.callback()
def queue() -> None:
    """Show what waits for a human, and put it back to work."""


@app.command("list")
def list_(
    tenant: TenantName,
    *,
    state: Annotated[Place, typer.Option(help="Where to look: q, dead or held.")] = Place.DEAD,
    cause: OnlyCause = "",
    limit: Annotated[int, typer.Option(min=1, help="Rows at most.")] = 100,
    form: Output = Format.TEXT,
) -> None:
    """Print what waits, with its reason, its age and its cure. No personal values.

    Example: bldng-scim queue list acme --state dead --cause conflict
    """
    loaded = environment.configured()
    found = asyncio.run(_list(loaded, _Wanted(tenant, state, cause), limit))
    output.table([_row(each, tenant) for each in found], form, COLUMNS)


@app.command()
def retry(
    tenant: TenantName,
    *,
    cause: OnlyCause = "",
    reason: Reason = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Try the dead again, their failures forgotten. Repeating it is harmless.

    Example: bldng-scim queue retry acme --cause conflict --yes
    """
    _replay(_Wanted(tenant, Place.DEAD, cause), reason, "retry", dry_run=dry_run, yes=yes)


@app.command()
def release(
    tenant: TenantName, *, reason: Reason = "", dry_run: DryRun = False, yes: Yes = False
) -> None:
    """Let BLDNG follow for the people that the mass-change guard holds.

    Example: bldng-scim queue release acme --reason "merger, confirmed by phone"
    """
    _replay(_Wanted(tenant, Place.HELD), reason, "release", dry_run=dry_run, yes=yes)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which resources: of a tenant, in a place, with a cause (empty: any)."""

    tenant: str
    place: Place
    cause: str = ""

    def has(self, found: Stuck) -> bool:
        return self.cause in {"", found.cause}


def _replay(wanted: _Wanted, reason: str, verb: str, *, dry_run: bool, yes: bool) -> None:
    """Ask, having counted; then act by id, so that nobody is included who came later."""
    loaded = environment.configured()
    found = [each.rk for each in asyncio.run(_list(loaded, wanted))]
    what = f"{len(found)} {wanted.place.value} of {wanted.tenant}"
    if dry_run or not found:
        output.talk(f"would {verb} {what}" if found else f"nothing to {verb}: {what}")
        return
    output.confirm(f"{verb.capitalize()} {what}?", yes=yes)
    done = asyncio.run(_act(loaded, wanted, found, reason))
    output.talk(f"put back to work: {done} of {what}")


async def _list(loaded: Settings, wanted: _Wanted, limit: int | None = None) -> list[Stuck]:
    async with environment.redis(loaded) as redis:
        tenant = await registry.get(redis.tenants, wanted.tenant)
        found: list[Stuck] = []
        async for each in _all(redis, tenant, wanted.place):
            if wanted.has(each):
                found.append(each)
            if len(found) == limit:
                break
        return found


async def _all(redis: Stack, tenant: Tenant, place: Place) -> AsyncIterator[Stuck]:
    """Everything in a place, each once; what comes or goes meanwhile may be missed."""
    skip, seen = 0, set[str]()
    while page := await redis.operations.page(tenant, place, skip):
        for each in page:
            if each.rk not in seen:
                seen.add(each.rk)
                yield each
        skip += len(page)


async def _act(loaded: Settings, wanted: _Wanted, rks: list[str], reason: str) -> int:
    states, who, done = "H" if wanted.place is Place.HELD else "D", environment.operator(), 0
    async with environment.redis(loaded) as redis:
        tenant = await registry.get(redis.tenants, wanted.tenant)
        for start in range(0, len(rks), PAGE):
            chunk = rks[start : start + PAGE]
            done += await redis.queue.replay(tenant, chunk, states=states, who=who, reason=reason)
    return done


def _row(found: Stuck, tenant: str) -> dict[str, Any]:
    cause = "held" if found.state == "H" else found.cause
    cure = (
        cures.of("blocked" if found.state == "W" else cause) if cause or found.waits_for else None
    )
    return {
        "tenant": tenant,
        "id": found.rk,
        "state": found.state,
        "cause": cause,
        "text": found.text,
        "age": moments.duration(found.age_ms),
        "age_ms": found.age_ms,
        "at": moments.iso(found.at_ms),
        "failures": found.failures,
        "crashes": found.crashes,
        "deleted": found.deleted,
        "backend_id": found.backend_id,
        "waits_for": found.waits_for,
        "what": cure.what if cure else "",
        "cure": cure.do.replace("TENANT", tenant) if cure else "",
    }
