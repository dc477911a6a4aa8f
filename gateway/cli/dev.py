"""`bldng-scim dev`: everything on this machine, and a short Entra cycle against it."""

import asyncio
import secrets
import signal
from pathlib import Path
from typing import Annotated, Final

import typer

from gateway.cli import output, progress
from gateway.cli.local import child, demo, stack, watch
from gateway.cli.local.stack import Stack
from gateway.cli.local.watch import Arrived
from gateway.cli.output import ExitCode
from gateway.cli.simulation import play, report
from gateway.cli.simulation.groups import Scale
from gateway.cli.simulation.play import Plan, Played

app = typer.Typer(rich_markup_mode=None)

DATA: Final = Path(".dev")
GROUPS: Final = Scale(groups=3, members=10, churn=0.2)
"""The groups of the demo cycle."""


@app.command()
def dev(
    *,
    data: Annotated[Path, typer.Option(help="Folder for data and logs; survives restarts.")] = (
        DATA
    ),
    users: Annotated[int, typer.Option(min=1, help="People in the demo cycle.")] = 25,
    once: Annotated[bool, typer.Option("--once", help="End after the cycle.")] = False,
) -> None:
    """Start Redis, the simulated BLDNG, a gateway and a worker; play an Entra cycle; stay up.

    With --once the exit code is 0 when everything reached BLDNG, 3 when not, 1 when interrupted.

    Example: bldng-scim dev --data /tmp/trial
    """
    try:
        with demo.owned(data):
            ok = asyncio.run(_dev(data, users=users, once=once))
    except (KeyboardInterrupt, asyncio.CancelledError):
        output.talk("stopped")
        output.end(ExitCode.ERROR if once else ExitCode.OK)
    output.end(ExitCode.OK if ok else ExitCode.CHECK_FAILED)


async def _dev(folder: Path, *, users: int, once: bool) -> bool:
    """Whether the cycle went well; cancelled by Ctrl-C, SIGTERM and a closed terminal."""
    _cancel_on_signals(asyncio.current_task())
    output.talk(f"starting; logs are in {folder / 'log'}")
    async with stack.running(folder) as up:
        _announce(up)
        ok = await child.while_alive(up.children, _cycle(up, users=users))
        if not once:
            output.talk("Everything stays up until Ctrl-C.")
            await child.while_alive(up.children, asyncio.Event().wait())
        return ok


def _cancel_on_signals(task: asyncio.Task[bool] | None) -> None:
    """The first signal stops everything in order; further ones do not disturb that."""
    loop = asyncio.get_running_loop()
    signalled = asyncio.Event()

    def stop() -> None:
        if task is not None and not signalled.is_set():
            signalled.set()
            task.cancel()

    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(each, stop)


async def _cycle(up: Stack, *, users: int) -> bool:
    """Play an Entra cycle, wait for BLDNG, print the table. The people are new each time."""
    seed = secrets.randbelow(1_000_000)
    plan = Plan(up.tenant_url, up.token, seed=seed, users=users, scale=GROUPS)
    with progress.bar() as advance:
        played = await play.play(plan, advance)
        arrived = await watch.until_arrived(up.addresses.sandbox, demo.ORG, played, advance)
    print(_table(played, arrived), flush=True)
    return played.report.ok and arrived.complete


def _announce(up: Stack) -> None:
    where = up.addresses
    rows = {
        "Tenant URL": up.tenant_url,
        "Secret Token": up.token,
        "gateway, for operators": f"{where.ops}/metrics /livez /readyz",
        "worker, for operators": f"{where.worker_ops}/metrics /livez /readyz",
        "what BLDNG holds": f"{where.sandbox}/_sandbox/state",
        "what BLDNG was asked": f"{where.sandbox}/_sandbox/log",
        "Redis": where.redis,
    }
    print(output.lines(rows), flush=True)


def _table(played: Played, arrived: Arrived) -> str:
    fresh = arrived.freshness
    there = arrived.people - len(arrived.late)
    groups = arrived.groups - len(arrived.late_groups)
    return f"""
{report.text(played.report)}
At BLDNG as sent: {there} of {arrived.people} people
At BLDNG as sent: {groups} of {arrived.groups} groups with {arrived.memberships} memberships
SCIM answer to BLDNG's call: p50 {fresh.p50_ms:.0f} ms, p99 {fresh.p99_ms:.0f} ms
({fresh.measured} of {fresh.accepted} changes had a call of their own)"""
