"""`serve --processes N`: who is started, replaced and ended, and what a signal to whom does."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from clients.redis import embedded
from gateway.cli.output import ExitCode
from tests.chaos.scene import Entra
from tests.support.stack import Process, Stack, free_row, lines, running
from tests.support.waiting import eventually

START_S = 40.0
"""Seconds that new processes may take on a busy machine; they are not forked from warm ones."""

AS_A_SERVICE_MANAGER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.executable, [sys.executable, "-m", "gateway.cli", "serve"])
"""
"""Becomes the gateway, with the socket where `sd_listen_fds(3)` says it is."""


@pytest.fixture
async def product(tmp_path: Path) -> AsyncIterator[Stack]:
    """Redis and BLDNG; no process of ours runs yet."""
    async with running(tmp_path) as each:
        yield each


@asynccontextmanager
async def fleet(stack: Stack, **environment: str) -> AsyncIterator[Process]:
    """Two processes that serve."""
    parent = await stack.start_gateway("--processes", "2", **environment)
    await until_ready(stack, parent)
    yield parent
    for pid in pids(parent):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def until_ready(stack: Stack, parent: Process) -> None:
    async def ready() -> bool:
        return await answers(stack, parent) == [200, 200]

    await eventually(ready, within_s=START_S)


async def answers(stack: Stack, parent: Process) -> list[int]:
    """What the readiness probes of both places say."""
    found = []
    for port in (parent.ops, parent.ops + 1):
        async with stack.http.get(f"http://127.0.0.1:{port}/readyz") as answer:
            found.append(answer.status)
    return found


def pids(parent: Process, index: int | None = None) -> list[int]:
    """Every process that was started for a place, or for all."""
    started = lines(parent, "process_started")
    return [line["pid"] for line in started if index in {None, line["process"]}]


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody reaped yet does not."""
    with contextlib.suppress(OSError):
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False


async def test_a_process_that_dies_is_started_again_and_the_other_serves_on(
    product: Stack,
) -> None:
    entra = Entra(product)
    async with fleet(product) as parent:
        [first], [second] = pids(parent, 0), pids(parent, 1)
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: not alive(first))
        await entra.create("joy")
        await eventually(lambda: len(pids(parent, 0)) == 2, within_s=START_S)
        await until_ready(product, parent)
        died = next(lines(parent, "process_died"))
        assert (died["pid"], died["code"], died["again_in_s"]) == (first, -9, 0.5)
        os.kill(second, signal.SIGTERM)
        await eventually(lambda: len(pids(parent, 1)) == 2, within_s=START_S)
        await until_ready(product, parent)
        assert await asyncio.to_thread(parent.stop) == 0
        assert not any(map(alive, pids(parent)))


async def test_children_end_when_their_parent_is_killed(product: Stack) -> None:
    async with fleet(product, BLDNG_SCIM_DRAIN_DELAY_S="0") as parent:
        parent.kill()
        await eventually(lambda: not any(map(alive, pids(parent))), within_s=10)
        with socket.create_server(("127.0.0.1", parent.port)):
            """The address is free for the next parent."""


async def test_a_signal_to_everybody_stops_once(product: Stack) -> None:
    """As a service manager sends it; what is meant for the parent does nothing to a child."""
    async with fleet(product, BLDNG_SCIM_DRAIN_DELAY_S="1") as parent:
        for number in (signal.SIGHUP, signal.SIGINT):
            for pid in pids(parent):
                os.kill(pid, number)
        assert await answers(product, parent) == [200, 200]
        for pid in (*pids(parent), parent.pid):
            os.kill(pid, signal.SIGTERM)
        await eventually(lambda: len(list(lines(parent, "gateway_draining"))) == 2)
        assert await Entra(product).create("joy"), "load balancers did not notice yet"
        assert await asyncio.to_thread(parent.wait) == 0
        assert len(list(lines(parent, "gateway_stopped"))) == 2
        assert not list(lines(parent, "process_died"))


async def test_a_second_signal_ends_everybody_at_once(product: Stack) -> None:
    async with fleet(product, BLDNG_SCIM_DRAIN_DELAY_S="60") as parent:
        parent.signal(signal.SIGTERM)
        await eventually(lambda: len(list(lines(parent, "gateway_draining"))) == 2)
        parent.signal(signal.SIGTERM)
        assert await asyncio.to_thread(parent.wait, 5) == -signal.SIGTERM
        await eventually(lambda: not any(map(alive, pids(parent))))


async def test_a_successor_that_never_serves_relieves_nobody(product: Stack) -> None:
    async with fleet(product) as parent:
        async with Redis.from_url(product.redis.url) as redis:
            await redis.config_set("maxmemory-policy", "allkeys-lru")
        parent.signal(signal.SIGHUP)
        await eventually(lambda: list(lines(parent, "replacing_given_up")), within_s=START_S)
        first, successor = pids(parent, 0)
        assert (alive(first), alive(successor)) == (True, False)
        assert len(pids(parent, 1)) == 1
        await Entra(product).create("joy")


async def test_what_is_wrong_for_all_ends_the_parent(product: Stack) -> None:
    await product._create_tenant("http://127.0.0.1:1")
    async with Redis.from_url(product.redis.url) as redis:
        await redis.config_set("maxmemory-policy", "allkeys-lru")
    parent = await product.spawn_gateway("--processes", "2")
    assert await asyncio.to_thread(parent.wait) == ExitCode.CHECK_FAILED
    said = parent.log.read_text()
    assert "maxmemory-policy is allkeys-lru" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("taken", ["BLDNG_SCIM_LISTEN", "BLDNG_SCIM_OPS_LISTEN"])
async def test_a_taken_address_is_found_before_anything_starts(taken: str, product: Stack) -> None:
    port = free_row(2) + 1
    given = port if taken == "BLDNG_SCIM_LISTEN" else port - 1
    with socket.create_server(("127.0.0.1", port)):
        parent = await product.spawn_gateway("--processes", "2", **{taken: f"127.0.0.1:{given}"})
        assert await asyncio.to_thread(parent.wait) == ExitCode.ERROR
    assert f"cannot listen on 127.0.0.1:{port}" in parent.log.read_text()
    assert "choose another address" in parent.log.read_text()
    assert not pids(parent)


async def test_a_socket_of_the_service_manager_is_served(product: Stack) -> None:
    """As systemd passes it: descriptor 3, for the process that it started and for no other."""
    await product._create_tenant("http://127.0.0.1:1")
    with socket.create_server(("127.0.0.1", 0)) as passed:
        port, ops = passed.getsockname()[1], embedded.free_port()
        given = product.environment(
            BLDNG_SCIM_LISTEN="127.0.0.1:1",
            BLDNG_SCIM_OPS_LISTEN=f"127.0.0.1:{ops}",
            BLDNG_SCIM_PUBLIC_URL="http://127.0.0.1:1",
            LISTEN_FDS="1",
        )
        started = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            AS_A_SERVICE_MANAGER,
            str(passed.fileno()),
            env=given,
            pass_fds=(passed.fileno(),),
        )
        try:
            product.base_url = f"http://127.0.0.1:{port}/scim/v2/acme"
            await Entra(product).create("joy")
        finally:
            started.terminate()
            assert await started.wait() == 0
