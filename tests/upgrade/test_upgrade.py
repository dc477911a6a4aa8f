"""Two revisions over the same data under load: F11 with a revision that was really committed.

`make upgrade` runs it against the newest tag (without one, the last commit but one), and
`make upgrade FROM=v1.2.0` against another. Once the gateway is the old one and once the worker;
then the old one is replaced, as an upgrade does, and nothing may be lost, doubled or refused.
"""

import asyncio
import io
import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.chaos.scene import passed
from tests.support import oracle
from tests.support.nursery import ROOT
from tests.support.stack import Process, Stack, free_row, running
from tests.support.traffic import Balancer, doubled, flowing

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

TOGETHER_S = 5.0
"""How long the two revisions serve the same people."""

SLOW = {"BLDNG_SCIM_DRAIN_DELAY_S": "0.7"}


def git(*words: str) -> bytes:
    return subprocess.run(["git", "-C", str(ROOT), *words], check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree of the older revision."""
    try:
        revision = os.environ.get("FROM") or _newest()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout with an older revision")
    folder = tmp_path_factory.mktemp("older")
    with tarfile.open(fileobj=io.BytesIO(git("archive", revision))) as tree:
        tree.extractall(folder, filter="data")
    return folder


def _newest() -> str:
    tags = git("tag", "--merged", "HEAD", "--sort=-v:refname").decode().split()
    return tags[0] if tags else git("rev-parse", "HEAD~1").decode().strip()


class OlderProcess(Process):
    """A process of another tree: it cannot be forked from a helper that imported this one."""

    def __init__(
        self,
        tree: Path,
        command: str,
        environment: dict[str, str],
        log: Path,
        *,
        port: int,
        ops: int,
    ) -> None:
        self.log, self.port, self.ops = log, port, ops
        with log.open("wb") as sink:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "gateway.cli", command],
                cwd=tree,
                env=environment | {"PYTHONPATH": str(tree)},
                stdout=sink,
                stderr=sink,
            )
        self.pid = self._popen.pid

    @property
    def code(self) -> int | None:
        return self._popen.poll()


async def start_older(stack: Stack, tree: Path, command: str) -> Process:
    port, ops = free_row(1), free_row(1)
    given = stack.environment(
        BLDNG_SCIM_LISTEN=f"127.0.0.1:{port}",
        BLDNG_SCIM_OPS_LISTEN=f"127.0.0.1:{ops}",
        BLDNG_SCIM_PUBLIC_URL=f"http://127.0.0.1:{port}",
        **SLOW,
    )
    log = stack.directory / f"older-{command}.log"
    process = OlderProcess(tree, command, given, log, port=port, ops=ops)
    stack.processes.append(process)
    await stack.ready(process)
    return process


@pytest.mark.parametrize("old", ["serve", "work"])
async def test_old_and_new_serve_the_same_data(old: str, older: Path, tmp_path: Path) -> None:
    async with running(tmp_path) as stack:
        await stack._create_tenant("http://127.0.0.1:1")
        before = await start_older(stack, older, old)
        if old == "serve":
            gateway, other = before, await stack.start_worker(**SLOW)
        else:
            gateway = other = await stack.start_gateway(**SLOW)
        assert other.running
        balancer = Balancer(stack, [gateway])
        await balancer.check()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(balancer.watch())
            async with flowing(stack, balancer.target) as traffic:
                await passed(TOGETHER_S)
                await _replace(before, old, stack, balancer)
                await passed(TOGETHER_S)
            watching.cancel()
        assert not traffic.failures, traffic.failures[:5]
        await oracle.check(stack, traffic.journal, within_s=30)
        assert not doubled(stack.state)


async def _replace(before: Process, command: str, stack: Stack, balancer: Balancer) -> None:
    """Start the new one beside the old one, then end the old one in order.

    An older gateway may close kept connections without a word, so nothing is sent to it any more
    when it ends.
    """
    if command == "work":
        await stack.start_worker(**SLOW)
    else:
        balancer.gateways[:] = [await stack.start_gateway(**SLOW)]
        await balancer.check()
        await passed(0.5)
    before.signal(signal.SIGTERM)
    assert await asyncio.to_thread(before.wait) == 0
