"""The `bldng-scim` command: noun then verb.

A command's module is imported only when that command is run, so `bldng-scim --help` stays fast;
the table below is all that the overview needs. Modules here are thin: they read options and
settings, call the packages below, and print. Every expected failure ends in one line on stderr
and a fixed exit code.
"""

import errno
import importlib
import socket
from typing import Any, Final

import typer
from typer.core import TyperGroup

from clients.redis.types import IncompatibleData, RedisUnavailable, UnsafeRedis
from gateway.cli import output
from gateway.cli.output import ExitCode, Failure

COMMANDS: Final = {
    "serve": ("serve", "Run the gateway: SCIM in, Redis out."),
    "work": ("serve", "Run a worker: Redis in, BLDNG out."),
    "sandbox": ("serve", "Run the simulated BLDNG dashboard."),
    "dev": ("dev", "Run everything on this machine and play an Entra cycle."),
    "simulate": ("simulate", "Play Microsoft Entra ID against any Tenant URL."),
    "check": ("check", "Say whether settings, Redis, BLDNG or a Tenant URL are all right."),
    "tenant": ("tenant", "Create, list and disable tenants."),
    "token": ("token", "Issue, rotate and revoke the Secret Tokens of a tenant."),
    "queue": ("queue", "Show what waits for a human, and put it back to work."),
    "healthcheck": ("healthcheck", "Probe a running process; for containers without curl."),
}
"""Command -> (module of this package, one line for the overview)."""


class LazyGroup(TyperGroup):
    """Imports the module of a command when that command is resolved, not before."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] in COMMANDS:
            self.commands[args[0]] = _load(args[0])
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            failure = _expected(error)
            if failure is None:
                raise
            output.talk(f"error: {failure}")
            output.end(failure.code)


app = typer.Typer(
    name="bldng-scim",
    cls=LazyGroup,
    help="SCIM 2.0 gateway between Microsoft Entra ID and the BLDNG dashboard.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def overview() -> None:
    """SCIM 2.0 gateway between Microsoft Entra ID and the BLDNG dashboard."""


def _named_in_the_overview() -> None:
    """Stands for a command whose module is not imported yet."""


for _name, (_module, _line) in COMMANDS.items():
    app.command(_name, help=_line)(_named_in_the_overview)


def main() -> None:
    """Entry point of the `bldng-scim` script."""
    app(prog_name="bldng-scim")


def _load(name: str) -> Any:
    """The command itself, or the group of verbs of a noun."""
    module = importlib.import_module(f"gateway.cli.{COMMANDS[name][0]}")
    group = typer.main.get_group(module.app)
    return group.commands.get(name, group)


def _expected(error: BaseException) -> Failure | None:
    """The failure that an exception, or every one of a group, stands for; None for our bugs."""
    match error:
        case BaseExceptionGroup():
            known = [_expected(each) for each in error.exceptions]
            return known[0] if all(known) else None
        case Failure():
            return error
        case UnsafeRedis() | IncompatibleData():
            return Failure(ExitCode.CHECK_FAILED, str(error))
        case RedisUnavailable():
            return Failure(ExitCode.UNREACHABLE, f"Redis: {error}")
        case (
            socket.gaierror()
            | OSError(errno=errno.EADDRINUSE | errno.EADDRNOTAVAIL)
            | OSError(errno=errno.EACCES, filename=None)
        ):
            return Failure(ExitCode.ERROR, f"{error}; choose another address")
        case _:
            return None
