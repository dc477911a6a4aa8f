"""Ports on loopback: the usual ones when they are free, others when they are not."""

import asyncio
import fcntl
import os
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from clients.redis import embedded

HOST: Final = "127.0.0.1"

POLL_S: Final = 0.1


@asynccontextmanager
async def chosen_alone() -> AsyncIterator[None]:
    """Hold this while ports are picked and until servers listen on them.

    Of two `dev` that pick at the same time, one would find the other's servers on its ports and
    take them for its own.
    """
    path = Path(tempfile.gettempdir()) / f"bldng-scim-dev-{os.getuid()}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        await _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def pick(preferred: int) -> int:
    """`preferred` when nobody listens on it, else a free one."""
    return preferred if _is_free(preferred) else embedded.free_port()


async def _lock(descriptor: int) -> None:
    """Wait for the lock without holding up the event loop."""
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(POLL_S)
        else:
            return


def _is_free(port: int) -> bool:
    """A server that stopped a moment ago does not count, as it would not for ours."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
