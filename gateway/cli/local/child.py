"""A child process with its log file."""

import asyncio
import contextlib
import sys
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from gateway.cli.output import ExitCode, Failure

T = TypeVar("T")

STOP_TIMEOUT_S: Final = 30.0
"""A worker may take 25 seconds to finish what it has in hand."""

LAST_LINES: Final = 5
LAST_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Child:
    """A running `bldng-scim` process; `log` has everything it says."""

    name: str
    log: Path
    process: asyncio.subprocess.Process

    @classmethod
    async def start(
        cls, name: str, *arguments: str, environment: Mapping[str, str], log: Path
    ) -> Self:
        """Start `bldng-scim` with `arguments`. Ctrl-C in the terminal does not reach it."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as sink:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "gateway.cli",
                *arguments,
                env=dict(environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )
        return cls(name, log, process)

    async def watch(self) -> None:
        """Wait for ever, or until it dies.

        Raises:
            Failure: ERROR, with its exit code and its last words.
        """
        code = await self.process.wait()
        said = "\n".join(f"  {line}" for line in last_lines(self.log))
        raise Failure(
            ExitCode.ERROR, f"{self.name} ended with code {code}; see {self.log}\n{said}"
        )

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL to one that does not listen."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


async def while_alive(children: Iterable[Child], work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, unless a child dies first (a group with its Failure is raised)."""
    async with asyncio.TaskGroup() as group:
        watchers = [group.create_task(each.watch()) for each in children]
        result = await group.create_task(work)
        for watcher in watchers:
            watcher.cancel()
    return result


def last_lines(log: Path) -> list[str]:
    """The end of a log file."""
    with log.open("rb") as source:
        source.seek(max(0, log.stat().st_size - LAST_BYTES))
        return source.read().decode(errors="replace").splitlines()[-LAST_LINES:]
