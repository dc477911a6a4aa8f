"""Keeps the sandbox's state in a JSON file, so that a restart finds it again."""

import asyncio
import contextlib
from pathlib import Path

import orjson

from clients.bldng.sandbox.state import State

SAVE_EVERY_S = 0.5
"""How often a changed state is written, in seconds. A kill loses at most this much."""


def load(state: State, path: Path) -> None:
    """Take over what the file holds, if there is one. Raises ValueError when it is not ours."""
    if not path.exists():
        return
    try:
        state.load(orjson.loads(path.read_bytes()))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no state file of the sandbox: remove it") from error


def save(state: State, path: Path) -> None:
    """Replace the file in one step: it is always a whole state."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    draft.write_bytes(orjson.dumps(state.dump()))
    draft.replace(path)


async def keep(state: State, path: Path, stop: asyncio.Event) -> None:
    """Write the state whenever it has changed, until `stop`; a last time then."""
    saved = state.revision
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), SAVE_EVERY_S)
        if saved != state.revision:
            saved = state.revision
            save(state, path)
