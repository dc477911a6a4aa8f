"""The command as a whole: overview, usage errors, exit codes, and quick help."""

import subprocess
import sys

import pytest

from gateway.cli import COMMANDS
from gateway.cli.output import ExitCode
from tests.unit.gateway.cli.conftest import Run

HEAVY = ("redis", "aiohttp", "pydantic", "uvloop", "structlog")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_overview_names_every_command(command: str, offline: Run) -> None:
    ended = offline("--help")
    assert ended.code == ExitCode.OK
    assert f"  {command} " in ended.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_of_its_own(command: str, offline: Run) -> None:
    ended = offline(command, "--help")
    assert ended.code == ExitCode.OK
    assert f"Usage: root {command}" in ended.stdout or f" {command} " in ended.stdout


VERBS = [
    ("check", "config"), ("check", "redis"), ("check", "backend"), ("check", "endpoint"),
    ("tenant", "create"), ("tenant", "list"), ("tenant", "show"), ("tenant", "disable"),
    ("tenant", "enable"), ("tenant", "guard"), ("token", "issue"), ("token", "rotate"),
    ("token", "revoke"), ("token", "list"), ("queue", "list"), ("queue", "retry"),
    ("queue", "release"), ("queue", "stats"), ("queue", "show"), ("queue", "pause"),
    ("queue", "resume"), ("queue", "audit"), ("serve",), ("work",), ("sandbox",), ("dev",),
    ("simulate",), ("healthcheck",),
]  # fmt: skip


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_the_help_of_every_verb_has_an_example(verb: tuple[str, ...], offline: Run) -> None:
    ended = offline(*verb, "--help")
    assert ended.code == ExitCode.OK
    assert "Example:" in ended.stdout


def test_the_overview_imports_none_of_the_heavy_libraries() -> None:
    script = (
        "import sys; from gateway.cli import app\n"
        "try: app(['--help'])\n"
        f"except SystemExit: print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tenat", "list"), "Did you mean 'tenant'"),
        (("tenant", "make"), "No such command 'make'"),
        (("tenant", "create", "acme"), "Missing option '--org'"),
        (("token", "list", "-o", "xml"), "xml"),
        (("simulate", "--users", "0"), "--users"),
        (("healthcheck", "--live", "--ready"), "choose one"),
        (("healthcheck", "--url", "ftp://host"), "http://host:port"),
        (("sandbox", "--listen", "nowhere", "--token", "x"), "--listen nowhere is not host:port"),
        (("sandbox",), "either --token or --token-file"),
        (("token", "rotate", "acme", "--overlap", "a week"), "is not a duration"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_why(
    arguments: tuple[str, ...], said: str, offline: Run
) -> None:
    ended = offline(*arguments)
    assert ended.code == ExitCode.USAGE
    assert said in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize(
    "arguments",
    [("serve",), ("work",), ("tenant", "list"), ("token", "list"), ("check", "redis")],
    ids=" ".join,
)
def test_a_command_without_its_settings_names_them(
    arguments: tuple[str, ...], offline: Run
) -> None:
    ended = offline(*arguments)
    assert ended.code == ExitCode.USAGE
    assert "BLDNG_SCIM_REDIS_URL: is required" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_redis_that_is_not_there_ends_with_5(offline: Run) -> None:
    ended = offline("tenant", "list", BLDNG_SCIM_REDIS_URL="redis://127.0.0.1:1")
    assert ended.code == ExitCode.UNREACHABLE
    assert ended.stderr.startswith("error: Redis:")


def test_the_script_and_the_module_are_the_same_command() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.startswith("Usage: bldng-scim ")
