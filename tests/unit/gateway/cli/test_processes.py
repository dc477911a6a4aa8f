"""`serve`, `work`, `sandbox` and `healthcheck` as real processes: start, probes, signals."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clients.redis import embedded
from gateway.cli import healthcheck
from gateway.cli.output import ExitCode, Failure
from gateway.settings import Address
from tests.support.waiting import eventually
from tests.unit.gateway.cli.conftest import Run, aside

STOP_S = 15


@contextmanager
def running(*arguments: str, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours; killed at the end if it still runs."""
    kept = {name: value for name, value in os.environ.items() if "BLDNG" not in name}
    words = [sys.executable, "-m", "gateway.cli", *arguments]
    with log.open("wb") as sink:
        process = subprocess.Popen(words, env=kept | environment, stdout=sink, stderr=sink)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def settings(redis_url: str, ops: int, **more: str) -> dict[str, str]:
    return {
        "BLDNG_SCIM_REDIS_URL": redis_url,
        "BLDNG_SCIM_PUBLIC_URL": "http://127.0.0.1:1",
        "BLDNG_SCIM_BACKEND_URL": "http://127.0.0.1:1/internal/v1",
        "BLDNG_SCIM_BACKEND_TOKEN": "x",
        "BLDNG_SCIM_LISTEN": f"127.0.0.1:{embedded.free_port()}",
        "BLDNG_SCIM_OPS_LISTEN": f"127.0.0.1:{ops}",
        "BLDNG_SCIM_DRAIN_DELAY_S": "0",
        **more,
    }


def probe(port: int, path: str) -> int:
    """The status of a probe, 0 while nobody answers."""
    try:
        return healthcheck.ask(f"http://127.0.0.1:{port}{path}")[0]
    except Failure:
        return 0


@pytest.mark.parametrize(
    ("command", "last"), [("serve", "gateway_stopped"), ("work", "worker_stopped")]
)
async def test_a_process_becomes_ready_and_ends_in_order(
    command: str, last: str, cli: Run, redis_url: str, tmp_path: Path
) -> None:
    await aside(cli, "tenant", "create", "acme", "--org", "acme")
    ops, log = embedded.free_port(), tmp_path / "log"
    with running(command, log=log, **settings(redis_url, ops)) as process:
        await eventually(lambda: probe(ops, "/readyz") == 200, within_s=15)
        url = f"http://127.0.0.1:{ops}"
        assert (await aside(cli, "healthcheck", "--url", url)).code == ExitCode.OK
        assert (
            await aside(cli, "healthcheck", "--live", BLDNG_SCIM_OPS_LISTEN=f"0.0.0.0:{ops}")
        ).code == 0
        assert probe(ops, "/metrics") == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_S) == ExitCode.OK
    assert last in log.read_text()


@pytest.mark.parametrize("command", ["serve", "work"])
async def test_a_process_waits_for_our_redis_and_says_it_is_not_ready(
    command: str, cli: Run, redis_url: str, tmp_path: Path
) -> None:
    ops = embedded.free_port()
    with running(command, log=tmp_path / "log", **settings(redis_url, ops)) as process:
        await eventually(lambda: probe(ops, "/livez") == 200, within_s=15)
        ended = await aside(cli, "healthcheck", "--url", f"http://127.0.0.1:{ops}")
        assert ended.code == ExitCode.CHECK_FAILED
        assert "starting" in ended.stderr
        await aside(cli, "tenant", "create", "acme", "--org", "acme")
        await eventually(lambda: probe(ops, "/readyz") == 200, within_s=15)
        process.send_signal(signal.SIGINT)
        assert process.wait(STOP_S) == ExitCode.OK


@pytest.mark.parametrize("command", ["serve", "work"])
def test_an_unsafe_redis_ends_a_process_with_3(
    command: str, evicting_redis_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    given = settings(evicting_redis_url, embedded.free_port())
    with running(command, log=log, **given) as process:
        assert process.wait(STOP_S) == ExitCode.CHECK_FAILED
    said = log.read_text()
    assert "error: maxmemory-policy is allkeys-lru" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("command", ["serve", "work", "sandbox"])
def test_a_taken_address_is_one_line(command: str, redis_url: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        listen = ("--listen", f"127.0.0.1:{port}", "--token", "x") if command == "sandbox" else ()
        log = tmp_path / "log"
        with running(command, *listen, log=log, **settings(redis_url, port)) as process:
            assert process.wait(STOP_S) == ExitCode.ERROR
    assert log.read_text().startswith("error: ")
    assert "choose another address" in log.read_text()


async def test_the_sandbox_keeps_its_state_and_reads_its_token_from_a_file(
    cli: Run, tmp_path: Path
) -> None:
    port = embedded.free_port()
    token, state = tmp_path / "token", tmp_path / "state.json"
    token.write_text("secret\n")
    words = ["sandbox", "--listen", f"127.0.0.1:{port}", "--token-file", str(token)]
    with running(*words, "--state-file", str(state), log=tmp_path / "log") as process:
        await eventually(lambda: probe(port, "/internal/v1/health") == 200, within_s=15)
        given = {
            "BLDNG_SCIM_BACKEND_URL": f"http://127.0.0.1:{port}/internal/v1",
            "BLDNG_SCIM_BACKEND_TOKEN": "secret",
        }
        assert (await aside(cli, "check", "backend", "--org", "acme", **given)).code == ExitCode.OK
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_S) == ExitCode.OK


def test_a_process_that_is_not_there_is_unreachable(cli: Run) -> None:
    ended = cli("healthcheck", "--url", f"http://127.0.0.1:{embedded.free_port()}")
    assert ended.code == ExitCode.UNREACHABLE


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        (Address("127.0.0.1", 9090), "http://127.0.0.1:9090"),
        (Address("0.0.0.0", 9090), "http://127.0.0.1:9090"),
        (Address("::", 9090), "http://[::1]:9090"),
        (Address("10.0.0.5", 1), "http://10.0.0.5:1"),
    ],
)
def test_a_listener_on_all_addresses_is_asked_on_loopback(listen: Address, url: str) -> None:
    assert healthcheck.own_url(listen) == url
