"""`bldng-scim queue`: what waits for a human, why, and what puts it back to work."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from clients.redis import queue as work
from clients.redis.operations import PAGE
from clients.redis.stack import Stack
from clients.redis.types import Depths, Tenant
from clients.redis.views import Pause, Place, Stuck, Switches
from gateway.cli import environment, moments, output, registry
from gateway.cli.output import DryRun, ExitCode, Failure, Format, Output, Reason, Yes
from gateway.settings import Settings
from workers import cures

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

TenantName = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's name.")]
OnlyCause = Annotated[str, typer.Option("--cause", help="Only those with this cause.")]
Ids = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]...", help="SCIM ids or resource keys; none: all that match."),
]
OneTenant = Annotated[
    str, typer.Argument(metavar="[TENANT]", help="The tenant's name; none: all of them.")
]
COLUMNS = ("id", "state", "cause", "age", "failures", "what", "cure")
STATS = ("tenant", "ready", "delayed", "running", "parked", "held", "dead", "oldest", "why")


@app.callback()
def queue() -> None:
    """Show what waits and why, and put it back to work."""


@app.command()
def stats(*, form: Output = Format.TEXT) -> None:
    """Print how much waits in each tenant, by state, the oldest age, and why a tenant rests.

    Example: bldng-scim queue stats -o json
    """
    output.table(asyncio.run(_stats(environment.configured())), form, STATS)


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
    ids: Ids = None,
    *,
    cause: OnlyCause = "",
    reason: Reason = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Try the dead again, their failures forgotten. Repeating it is harmless.

    Example: bldng-scim queue retry acme --cause conflict --yes
    """
    wanted = _Wanted(tenant, Place.DEAD, cause, frozenset(ids or ()))
    _replay(wanted, reason, "retry", dry_run=dry_run, yes=yes)


