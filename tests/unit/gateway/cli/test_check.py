"""`check config | redis | backend | endpoint` over real servers."""

from pathlib import Path

import orjson
import pytest
import redis as sync_redis

from clients.redis import keys, schema
from gateway.cli.output import ExitCode
from tests.support.gateway import Gateway
from tests.support.sandbox import ORG, Sandbox
from tests.unit.gateway.cli.conftest import Run, aside


def test_config_shows_the_settings_without_secrets(offline: Run) -> None:
    url = "redis://bldng:hunter2@127.0.0.1:6379/0"
    ended = offline("check", "config", BLDNG_SCIM_REDIS_URL=url)
    assert ended.code == ExitCode.OK
    assert "127.0.0.1:8080" in ended.stdout
    assert "hunter2" not in ended.stdout + ended.stderr


def test_config_says_every_fault_at_once(offline: Run) -> None:
    ended = offline("check", "config", BLDNG_SCIM_LISTEN="8080", BLDNG_SCIM_REDIS_ULR="x")
    assert ended.code == ExitCode.CHECK_FAILED
    for name in ("BLDNG_SCIM_LISTEN", "BLDNG_SCIM_REDIS_ULR", "BLDNG_SCIM_REDIS_URL"):
        assert name in ended.stdout


def test_config_says_what_contradicts(offline: Run) -> None:
    given = {
        "BLDNG_SCIM_REDIS_URL": "redis://x/3",
        "BLDNG_SCIM_REDIS_CLUSTER": "true",
        "BLDNG_SCIM_REDIS_SENTINELS": "a:1",
        "BLDNG_SCIM_REDIS_PASSWORD": "hunter2",
    }
    ended = offline("check", "config", **given)
    assert ended.code == ExitCode.CHECK_FAILED
    for name in ("BLDNG_SCIM_REDIS_URL", "REDIS_CLUSTER", "REDIS_SENTINEL_SERVICE"):
        assert name in ended.stdout
    assert "hunter2" not in ended.stdout + ended.stderr


