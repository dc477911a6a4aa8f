"""What the sandbox holds: organisations with their records and memberships. No I/O here.

Ids are `usr_00000001` and so on; they grow, so their order is the order of creation, and none is
ever given twice.
"""

from collections import deque
from collections.abc import Callable
from collections.abc import Collection as Names
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from clients.bldng.sandbox import problems
from clients.bldng.sandbox.collection import Collection, Record, exact

LOG_MAX = 100_000
"""Most requests the log keeps."""


class Modes(BaseModel):
    """Which promises of the contract the sandbox keeps; all of them by default.

    `visible_after_ms` hides a new record from look-ups (not from GET by id) for that long.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    uniqueness: bool = True
    idempotency: bool = True
    visible_after_ms: int = 0


@dataclass(frozen=True, slots=True)
class Logged:
    """One request as the sandbox saw it.

    `effect` is what it changed (`created usr_…`), empty when nothing; `status` is 0 when no whole
    answer was sent; `fault` names the fault that struck.
    """

    number: int
    at_ms: int
    method: str
    path: str
    query: dict[str, str]
    org: str
    request_id: str
    idempotency_key: str
    body: Any
    status: int
    effect: str = ""
    fault: str = ""


@dataclass(slots=True)
class Replay:
    """The first successful answer to an idempotency key."""

    fingerprint: str
    at_ms: int
    status: int
    body: Record


@dataclass(slots=True)
class Organisation:
    """A customer of BLDNG."""

    users: Collection = field(
        default_factory=lambda: Collection(
            "user", "usr_", {"username": str.casefold, "ssoSubject": exact}
        )
    )
    departments: Collection = field(
        default_factory=lambda: Collection("department", "dep_", {"name": str.casefold})
    )
    groups: Collection = field(
        default_factory=lambda: Collection(
            "group", "grp_", {"name": str.casefold, "externalId": exact}
        )
    )
    members: dict[str, dict[str, None]] = field(default_factory=dict)
    replays: dict[str, Replay] = field(default_factory=dict)
    born_ms: dict[str, int] = field(default_factory=dict)


class State:
    """All organisations. `orgs` None makes each on demand; else the others are 404."""

    def __init__(
        self, *, token: str, now_ms: Callable[[], int], orgs: Names[str] | None = None
    ) -> None:
        self.token = token
        self.now_ms = now_ms
        self.modes = Modes()
        self.log: deque[Logged] = deque(maxlen=LOG_MAX)
        self.revision = 0
        self._known = None if orgs is None else frozenset(orgs)
        self._orgs: dict[str, Organisation] = {}
        self._last = 0
        self._logged = 0

    def org(self, name: str) -> Organisation:
        """The organisation, made on demand. Raises Refusal 404."""
        if name not in self._orgs and self._known is not None and name not in self._known:
            raise problems.not_found("organisation")
        return self._orgs.setdefault(name, Organisation())

    def new_id(self, prefix: str) -> str:
        """The next id."""
        self._last += 1
        return f"{prefix}{self._last:08d}"

    def next_number(self) -> int:
        """The number of the next logged request; it never starts again."""
        self._logged += 1
        return self._logged

    def now_iso(self) -> str:
        """The clock as BLDNG writes it."""
        now = datetime.fromtimestamp(self.now_ms() / 1000, UTC)
        return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def touch(self) -> None:
        """Note that something changed; the state file follows."""
        self.revision += 1

    def visible(self, org: Organisation, record_id: str) -> bool:
        """Whether look-ups see the record already."""
        born_ms = org.born_ms.get(record_id, 0)
        return self.now_ms() - born_ms >= self.modes.visible_after_ms

    def reset(self) -> None:
        """Forget all records, the log and the modes."""
        self._orgs.clear()
        self.log.clear()
        self.modes = Modes()
        self.touch()

    def dump(self) -> dict[str, Any]:
        """Everything but the log, as JSON; `load` takes it back."""
        return {"last": self._last, "orgs": {name: _dump(org) for name, org in self._orgs.items()}}

    def load(self, dumped: dict[str, Any]) -> None:
        """Take over what `dump` gave."""
        self._last = dumped["last"]
        self._orgs = {name: _load(org) for name, org in dumped["orgs"].items()}


def _dump(org: Organisation) -> dict[str, Any]:
    return {
        "users": list(org.users),
        "departments": list(org.departments),
        "groups": list(org.groups),
        "members": {group: list(members) for group, members in org.members.items()},
        "replays": {key: asdict(replay) for key, replay in org.replays.items()},
    }


def _load(dumped: dict[str, Any]) -> Organisation:
    org = Organisation(
        members={group: dict.fromkeys(ids) for group, ids in dumped["members"].items()},
        replays={key: Replay(**replay) for key, replay in dumped["replays"].items()},
    )
    for name in ("users", "departments", "groups"):
        for record in dumped[name]:
            getattr(org, name).put(record)
    return org
