"""A real redis-server on this machine, for `bldng-scim dev` and for the tests.

The program is the one that the `embedded` extra puts beside the interpreter, or the one on PATH.
"""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from clients.redis import types

START_TIMEOUT_S = 20.0
"""Loading a large append-only file takes seconds; more than this is a fault."""

HOST = "127.0.0.1"


def find_server() -> Path:
    """The redis-server program; raises `NoRedisServer` when there is none."""
    beside = Path(sys.executable).parent / "redis-server"
    if beside.is_file():
        return beside
    on_path = shutil.which("redis-server")
    if on_path is None:
        raise types.NoRedisServer(
            "no redis-server was found. Cure: pip install 'bldng-scim[embedded]', "
            "or put a redis-server 6.2 or newer on PATH"
        )
    return Path(on_path)


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class EmbeddedRedis:
    """One redis-server with an append-only file and without eviction, on loopback.

    `port` 0 takes a free one. `extra` are further settings by name, `program` another server than
    the one `find_server` finds. Data stays in `directory` and survives `stop` and `kill`.
    """

    def __init__(
        self,
        directory: Path,
        *,
        port: int = 0,
        appendfsync: str = "always",
        extra: Mapping[str, str] | None = None,
        program: Path | None = None,
    ) -> None:
        self.directory = directory
        self._program = program
        self.port = port or free_port()
        self._settings = {
            "bind": HOST,
            "dir": str(directory),
            "appendonly": "yes",
            "appendfsync": appendfsync,
            "maxmemory-policy": "noeviction",
            "save": "",
            "logfile": "redis.log",
            **(extra or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it and wait until it answers PING with its data loaded."""
        self.directory.mkdir(parents=True, exist_ok=True)
        arguments = [str(self._program or find_server()), "--port", str(self.port)]
        for name, value in self._settings.items():
            arguments += [f"--{name}", value]
        self._process = subprocess.Popen(  # noqa: S603 - our own program and settings
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        self._wait_until_ready()

    def stop(self) -> None:
        """End it in order: it writes its file and leaves."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=START_TIMEOUT_S)
            self._process = None

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=START_TIMEOUT_S)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _wait_until_ready(self) -> None:
        give_up_at = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            died = self._process is None or self._process.poll() is not None
            if died or time.monotonic() > give_up_at:
                self.kill()
                log = self.directory / "redis.log"
                raise RuntimeError(f"redis-server did not start on port {self.port}: see {log}")
            time.sleep(0.01)

    def _answers(self) -> bool:
        """Whether it answers PING or wants a password first; another error says: still loading."""
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False
