"""`tenant`: create, list, show, disable, enable, over a real Redis."""

import orjson
import pytest

from gateway import tokens
from gateway.cli.output import ExitCode
from tests.unit.gateway.cli.conftest import Run


def create(cli: Run, name: str = "acme") -> dict[str, str]:
    ended = cli("tenant", "create", name, "--org", "acme-prod", "-o", "json")
    assert ended.code == ExitCode.OK, ended.stderr
    made: dict[str, str] = orjson.loads(ended.stdout)
    return made


def test_create_prints_what_the_customer_needs_and_nothing_else(cli: Run) -> None:
    made = create(cli)
    assert list(made) == ["tenant", "tenant_url", "secret_token"]
    assert made["tenant"] == "acme"
    assert made["tenant_url"] == "https://scim.example.com/scim/v2/acme"
    assert tokens.parse(made["secret_token"])


def test_a_second_tenant_of_that_name_is_a_conflict_and_changes_nothing(cli: Run) -> None:
    create(cli)
    ended = cli("tenant", "create", "acme", "--org", "other")
    assert ended.code == ExitCode.CONFLICT
    assert ended.stdout == ""
    shown = orjson.loads(cli("tenant", "show", "acme", "-o", "json").stdout)
    assert shown["org"] == "acme-prod"
    assert len(shown["live_tokens"]) == 1


@pytest.mark.parametrize("name", ["Acme", "a b", "-acme", "a" * 40, "acmé"])
def test_a_name_that_cannot_stand_in_a_url_is_refused(name: str, cli: Run) -> None:
    ended = cli("tenant", "create", "--org", "x", "--", name)
    assert ended.code == ExitCode.USAGE
    assert "1 to 39" in ended.stderr


def test_a_dry_run_creates_nothing(cli: Run) -> None:
    create(cli, "first")
    ended = cli("tenant", "create", "acme", "--org", "x", "--dry-run")
    assert ended.code == ExitCode.OK
    assert "would create tenant acme" in ended.stderr
    assert cli("tenant", "show", "acme").code == ExitCode.NOT_FOUND


def test_list_shows_all_by_name_without_secrets(cli: Run) -> None:
    made = [create(cli, name) for name in ("beta", "acme")]
    ended = cli("tenant", "list", "-o", "jsonl")
    rows = [orjson.loads(line) for line in ended.stdout.splitlines()]
    assert [row["tenant"] for row in rows] == ["acme", "beta"]
    assert not any(each["secret_token"] in ended.stdout for each in made)


def test_only_create_makes_an_installation_in_an_empty_redis(cli: Run) -> None:
    ended = cli("tenant", "list")
    assert ended.code == ExitCode.UNREACHABLE
    assert "no installation" in ended.stderr
    create(cli)
    assert cli("tenant", "list").code == ExitCode.OK


def test_disable_and_enable(cli: Run) -> None:
    create(cli)
    assert cli("tenant", "disable", "acme", "--yes").code == ExitCode.OK
    assert orjson.loads(cli("tenant", "show", "acme", "-o", "json").stdout)["disabled"] is True
    assert "disabled already" in cli("tenant", "disable", "acme", "--yes").stderr
    assert cli("tenant", "enable", "acme").code == ExitCode.OK
    assert orjson.loads(cli("tenant", "show", "acme", "-o", "json").stdout)["disabled"] is False


def test_disable_without_a_terminal_needs_yes_and_changes_nothing(cli: Run) -> None:
    create(cli)
    assert cli("tenant", "disable", "acme").code == ExitCode.USAGE
    assert cli("tenant", "disable", "acme", "--dry-run").code == ExitCode.OK
    assert orjson.loads(cli("tenant", "show", "acme", "-o", "json").stdout)["disabled"] is False


@pytest.mark.parametrize(
    "verb", [("show",), ("enable",), ("disable", "--yes"), ("guard",)], ids=" ".join
)
def test_an_unknown_tenant_is_not_found(verb: tuple[str, ...], cli: Run) -> None:
    create(cli)
    ended = cli("tenant", *verb, "nobody")
    assert ended.code == ExitCode.NOT_FOUND
    assert "no tenant named nobody" in ended.stderr


def test_create_needs_the_public_url(offline: Run, redis_url: str) -> None:
    ended = offline("tenant", "create", "acme", "--org", "x", BLDNG_SCIM_REDIS_URL=redis_url)
    assert ended.code == ExitCode.USAGE
    assert "BLDNG_SCIM_PUBLIC_URL" in ended.stderr


def guard(cli: Run, *arguments: str) -> dict[str, object]:
    ended = cli("tenant", "guard", "acme", "-o", "json", *arguments)
    assert ended.code == ExitCode.OK, ended.stderr
    shown: dict[str, object] = orjson.loads(ended.stdout)
    return shown


def test_the_guard_is_shown_set_and_switched_off(cli: Run) -> None:
    create(cli)
    assert guard(cli) == {"tenant": "acme", "limit": 500, "window": "1h", "held": 0}
    assert guard(cli, "--limit", "20", "--window", "30m")["window"] == "30m"
    assert guard(cli, "--limit", "0") == {"tenant": "acme", "limit": 0, "window": "30m", "held": 0}


def test_a_dry_run_leaves_the_guard(cli: Run) -> None:
    create(cli)
    ended = cli("tenant", "guard", "acme", "--limit", "7", "--dry-run")
    assert "would let 7 people leave in 1h" in ended.stderr
    assert guard(cli)["limit"] == 500


def test_a_guard_without_a_window_is_refused(cli: Run) -> None:
    create(cli)
    assert cli("tenant", "guard", "acme", "--window", "0").code == ExitCode.USAGE
