"""`bldng-scim serve`, `work` and `sandbox`: the long-running processes."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from clients import telemetry
from clients.bldng.sandbox import app as sandbox_app
from gateway import app as gateway_app
from gateway import place
from gateway.cli import environment, output, process, work_process
from gateway.cli.fleet import member, parent
from gateway.cli.output import ExitCode, Failure
from gateway.place import Place
from gateway.settings import Address, ListenAddress

app = typer.Typer(rich_markup_mode=None)


@app.callback()
def processes() -> None:
    """The long-running processes."""


@app.command()
def serve(
    *,
    processes: Annotated[
        int,
        typer.Option(min=1, max=64, help="How many processes share the SCIM address."),
    ] = 1,
    place_: Annotated[str, typer.Option("--place", hidden=True)] = "",
) -> None:
    """Run the gateway: SCIM in, Redis out. Settings come from the environment.

    SIGTERM drains it: /readyz turns 503, answers end their connections, requests in hand are
    finished. With --processes N a parent keeps N of them running, and SIGHUP replaces one after
    the other without losing a request. The operators' listener of process i (from 0) is on the
    port of BLDNG_SCIM_OPS_LISTEN plus i: scrape them all.

    Example: BLDNG_SCIM_PUBLIC_URL=https://scim.example.com bldng-scim serve --processes 2
    """
    loaded = environment.configured("public_url")
    log = telemetry.configure(loaded.log_level, sys.stdout.buffer)
    if place_:
        inherited = member.Inherited.read(place_)
        process.run_led(lambda stop: member.run(loaded, inherited, stop, log=log))
        return
    scim = place.passed(os.environ, os.getpid())
    if processes > 1:
        parent.run(loaded, processes, scim=scim, log=log)
        return
    process.run(lambda stop: gateway_app.serve(loaded, stop, log=log, at=Place(scim=scim)))


@app.command()
def work() -> None:
    """Run a worker: Redis in, BLDNG out. Settings come from the environment.

    SIGTERM lets sync attempts in hand finish and gives the others back.

    Example: BLDNG_SCIM_BACKEND_URL=https://dashboard.example.com/internal/v1 bldng-scim work
    """
    loaded = environment.configured("backend_url", "backend_token")
    log = telemetry.configure(loaded.log_level, sys.stdout.buffer)
    process.run(lambda stop: work_process.work(loaded, stop, log=log))


@app.command()
def sandbox(
    *,
    listen: Annotated[str, typer.Option(help="host:port; port 0 takes a free one.")] = (
        "127.0.0.1:8090"
    ),
    token: Annotated[
        str, typer.Option(envvar="BLDNG_SANDBOX_TOKEN", help="The service token it wants.")
    ] = "",
    token_file: Annotated[
        Path | None, typer.Option(help="Read the token from this file instead.")
    ] = None,
    state_file: Annotated[Path | None, typer.Option(help="Survive restarts in this file.")] = None,
) -> None:
    """Run the simulated BLDNG dashboard. Keep it off any network you do not own.

    Example: bldng-scim sandbox --token trial --state-file sandbox.json
    """
    address = _address(listen)
    wanted = _token(token, token_file)

    async def run(stop: asyncio.Event) -> None:
        await sandbox_app.run(
            host=address.host,
            port=address.port,
            token=wanted,
            stop=stop,
            state_file=state_file,
            started=lambda base_url: output.talk(f"sandbox at {base_url}"),
        )

    process.run(run)


def _address(text: str) -> Address:
    try:
        return TypeAdapter(ListenAddress).validate_python(text)
    except ValidationError:
        raise Failure(ExitCode.USAGE, f"--listen {text} is not host:port") from None


def _token(token: str, token_file: Path | None) -> str:
    """The token from one of its two sources. Raises Failure: USAGE."""
    if bool(token) == (token_file is not None):
        raise Failure(ExitCode.USAGE, "give either --token or --token-file")
    try:
        return token or (token_file or Path()).read_text().removesuffix("\n")
    except OSError as error:
        raise Failure(ExitCode.USAGE, f"--token-file: {error}") from None