@app.command()
def release(
    tenant: TenantName,
    ids: Ids = None,
    *,
    reason: Reason = "",
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Let BLDNG follow for the people that the mass-change guard holds.

    Example: bldng-scim queue release acme --reason "merger, confirmed by phone"
    """
    wanted = _Wanted(tenant, Place.HELD, ids=frozenset(ids or ()))
    _replay(wanted, reason, "release", dry_run=dry_run, yes=yes)


@app.command()
def show(
    tenant: TenantName,
    id_: Annotated[str, typer.Argument(metavar="ID", help="SCIM id or resource key.")],
    *,
    form: Output = Format.TEXT,
) -> None:
    """Print where one resource stands: waiting since when, why, and what to do.

    Example: bldng-scim queue show acme 2819c223-7f76-453a-919d-413861904646
    """
    output.record(asyncio.run(_show(environment.configured(), tenant, id_)), form)


@app.command()
def pause(
    tenant: OneTenant = "", *, reason: Reason = "", dry_run: DryRun = False, yes: Yes = False
) -> None:
    """Send BLDNG nothing of a tenant, or of all. SCIM is answered as before; nothing is lost.

    Example: bldng-scim queue pause acme --reason "BLDNG restores a backup"
    """
    if not reason:
        raise Failure(ExitCode.USAGE, "--reason is needed: whoever comes next must know why")
    if dry_run:
        output.talk(f"would pause {tenant or 'every tenant'}")
        return
    output.confirm(f"Stop sending BLDNG anything of {tenant or 'every tenant'}?", yes=yes)
    asyncio.run(_switch(environment.configured(), tenant, reason, paused=True))
    output.talk(f"{tenant or 'every tenant'} is paused; resume with `bldng-scim queue resume`")


@app.command()
def resume(tenant: OneTenant = "", *, reason: Reason = "", dry_run: DryRun = False) -> None:
    """End a pause. Of one tenant also its rest and its breaker: it is tried at once.

    Example: bldng-scim queue resume acme
    """
    if dry_run:
        output.talk(f"would resume {tenant or 'the fleet'}")
        return
    asyncio.run(_switch(environment.configured(), tenant, reason, paused=False))
    output.talk(f"{tenant or 'the fleet'} is resumed")


@app.command()
def audit(
    tenant: OneTenant = "",
    *,
    repair: Annotated[bool, typer.Option("--repair", help="Rebuild what contradicts.")] = False,
    form: Output = Format.TEXT,
) -> None:
    """Compare the queue with the states of the resources. Exit 3 when they contradict.

    A healthy installation never does. It walks a tenant in one step: for quiet hours when large.

    Example: bldng-scim queue audit acme --repair
    """
    rows = asyncio.run(_audit(environment.configured(), tenant, repair=repair))
    output.table(rows, form, ("tenant", "contradiction"))
    if rows and not repair:
        output.talk("mend it with --repair")
        output.end(ExitCode.CHECK_FAILED)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which resources: of a tenant, in a place, with a cause, by id (empty: any)."""

    tenant: str
    place: Place
    cause: str = ""
    ids: frozenset[str] = frozenset()

    def has(self, found: Stuck) -> bool:
        named = not self.ids or bool(self.ids & {found.rk, found.rk[2:]})
        return named and self.cause in {"", found.cause}


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


async def _stats(loaded: Settings) -> list[dict[str, Any]]:
    async with environment.redis(loaded) as redis:
        depths = await redis.queue.depths(redis.partitions)
        rows = []
        for tenant in await redis.tenants.list():
            switches = await redis.operations.switches(tenant)
            rows.append(_depths(tenant.name, depths.get(tenant.name, Depths()), _why(switches)))
    return [*rows, _depths("(all)", work.total(depths.values()), "")]


def _depths(name: str, each: Depths, why: str) -> dict[str, Any]:
    return {
        "tenant": name,
        "ready": each.ready,
        "delayed": each.delayed,
        "running": each.running,
        "parked": each.parked,
        "held": each.held,
        "dead": each.dead,
        "oldest": moments.duration(each.oldest_unsynced_ms),
        "oldest_ms": each.oldest_unsynced_ms,
        "why": why,
    }


def _why(switches: Switches) -> str:
    """Why a tenant is not served as usual; empty when it is."""
    said = []
    for whose, found in (("paused", switches.pause), ("fleet paused", switches.fleet_pause)):
        if found:
            said.append(_paused(whose, found))
    if switches.hold_ms:
        said.append(f"rests until {moments.iso(switches.hold_ms)}: {switches.hold_reason}")
    if switches.breaker != "closed":
        said.append(f"breaker {switches.breaker}")
    return "; ".join(said)


def _paused(whose: str, found: Pause) -> str:
    return f"{whose} since {moments.iso(found.since_ms)} by {found.who or '?'}: {found.reason}"


async def _show(loaded: Settings, name: str, id_: str) -> dict[str, Any]:
    async with environment.redis(loaded) as redis:
        tenant = await registry.get(redis.tenants, name)
        for rk in (id_, f"u:{id_}", f"g:{id_}"):
            state = await redis.queue.state(tenant, rk)
            if state is None:
                continue
            for place in Place:
                async for each in _all(redis, tenant, place):
                    if each.rk == rk:
                        return _row(each, name)
            word = "running" if state.state == "L" else "synced"
            told = {"version": state.version, "backend_id": state.backend_id}
            return {"tenant": name, "id": rk, "state": word, **told}
    raise Failure(ExitCode.NOT_FOUND, f"{name} has no resource {id_}; ids are SCIM ids")


async def _switch(loaded: Settings, name: str, reason: str, *, paused: bool) -> None:
    who = environment.operator()
    async with environment.redis(loaded) as redis:
        if not name:
            act = redis.operations.pause_fleet if paused else redis.operations.resume_fleet
            await act(redis.partitions, reason, who=who)
            return
        tenant = await registry.get(redis.tenants, name)
        await (redis.queue.pause if paused else redis.queue.resume)(tenant, reason, who=who)


async def _audit(loaded: Settings, name: str, *, repair: bool) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    async with environment.redis(loaded) as redis:
        chosen = [await registry.get(redis.tenants, name)] if name else await redis.tenants.list()
        for tenant in chosen:
            said = await redis.queue.audit(tenant, repair=repair)
            rows += [{"tenant": tenant.name, "contradiction": line} for line in said]
    return rows


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
