"""`token`: issue, rotate with overlap, revoke, list, over a real Redis."""

from typing import Any

import orjson
import pytest
import redis

from gateway import tokens
from gateway.cli.output import ExitCode
from tests.unit.gateway.cli.conftest import Run

DAY_MS = 86_400_000


@pytest.fixture
def first(cli: Run) -> str:
    """The key id of the token that came with tenant acme."""
    made = orjson.loads(cli("tenant", "create", "acme", "--org", "x", "-o", "json").stdout)
    return tokens.parse(made["secret_token"])


def held(cli: Run) -> dict[str, dict[str, Any]]:
    ended = cli("token", "list", "acme", "-o", "json")
    assert ended.code == ExitCode.OK, ended.stderr
    return {row["key_id"]: row for row in orjson.loads(ended.stdout)}


def new(cli: Run, *arguments: str) -> str:
    ended = cli("token", *arguments, "-o", "json")
    assert ended.code == ExitCode.OK, ended.stderr
    row = orjson.loads(ended.stdout)
    assert row["tenant_url"] == "https://scim.example.com/scim/v2/acme"
    assert tokens.parse(row["secret_token"]) == row["key_id"]
    return str(row["key_id"])


def test_issue_leaves_the_others_alone(cli: Run, first: str) -> None:
    second = new(cli, "issue", "acme")
    rows = held(cli)
    assert set(rows) == {first, second}
    assert {row["state"] for row in rows.values()} == {"live"}
    assert {row["expires"] for row in rows.values()} == {None}


def test_issue_can_end_by_itself(cli: Run, first: str) -> None:
    second = new(cli, "issue", "acme", "--expires-in", "365d")
    assert held(cli)[second]["expires"] is not None
    assert held(cli)[first]["expires"] is None


def test_rotate_keeps_the_old_token_for_the_overlap(cli: Run, first: str) -> None:
    second = new(cli, "rotate", "acme")
    rows = held(cli)
    assert rows[first]["state"] == "live"
    assert rows[first]["expires"] is not None
    assert rows[second]["expires"] is None


def test_rotate_after_a_leak_ends_the_old_token_now(cli: Run, first: str) -> None:
    second = new(cli, "rotate", "acme", "--overlap", "0", "--yes")
    rows = held(cli)
    assert rows[first]["state"] == "expired"
    assert rows[second]["state"] == "live"


def test_rotate_never_lengthens_a_token_that_ends_sooner(cli: Run, first: str) -> None:
    short = new(cli, "issue", "acme", "--expires-in", "1h")
    before = held(cli)[short]["expires"]
    new(cli, "rotate", "acme", "--overlap", "7d")
    assert held(cli)[short]["expires"] == before


def test_a_leak_rotation_without_a_terminal_needs_yes(cli: Run, first: str) -> None:
    assert cli("token", "rotate", "acme", "--overlap", "0").code == ExitCode.USAGE
    assert set(held(cli)) == {first}


def test_a_dry_rotation_says_what_would_end(cli: Run, first: str) -> None:
    ended = cli("token", "rotate", "acme", "--dry-run")
    assert ended.code == ExitCode.OK
    assert f"token {first} would end at" in ended.stderr
    assert held(cli)[first]["expires"] is None


def test_revoke_is_for_good(cli: Run, first: str) -> None:
    assert cli("token", "revoke", first).code == ExitCode.USAGE
    assert cli("token", "revoke", first, "--dry-run").code == ExitCode.OK
    assert held(cli)[first]["state"] == "live"
    assert cli("token", "revoke", first, "--yes").code == ExitCode.OK
    assert held(cli)[first]["state"] == "revoked"


@pytest.mark.parametrize(
    "arguments",
    [
        ("issue", "nobody"),
        ("rotate", "nobody"),
        ("rotate", "nobody", "--dry-run"),
        ("list", "nobody"),
        ("revoke", "00000000", "--yes"),
    ],
    ids=" ".join,
)
def test_unknown_tenants_and_tokens_are_not_found(
    arguments: tuple[str, ...], cli: Run, first: str
) -> None:
    ended = cli("token", *arguments)
    assert ended.code == ExitCode.NOT_FOUND
    assert ended.stdout == ""


def test_secrets_are_neither_listed_nor_stored(cli: Run, first: str, redis_url: str) -> None:
    made = orjson.loads(cli("token", "issue", "acme", "-o", "json").stdout)
    listed = cli("token", "list", "-o", "json").stdout
    with redis.Redis.from_url(redis_url) as client:
        stored = str(client.hgetall("sg:{meta}:tokens"))
    for text in (listed, stored):
        assert made["key_id"] in text
        assert made["secret_token"] not in text
