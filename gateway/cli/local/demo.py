"""What a data folder remembers, so that a restart shows the same Tenant URL and token.

The folder belongs to one `dev` at a time: two Redis servers on one append-only file would ruin it.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import orjson

from clients.redis.types import Policy
from gateway import tokens
from gateway.cli import environment, registry
from gateway.cli.output import ExitCode, Failure
from gateway.settings import Settings

TENANT: Final = "demo"
ORG: Final = "demo"


@dataclass(slots=True)
class Memory:
    """The file `dev.json`, readable by its owner only. `ports`: process name -> port."""

    secret_token: str = ""
    backend_token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    ports: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "Memory":
        """What was remembered, or a fresh memory. Raises Failure for a broken file."""
        path = folder / "dev.json"
        if not path.exists():
            return cls()
        try:
            return cls(**orjson.loads(path.read_bytes()))
        except (orjson.JSONDecodeError, TypeError) as error:
            raise Failure(ExitCode.ERROR, f"{path} is broken: {error}; remove it") from None

    def write(self, folder: Path) -> None:
        """Replace the file; it is never readable by others."""
        draft = folder / "dev.json.new"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(asdict(self)))
        draft.replace(folder / "dev.json")


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Keep the folder for this process.

    Raises:
        Failure: CONFLICT when another `dev`, or the Redis of one that was killed, still uses it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Failure(
                ExitCode.CONFLICT, f"{folder} is used by another `dev`; stop it or pass --data"
            ) from None
        _refuse_orphan(folder / "redis" / "redis.pid")
        yield


def _refuse_orphan(pid_file: Path) -> None:
    """A redis-server removes its pid file when it ends in order."""
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text())
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        pid_file.unlink()
        return
    raise Failure(
        ExitCode.CONFLICT, f"an earlier redis-server still runs as process {pid}: kill {pid}"
    )


async def token(loaded: Settings, remembered: str) -> str:
    """The demo tenant's token: the remembered one while it opens the tenant, else a new one."""
    now_ms = environment.now_ms()
    async with environment.tenants(loaded, install=True) as tenants:
        if remembered:
            held = await tenants.token(tokens.parse(remembered))
            if held and registry.is_live(held, now_ms=now_ms):
                return remembered
        if await tenants.get(TENANT) is None:
            issued = await registry.create(
                tenants, TENANT, org=ORG, policy=Policy.LINK, now_ms=now_ms
            )
        else:
            issued = await registry.issue(tenants, TENANT, now_ms=now_ms)
        return issued.secret
