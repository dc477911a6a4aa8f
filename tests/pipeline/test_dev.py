"""`bldng-scim dev`: the real processes, from an empty folder to a synced directory."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest

from gateway.cli.output import ExitCode

START_S = 30.0

pytestmark = pytest.mark.xdist_group("dev")


class Dev:
    """A running `dev` and what it said so far."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.process = process
        self.folder = folder
        self.output = ""

    async def until(self, text: str) -> None:
        """Read on until it has said `text`."""
        assert self.process.stdout is not None
        async with asyncio.timeout(START_S):
            while text not in self.output:
                line = await self.process.stdout.readline()
                assert line, f"it ended without saying {text!r}:\n{self.output}"
                self.output += line.decode()

    async def end(self) -> int:
        """Read on to the end; the exit code."""
        assert self.process.stdout is not None
        async with asyncio.timeout(START_S):
            self.output += (await self.process.stdout.read()).decode()
            return await self.process.wait()

    def said(self, name: str) -> str:
        """The value of a `name  value` line."""
        found = re.search(rf"^{name} +(\S+)", self.output, re.MULTILINE)
        assert found, self.output
        return found[1]

    def children(self) -> dict[str, int]:
        """Command (`work`, `redis-server`, ...) -> process id of what it started."""
        pid = self.process.pid
        found = {}
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            words = Path(f"/proc/{child}/cmdline").read_text().split("\0")
            name = (
                words[3] if words[1:3] == ["-m", "gateway.cli"] else Path(words[0].split()[0]).name
            )
            found[name] = int(child)
        return found


@asynccontextmanager
async def dev(folder: Path, *arguments: str) -> AsyncIterator[Dev]:
    """`bldng-scim dev` with its data in `folder`; interrupted at the end if it still runs."""
    words = ["-m", "gateway.cli", "dev", "--data", str(folder), "--users", "8", *arguments]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    started = Dev(process, folder)
    try:
        yield started
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            await started.end()


async def test_everything_reaches_bldng_and_a_restart_shows_the_same_tenant(
    tmp_path: Path,
) -> None:
    said = []
    for round_ in (1, 2):
        async with dev(tmp_path, "--once") as started:
            assert await started.end() == ExitCode.OK, started.output
        expect_all_synced(started.output)
        said.append((started.said("Tenant URL"), started.said("Secret Token")))
        users = orjson.loads((tmp_path / "sandbox.json").read_bytes())["orgs"]["demo"]["users"]
        assert len(users) >= 8 * round_
    assert said[0] == said[1]
    assert (tmp_path / "dev.json").stat().st_mode & 0o777 == 0o600


def expect_all_synced(output: str) -> None:
    there = re.search(r"At BLDNG as sent: (\d+) of (\d+) people", output)
    assert there, output
    assert there[1] == there[2]
    assert int(there[1]) >= 8
    groups = re.search(r"At BLDNG as sent: (\d+) of (\d+) groups with (\d+) member", output)
    assert groups, output
    assert groups[1] == groups[2]
    assert int(groups[3]) > 0
    assert "No quarantine: none of" in output
    assert re.search(r"SCIM answer to BLDNG's call: p50 \d+ ms, p99 \d+ ms", output)


async def test_one_dev_has_the_folder_until_ctrl_c_stops_everything_in_order(
    tmp_path: Path,
) -> None:
    async with dev(tmp_path) as started:
        await started.until("stays up until Ctrl-C")
        running = started.children()
        assert set(running) == {"redis-server", "sandbox", "work", "serve"}
        async with dev(tmp_path, "--once") as second:
            assert await second.end() == ExitCode.CONFLICT
            assert "is used by another `dev`" in second.output
        started.process.send_signal(signal.SIGINT)
        assert await started.end() == ExitCode.OK, started.output
        assert not [name for name, pid in running.items() if alive(pid)]
    for name, event in (("gateway", "gateway_stopped"), ("worker", "worker_stopped")):
        assert event in (tmp_path / "log" / f"{name}.log").read_text()


async def test_a_child_that_dies_is_named_and_the_rest_is_stopped(tmp_path: Path) -> None:
    async with dev(tmp_path) as started:
        await started.until("stays up until Ctrl-C")
        running = started.children()
        os.kill(running["work"], signal.SIGKILL)
        assert await started.end() == ExitCode.ERROR
        assert "worker ended with code -9" in started.output
        assert str(tmp_path / "log" / "worker.log") in started.output
        assert not [name for name, pid in running.items() if alive(pid)]


def alive(pid: int) -> bool:
    """Whether the process exists (a zombie does not count)."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