def test_config_reads_the_mapping_profiles_too(offline: Run, tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text("no toml at all")
    given = {"BLDNG_SCIM_REDIS_URL": "redis://x", "BLDNG_SCIM_PROFILE_DIR": str(tmp_path)}
    ended = offline("check", "config", **given)
    assert ended.code == ExitCode.CHECK_FAILED
    assert "acme.toml:" in ended.stdout


def test_redis_is_safe_but_new_and_then_ours(cli: Run) -> None:
    def levels() -> dict[str, str]:
        ended = cli("check", "redis", "-o", "json")
        assert ended.code == ExitCode.OK, ended.stderr
        return {row["probe"]: row["level"] for row in orjson.loads(ended.stdout)}

    assert levels() == {
        "redis": "ok",
        "topology": "ok",
        "durability": "ok",
        "installation": "warn",
    }
    assert "cure: if it is new" in cli("check", "redis").stdout
    cli("tenant", "create", "acme", "--org", "acme")
    assert levels() == {"redis": "ok", "topology": "ok", "durability": "ok", "installation": "ok"}


def test_the_schema_is_named_and_a_newer_one_refused(cli: Run, redis_url: str) -> None:
    cli("tenant", "create", "acme", "--org", "acme")
    assert f"schema {schema.SCHEMA}" in cli("check", "redis").stdout
    with sync_redis.Redis.from_url(redis_url) as client:
        client.set(keys.META_SCHEMA, schema.SCHEMA + 1)
    ended = cli("check", "redis")
    assert ended.code == ExitCode.CHECK_FAILED
    assert "run the newer bldng-scim" in ended.stderr


def test_an_evicting_redis_is_refused_with_its_cure(cli: Run, evicting_redis_url: str) -> None:
    ended = cli("check", "redis", BLDNG_SCIM_REDIS_URL=evicting_redis_url)
    assert ended.code == ExitCode.CHECK_FAILED
    assert "maxmemory-policy" in ended.stderr
    assert "noeviction" in ended.stderr


def test_redis_says_what_an_acknowledgement_means(cli: Run) -> None:
    rows = orjson.loads(cli("check", "redis", "-o", "json").stdout)
    [kept] = [row for row in rows if row["probe"] == "durability"]
    assert (kept["ack"], kept["kept_by"]) == ("fsync", "appendfsync always")
    assert "may lose nothing when Redis or its machine dies" in cli("check", "redis").stdout


def backend(sandbox: Sandbox, token: str = "") -> dict[str, str]:
    return {
        "BLDNG_SCIM_REDIS_URL": "redis://127.0.0.1:1",
        "BLDNG_SCIM_BACKEND_URL": sandbox.base_url,
        "BLDNG_SCIM_BACKEND_TOKEN": token or sandbox.token,
    }


@pytest.mark.parametrize(
    ("arguments", "token", "code"),
    [
        ((), "", ExitCode.OK),
        (("--org", ORG), "", ExitCode.OK),
        (("--org", ORG), "wrong", ExitCode.CHECK_FAILED),
    ],
)
async def test_backend(
    arguments: tuple[str, ...], token: str, code: ExitCode, offline: Run, sandbox: Sandbox
) -> None:
    given = backend(sandbox, token)
    ended = await aside(offline, "check", "backend", *arguments, **given)
    assert ended.code == code, ended.stderr


def test_a_backend_that_is_not_there_is_unreachable(offline: Run) -> None:
    given = {
        "BLDNG_SCIM_REDIS_URL": "redis://127.0.0.1:1",
        "BLDNG_SCIM_BACKEND_URL": "http://127.0.0.1:1/internal/v1",
        "BLDNG_SCIM_BACKEND_TOKEN": "x",
    }
    assert offline("check", "backend", **given).code == ExitCode.UNREACHABLE


async def test_a_good_endpoint_passes_both_probes(gateway: Gateway, offline: Run) -> None:
    ended = await aside(
        offline, "check", "endpoint", "--url", gateway.base, "-o", "json", SCIM_TOKEN=gateway.token
    )
    assert ended.code == ExitCode.OK, ended.stdout
    rows = orjson.loads(ended.stdout)
    assert [(row["probe"], row["name"]) for row in rows] == [("users", "ok"), ("groups", "ok")]


@pytest.mark.parametrize(
    ("url", "token", "name"),
    [
        ("{base}", "bscim_wrong", "unauthorized"),
        ("{root}/scim/v2/nobody", "{token}", "unauthorized"),
        ("{root}/scim", "{token}", "wrong_path"),
        ("http://127.0.0.1:1/scim/v2/acme", "{token}", "refused"),
        ("https://127.0.0.1:{port}/scim/v2/acme", "{token}", "tls_failed"),
    ],
)
async def test_a_wrong_endpoint_is_explained(
    url: str, token: str, name: str, gateway: Gateway, offline: Run
) -> None:
    names = {
        "base": gateway.base,
        "root": gateway.root,
        "token": gateway.token,
        "port": gateway.root.rpartition(":")[2],
    }
    arguments = ("check", "endpoint", "--url", url.format(**names), "-o", "json")
    ended = await aside(offline, *arguments, SCIM_TOKEN=token.format(**names))
    assert ended.code == ExitCode.CHECK_FAILED
    assert orjson.loads(ended.stdout)[-1]["name"] == name


async def test_the_text_says_cause_and_cure(gateway: Gateway, offline: Run) -> None:
    ended = await aside(
        offline, "check", "endpoint", "--url", gateway.base, "--token", gateway.token[:-3]
    )
    assert ended.code == ExitCode.CHECK_FAILED
    assert "WARN  address: the token is incomplete" in ended.stdout
    assert "FAIL  users:" in ended.stdout
    assert "Entra shows: Unauthorized" in ended.stdout
    assert gateway.token[:-3] not in ended.stdout
