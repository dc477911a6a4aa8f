"""compose.yaml, Dockerfile and deploy/redis as far as they can be tried without Docker."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from clients.redis import embedded, scripts, stack
from clients.redis.types import Change, Outcome, Settlement, SettleStatus, Signal, WriteStatus
from gateway import settings
from gateway.cli import COMMANDS
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
REDIS = ROOT / "deploy" / "redis"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
PROGRAMS = [name for name, service in SERVICES.items() if "build" in service]
CALL = re.compile(r"redis\.p?call\(\s*'(\w+)'")


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_hardened(name: str) -> None:
    service = SERVICES[name]
    user = re.fullmatch(r"(\d+):(\d+)", service["user"])
    assert user is not None
    assert int(user[1]) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert all(entry.startswith("/tmp") for entry in service["tmpfs"])


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_a_health_check_and_time_to_stop(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) >= 30


@pytest.mark.parametrize("name", SERVICES)
def test_services_wait_for_a_healthy_redis(name: str) -> None:
    awaited = SERVICES[name].get("depends_on", {})
    assert all(each["condition"] == "service_healthy" for each in awaited.values())
    if name in {"gateway", "worker"}:
        assert "redis" in awaited


def test_only_the_gateway_publishes_a_port_and_only_on_loopback() -> None:
    published = {name: service.get("ports", []) for name, service in SERVICES.items()}
    assert [name for name, ports in published.items() if ports] == ["gateway"]
    assert all(port.startswith("127.0.0.1:") for port in published["gateway"])


def test_the_sandbox_starts_only_when_asked_for() -> None:
    assert SERVICES["sandbox"]["profiles"] == ["sandbox"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_commands_exist(name: str) -> None:
    service = SERVICES[name]
    assert service["command"][0] in COMMANDS
    check = service["healthcheck"]["test"]
    assert check[:2] == ["CMD", "bldng-scim"]
    assert check[2] in COMMANDS


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_environment_is_made_of_settings(name: str) -> None:
    known = {settings.env_name(field) for field in settings.Settings.model_fields}
    given = SERVICES[name].get("environment", {})
    assert {variable.removesuffix("_FILE") for variable in given} <= known
    files = {v: path for v, path in given.items() if v.endswith("_FILE")}
    mounted = {f"/run/secrets/{secret}" for secret in SERVICES[name]["secrets"]}
    assert set(files.values()) <= mounted


@pytest.mark.parametrize("name", ["gateway", "worker"])
def test_the_settings_load(name: str, tmp_path: Path) -> None:
    given = {}
    for variable, value in SERVICES[name]["environment"].items():
        if variable.endswith("_FILE"):
            path = tmp_path / variable
            path.write_text("redis://redis:6379/0\n")
            given[variable] = str(path)
        else:
            given[variable] = re.sub(r"\$\{\w+:-(.*)\}", r"\1", value)
    loaded = settings.load(given)
    loaded.require("public_url" if name == "gateway" else "backend_url")


def test_no_secret_stands_in_the_file() -> None:
    for service in SERVICES.values():
        for variable in service.get("environment", {}):
            assert not re.search(r"TOKEN$|REDIS_URL$|PASSWORD$", variable)
    declared = set(COMPOSE["secrets"])
    assert {secret for service in SERVICES.values() for secret in service["secrets"]} == declared


def test_the_image_is_slim_and_not_root() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert set(bases) == {"python:3.11-slim"}
    assert "USER 10001:10001" in lines
    assert any("--require-hashes -r requirements.txt" in line for line in lines)
    assert 'ENTRYPOINT ["/opt/bldng-scim/bin/bldng-scim"]' in lines
    copied = [shlex.split(line)[1] for line in lines if line.startswith("COPY ")]
    assert all((ROOT / each).exists() for each in copied if not each.startswith("--from"))


@pytest.fixture(scope="module")
def secret_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What secrets.sh makes."""
    folder = tmp_path_factory.mktemp("compose") / "secrets"
    subprocess.run([REDIS / "secrets.sh", folder], check=True)
    return folder


