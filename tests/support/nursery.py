"""Real processes that start in milliseconds: one warm interpreter forks each of them.

Importing the product takes a second of processor time, and a crash test starts many processes. So
one helper process imports it once; a child is a fork of it that takes over arguments, environment
and log file and then runs the program from its beginning. Children have their own pid and can be
killed, stopped and awaited like any other process.
"""

import atexit
import functools
import gc
import importlib
import json
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).parents[2]
PROGRAM = "gateway.cli:main"
WARM = ("gateway.cli", "gateway.cli.serve", "gateway.cli.tenant", "gateway.cli.work_process")


class Nursery:
    """The helper process, driven by one JSON line for each request and answer."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._helper = subprocess.Popen(
            [sys.executable, "-m", "tests.support.nursery"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        *,
        program: str = PROGRAM,
    ) -> int:
        """Start `module:function` with these arguments; its pid."""
        answer = self._ask(
            program=program, arguments=list(arguments), environment=dict(environment), log=str(log)
        )
        return int(answer["pid"])

    def code(self, pid: int) -> int | None:
        """The exit code of a child (negative: the signal that ended it), None while it runs."""
        found: int | None = self._ask(code_of=pid)["code"]
        return found

    def close(self) -> None:
        """End the helper; its children go on."""
        for pipe in (self._helper.stdin, self._helper.stdout):
            if pipe is not None:
                pipe.close()
        self._helper.wait()

    def _ask(self, **request: Any) -> dict[str, Any]:
        stdin, stdout = self._helper.stdin, self._helper.stdout
        assert stdin is not None
        assert stdout is not None
        with self._turn:
            stdin.write(json.dumps(request) + "\n")
            stdin.flush()
            answer: dict[str, Any] = json.loads(stdout.readline())
        return answer


@functools.cache
def shared() -> Nursery:
    """The one of this test process."""
    made = Nursery()
    atexit.register(made.close)
    return made


def serve() -> None:
    """Answer requests until stdin ends."""
    for name in WARM:
        importlib.import_module(name)
    gc.freeze()
    ended: dict[int, int] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if "code_of" in request:
            answer = {"code": _code(request["code_of"], ended)}
        else:
            answer = {"pid": os.fork() or _run(request)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _code(pid: int, ended: dict[int, int]) -> int | None:
    if pid not in ended:
        found, status = os.waitpid(pid, os.WNOHANG)
        if not found:
            return None
        ended[pid] = os.waitstatus_to_exitcode(status)
    return ended[pid]


def _run(request: Mapping[str, Any]) -> NoReturn:
    """Become the child: never returns."""
    code: object = 1
    try:
        _take_over(request)
        module, _, function = request["program"].partition(":")
        getattr(importlib.import_module(module), function)()
        code = 0
    except SystemExit as error:
        code = error.code
    except BaseException:  # noqa: BLE001 - the log must hold whatever ended it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


def _take_over(request: Mapping[str, Any]) -> None:
    """The child's own standard streams, environment and arguments."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.closerange(3, 64)
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["bldng-scim", *request["arguments"]]


if __name__ == "__main__":
    serve()
