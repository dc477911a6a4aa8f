"""What the data folder remembers, and that it has one owner."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gateway import settings
from gateway.cli import environment
from gateway.cli.local import demo, ports
from gateway.cli.local.demo import Memory
from gateway.cli.output import ExitCode, Failure


def test_memory_survives_and_is_private(tmp_path: Path) -> None:
    memory = Memory(secret_token="s", ports={"gateway": 8080})
    memory.write(tmp_path)
    assert Memory.read(tmp_path) == memory
    assert (tmp_path / "dev.json").stat().st_mode & 0o777 == 0o600


def test_a_fresh_folder_has_a_fresh_backend_token(tmp_path: Path) -> None:
    assert Memory.read(tmp_path).backend_token != Memory.read(tmp_path).backend_token


@pytest.mark.parametrize("text", ["", "{", '{"unknown": 1}', "[]"])
def test_a_broken_memory_says_so(text: str, tmp_path: Path) -> None:
    (tmp_path / "dev.json").write_text(text)
    with pytest.raises(Failure, match="remove it"):
        Memory.read(tmp_path)


def test_a_folder_has_one_owner(tmp_path: Path) -> None:
    with demo.owned(tmp_path):
        with pytest.raises(Failure) as failure, demo.owned(tmp_path):
            pass
        assert failure.value.code is ExitCode.CONFLICT
    with demo.owned(tmp_path):
        pass


def test_the_redis_of_a_killed_dev_is_not_joined_by_another(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    pid_file = tmp_path / "redis" / "redis.pid"
    pid_file.write_text(f"{os.getpid()}\n")
    with pytest.raises(Failure, match=f"process {os.getpid()}"), demo.owned(tmp_path):
        pass


def test_the_pid_file_of_a_dead_redis_is_removed(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / "redis").mkdir()
    pid_file = tmp_path / "redis" / "redis.pid"
    pid_file.write_text(str(ended.pid))
    with demo.owned(tmp_path):
        assert not pid_file.exists()


async def test_the_token_is_kept_while_it_opens_the_tenant(redis_url: str) -> None:
    loaded = settings.load({"BLDNG_SCIM_REDIS_URL": redis_url})
    first = await demo.token(loaded, "")
    assert await demo.token(loaded, first) == first
    async with environment.tenants(loaded) as tenants:
        for token in await tenants.tokens(demo.TENANT):
            await tenants.revoke_token(token.key_id, environment.now_ms())
    assert await demo.token(loaded, first) != first


def test_a_busy_port_is_replaced() -> None:
    with socket.socket() as taken:
        taken.bind((ports.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert ports.pick(port) != port
    assert ports.pick(port) == port