def test_the_secrets_are_kept_and_unreadable_from_outside(secret_files: Path) -> None:
    before = {path.name: path.read_bytes() for path in secret_files.iterdir()}
    subprocess.run([REDIS / "secrets.sh", secret_files], check=True)
    assert {path.name: path.read_bytes() for path in secret_files.iterdir()} == before
    assert secret_files.stat().st_mode & 0o777 == 0o700
    assert set(before) == {*COMPOSE["secrets"], ".gitignore"}


def test_the_password_itself_is_not_in_the_acl_file(secret_files: Path) -> None:
    url = (secret_files / "redis_url").read_text().strip()
    password = url.partition("bldng-scim:")[2].partition("@")[0]
    assert len(password) == 64
    assert password not in (secret_files / "redis_users").read_text()


@pytest.fixture(scope="module")
def composed_redis(secret_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A redis-server with the shipped redis.conf and accounts; the URL of our account."""
    port, folder = embedded.free_port(), tmp_path_factory.mktemp("redis-data")
    overrides = {
        "--port": str(port),
        "--bind": "127.0.0.1",
        "--dir": str(folder),
        "--aclfile": str(secret_files / "redis_users"),
    }
    arguments = [str(embedded.find_server()), str(REDIS / "redis.conf")]
    words = [*arguments, *(word for pair in overrides.items() for word in pair)]
    url = (secret_files / "redis_url").read_text().strip()
    with (folder / "log").open("wb") as log, subprocess.Popen(words, stdout=log) as server:
        yield url.replace("@redis:6379", f"@127.0.0.1:{port}")
        server.terminate()


async def answering(url: str) -> str:
    """The URL once the server answers."""

    def answers() -> bool:
        with redis.Redis.from_url(url) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False

    await eventually(answers, within_s=10)
    return url


async def test_our_account_can_do_all_that_a_process_does(composed_redis: str) -> None:
    async with stack.open_stack(await answering(composed_redis), install=True) as opened:
        tenant = await opened.tenants.create("acme", org="acme", now_ms=1)
        change = Change("C", "u:1", "n1", doc=b"{}", digest="d", new={"un": "joy"})
        assert (await opened.store.write(tenant, change)).status is WriteStatus.OK
        assert await opened.store.find(tenant, "un", "joy")
        assert (await opened.store.page(tenant, "u", offset=0, limit=10)).total == 1
        claim = await opened.queue.claim(
            tenant.partition, max_items=1, token_prefix="t", lease_ms=5000
        )
        item = claim.items[0]
        assert await opened.queue.beat(tenant.partition, [item], 5000) == ()
        done = Settlement(Outcome.OK, item.version, signal=Signal.OK, backend_id="usr_1")
        assert (await opened.queue.settle(item, done)).status is SettleStatus.SYNCED
        assert await opened.queue.depths(opened.partitions) is not None


@pytest.mark.parametrize(
    "command",
    ["FLUSHALL", "CONFIG SET appendfsync no", "KEYS *", "GET other:key", "EVAL return(1) 0",
     "ACL LIST", "DEBUG SLEEP 0", "SHUTDOWN NOSAVE", "PUBLISH other x"],
)  # fmt: skip
async def test_our_account_can_do_nothing_else(command: str, composed_redis: str) -> None:
    with (
        redis.Redis.from_url(await answering(composed_redis)) as client,
        pytest.raises(redis.exceptions.NoPermissionError),
    ):
        client.execute_command(*command.split())


async def test_without_a_password_only_ping_is_answered(composed_redis: str) -> None:
    host = (await answering(composed_redis)).rpartition("@")[2]
    with redis.Redis.from_url(f"redis://health:x@{host}") as client:
        assert client.ping()
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.get("sg:{meta}:epoch")
    with (
        redis.Redis.from_url(f"redis://{host}") as client,
        pytest.raises(redis.exceptions.AuthenticationError),
    ):
        client.ping()


@pytest.mark.parametrize("script", scripts.PARTS)
def test_the_account_may_run_every_command_of_every_script(script: str) -> None:
    line = next(
        each
        for each in (REDIS / "users.acl").read_text().splitlines()
        if each.startswith("user bldng-scim ")
    )
    allowed = {word.removeprefix("+") for word in line.split() if word.startswith("+")}
    called = {name.lower() for name in CALL.findall(scripts.source(script))}
    assert called <= allowed
