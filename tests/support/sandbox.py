"""Fixtures: the sandbox over real HTTP on a free port, and a client of it.

A plugin module: name it in `pytest_plugins`.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from clients.bldng import client
from clients.bldng.sandbox import app
from clients.bldng.sandbox.faults import Fault, Faults
from clients.bldng.sandbox.state import Logged, State

TOKEN = "sandbox-service-token"
ORG = "acme"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox, seen from outside (`base_url`, `token`) and from inside."""

    base_url: str
    token: str
    state: State
    faults: Faults

    @property
    def log(self) -> list[Logged]:
        """Every request so far, oldest first."""
        return list(self.state.log)

    def users(self, org: str = ORG) -> list[dict[str, Any]]:
        """The users BLDNG holds."""
        return list(self.state.org(org).users)

    def order(self, **fault: Any) -> None:
        """Order one fault."""
        self.faults.add(Fault(**fault))

    def calls(self, method: str, path: str = "") -> list[Logged]:
        """The logged requests with this method and a path that begins so."""
        return [row for row in self.log if row.method == method and row.path.startswith(path)]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A fresh sandbox with faults of seed 0."""
    state, faults = State(token=TOKEN, now_ms=app.wall_clock_ms), Faults()
    async with app.serve(app.make_app(state, faults), host="127.0.0.1", port=0) as base_url:
        yield Sandbox(base_url=base_url, token=TOKEN, state=state, faults=faults)


@pytest.fixture
async def bldng(sandbox: Sandbox) -> AsyncIterator[client.Bldng]:
    """A client of the sandbox with short timeouts."""
    async with client.connect(
        base_url=sandbox.base_url, token=sandbox.token, timeout_s=1.0, connect_timeout_s=0.3
    ) as connected:
        yield connected
