"""`bldng-scim check`: is it all right, and if not, why and what to do. Exit 3 when it is not."""

import asyncio
import contextlib
import secrets
from typing import Annotated, Any, Final, NoReturn

import typer

from clients.bldng import client as bldng_client
from clients.bldng.errors import BldngError, NotSent
from clients.redis import connection, installation
from clients.redis.durability import Durability
from clients.redis.health import Health
from clients.redis.server import Server
from clients.redis.types import ForeignRedis
from gateway import settings
from gateway.cli import diagnosis, environment, output, profiles
from gateway.cli.diagnosis import Finding, Level
from gateway.cli.output import ExitCode, Failure, Format, Output
from gateway.cli.simulation import cycle, transport
from gateway.settings import Settings

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

Row = dict[str, Any]

PROBES: Final = {
    "users": "/Users?" + transport.matching("userName", cycle.NOBODY),
    "groups": (
        "/Groups?excludedAttributes=members&" + transport.matching("displayName", cycle.NOBODY)
    ),
}
"""What Test Connection asks for; `groups` when the application has groups."""


NOT_INSTALLED: Final[Row] = {
    "probe": "installation",
    "level": Level.WARN,
    "name": "not_installed",
    "cause": "it does not hold our installation",
    "cure": "if it is new, `bldng-scim tenant create`; if not, its data is lost: restore it",
}


@app.callback()
def check() -> None:
    """Say whether settings, Redis, BLDNG or a Tenant URL are all right."""


@app.command()
def config(*, form: Output = Format.TEXT) -> None:
    """Read settings and mapping profiles as `serve` and `work` would; say what is wrong.

    Example: bldng-scim check config
    """
    try:
        loaded = settings.load()
    except settings.SettingsError as error:
        _finish([{"level": "fail", "cause": line} for line in error.lines], form)
    try:
        profiles.load(loaded.profile_dir)
    except Failure as failure:
        _finish([{"level": "fail", "cause": line} for line in str(failure).splitlines()], form)
    output.record(_shown(loaded), form)
    output.talk("the settings are valid")


@app.command()
def redis(*, form: Output = Format.TEXT) -> None:
    """Connect to Redis and make sure that it neither evicts nor forgets.

    Example: bldng-scim check redis
    """
    _finish(asyncio.run(_check_redis(environment.configured())), form)


@app.command()
def backend(
    *,
    org: Annotated[str, typer.Option(help="Also list one user of this organisation.")] = "",
    form: Output = Format.TEXT,
) -> None:
    """Ask BLDNG how it is, and with --org whether it takes our token.

    Example: bldng-scim check backend --org acme
    """
    loaded = environment.configured("backend_url", "backend_token")
    asyncio.run(_check_backend(loaded, org))
    said = f"BLDNG is well and takes our token for {org}" if org else "BLDNG is well"
    _finish([_fine("backend", said)], form)


@app.command()
def endpoint(
    *,
    url: Annotated[str, typer.Option(help="The Tenant URL, as it stands in Entra.")],
    token: Annotated[str, typer.Option(envvar="SCIM_TOKEN", help="The Secret Token.")],
    form: Output = Format.TEXT,
) -> None:
    """Do what Test Connection does; say what Entra will show, why, and what to do.

    Example: bldng-scim check endpoint --url https://scim.example.com/scim/v2/acme
    """
    rows = [_row("address", finding) for finding in diagnosis.address(url, token)]
    if not any(row["name"] == "not_a_url" for row in rows):
        rows.extend(asyncio.run(_probe(url, token)))
    _finish(rows, form)


async def _check_redis(loaded: Settings) -> list[Row]:
    client = connection.connect(loaded.redis_server())
    async with contextlib.aclosing(client):
        health = Health(client, ack=loaded.ack, allow_unsafe=loaded.allow_unsafe_redis)
        kept = _kept(await health.probe())
        safe = _fine("redis", "Redis answers, persists, and does not evict")
        rows = [safe, await _topology(client, loaded.redis_server()), kept]
        try:
            epoch = await installation.open_installation(client)
        except ForeignRedis as error:
            return [*rows, NOT_INSTALLED | {"detail": str(error)}]
        number = await installation.schema_of(client)
    said = f"it holds our installation {epoch}, schema {number}"
    return [*rows, _fine("installation", said)]


