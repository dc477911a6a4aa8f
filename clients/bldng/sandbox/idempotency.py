"""Idempotency keys: the first successful answer again, for 24 hours. No I/O here."""

import hashlib

from clients.bldng.sandbox import problems
from clients.bldng.sandbox.collection import Record
from clients.bldng.sandbox.state import Organisation, Replay, State

KEEP_MS = 24 * 3600 * 1000
"""How long a key is kept, in milliseconds."""


def fingerprint(path: str, body: bytes) -> str:
    """What makes two requests the same one."""
    return hashlib.sha256(path.encode() + b"\0" + body).hexdigest()


def earlier(state: State, org: Organisation, key: str, print_: str) -> Replay | None:
    """The first answer to this key. Raises Refusal 422 when it was used with another body."""
    replay = org.replays.get(key)
    if replay is None or not state.modes.idempotency or state.now_ms() - replay.at_ms > KEEP_MS:
        return None
    if replay.fingerprint != print_:
        detail = "This idempotency key was used with another body."
        raise problems.Refusal(422, "idempotency_mismatch", detail)
    return replay


def keep(state: State, org: Organisation, key: str, *, print_: str, body: Record) -> None:
    """Remember a successful create."""
    org.replays[key] = Replay(print_, state.now_ms(), 201, body)