async def _topology(client: connection.Client, server: Server) -> Row:
    """What stands there: kind, masters with their versions, other nodes, TLS."""
    found = {at: _version(info) for at, info in (await connection.masters(client)).items()}
    others = sorted(set(connection.nodes(client)) - found.keys())
    tls = "TLS" if server.tls else "no TLS"
    said = ", ".join(f"{at} ({version})" for at, version in found.items())
    cause = f"{server.topology}, {tls}; master {said}"
    if others:
        cause += f"; replica {', '.join(others)}"
    facts = {"topology": server.topology, "tls": server.tls is not None}
    return _fine("topology", cause) | facts | {"masters": found, "replicas": others}


def _version(info: connection.Info) -> str:
    valkey = info.get("valkey_version")
    return f"Valkey {valkey}" if valkey else f"Redis {info['redis_version']}"


def _kept(durability: Durability) -> Row:
    """What an acknowledgement means; a warning has its own cure."""
    said = f"acknowledged ({durability.ack}) means kept by {durability.kept_by};"
    row = _fine("durability", f"{said} may lose {durability.may_lose}")
    if durability.warning:
        row |= {"level": Level.WARN, "name": "lone_replica", "cause": durability.warning}
        row["cure"] = "connect a second replica"
    return {**row, **durability.facts()}


async def _check_backend(loaded: Settings, org: str) -> None:
    """Raises Failure: UNREACHABLE when nothing was sent, else CHECK_FAILED."""
    token = loaded.backend_token
    try:
        async with bldng_client.connect(
            base_url=loaded.backend_url or "", token=token.get_secret_value() if token else ""
        ) as client:
            await client.health()
            if org:
                await client.users.page(org, request_id=secrets.token_hex(16), limit=1)
    except NotSent as error:
        raise Failure(ExitCode.UNREACHABLE, f"{loaded.backend_url}: {error}") from None
    except BldngError as error:
        raise Failure(ExitCode.CHECK_FAILED, f"{loaded.backend_url}: {error}") from None


async def _probe(url: str, token: str) -> list[Row]:
    """One finding per probe; the second is skipped when the first already failed."""
    rows = []
    async with transport.connect(url, token.strip()) as endpoint:
        for name, path in PROBES.items():
            answer = await endpoint.call("GET", path)
            finding = diagnosis.judge(answer)
            rows.append(_row(name, finding) | {"status": answer.status, "detail": answer.detail})
            if finding.level is Level.FAIL:
                break
    return rows


def _row(probe: str, finding: Finding) -> Row:
    return {
        "probe": probe,
        "level": finding.level,
        "name": finding.name,
        "entra_shows": finding.entra_shows,
        "cause": finding.cause,
        "cure": finding.cure,
    }


def _fine(probe: str, cause: str) -> Row:
    return {"probe": probe, "level": Level.OK, "name": "ok", "cause": cause}


def _shown(loaded: Settings) -> Row:
    """The settings as text; pydantic shows secrets as asterisks."""
    return {name: str(value) for name, value in loaded if value is not None}


def _finish(rows: list[Row], form: Format) -> NoReturn:
    """Print the findings and end with 0 or 3."""
    if form is Format.TEXT:
        for row in rows:
            print(_sentence(row))
    else:
        output.table(rows, form, ())
    failed = any(row["level"] == Level.FAIL for row in rows)
    output.end(ExitCode.CHECK_FAILED if failed else ExitCode.OK)


def _sentence(row: Row) -> str:
    parts = [f"{row['level'].upper():<4}  {row.get('probe', '')}: {row['cause']}"]
    if row["level"] != Level.OK and "cure" in row:
        if "entra_shows" in row:
            parts.append(f"      Entra shows: {row['entra_shows']}")
        parts.append(f"      cure: {row['cure']}")
    return "\n".join(parts)
