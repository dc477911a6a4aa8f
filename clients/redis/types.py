"""The values that cross the border of `clients.redis`: what goes into a script and what comes out.

No I/O here. A resource is named by its resource key (`rk`): `u:<scim id>` or `g:<scim id>`.
Times are milliseconds of Redis' own clock; versions are integers that only grow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from clients.redis.server import Address


class RedisUnavailable(Exception):
    """Redis did not answer in time, refused the connection, or a call's outcome is unknown.

    The call may or may not have run: repeat it with the same nonce or token.
    """


class RedisFull(RedisUnavailable):
    """Redis refused a growing write because `maxmemory` is reached; nothing was written."""


class ForeignRedis(RedisUnavailable):
    """The installation id (epoch) is missing or another one: this is not our data."""


class NotDurable(RedisUnavailable):
    """It was written, but not yet where `BLDNG_SCIM_ACK` wants it: too few replicas have it.

    `answer` is what Redis said to the call, for who may look at it all the same.
    """

    def __init__(self, text: str, answer: object = None) -> None:
        super().__init__(text)
        self.answer = answer


class NotMaster(RedisUnavailable):
    """This server is a replica, perhaps since a moment ago; nothing was written."""


class Redirected(RedisUnavailable):
    """The slot of the call is at `address`; the call did not run.

    With `asking` only this call is to go there: the slot is on the move.
    """

    def __init__(self, address: Address, *, asking: bool) -> None:
        super().__init__("another node of the Cluster has the slot of this call")
        self.address = address
        self.asking = asking


class IncompatibleData(RedisUnavailable):
    """The data has a schema that this program does not know: nothing is read and nothing written.

    It ends when the data changes, so a process waits for that instead of ending.
    """


class NoRedisServer(Exception):
    """No redis-server program was found; the message names the extra that brings one."""


class TenantExists(Exception):
    """A tenant of this name exists already; nothing was changed."""


class UnknownTenant(Exception):
    """There is no tenant of this name."""


class UnknownToken(Exception):
    """There is no token with this key id."""


class UnsafeRedis(Exception):
    """The server may evict or does not persist; the message names the setting and the cure."""


class Policy(StrEnum):
    """What happens when a person already exists at BLDNG without an `ssoSubject`."""

    LINK = "link"
    STRICT = "strict"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A BLDNG customer. `partition` is assigned once, at creation, and never computed."""

    name: str
    partition: int
    org: str
    created_ms: int
    policy: Policy = Policy.LINK
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token's record. The secret itself is never stored, only its SHA-256."""

    key_id: str
    tenant: str
    digest: str
    created_ms: int
    expires_ms: int | None = None
    revoked_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A resource as stored: `doc` is the canonical JSON, `version` the source of its ETag."""

    rk: str
    version: int
    doc: bytes


class Lane(StrEnum):
    """How a change is queued inside its tenant.

    SECURITY changes overtake the others; those of people are counted by the mass-change guard.
    RETURN says that a person is wanted again: it ends what the guard holds of this person.
    """

    NORMAL = "normal"
    SECURITY = "security"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class Change:
    """One write of one resource.

    `op` is C, U or D. `expected` is the version read before; U and D need it: `old` belongs to it.
    `doc` and `digest` are empty for D. `old` and `new` map index names to folded values: all the
    values of the version read and all the values after the write, not only those that differ.
    """

    op: str
    rk: str
    nonce: str
    doc: bytes = b""
    digest: str = ""
    expected: int | None = None
    old: Mapping[str, str] = field(default_factory=dict)
    new: Mapping[str, str] = field(default_factory=dict)
    lane: Lane = Lane.NORMAL
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Guard:
    """The mass-change guard of a tenant.

    Of the people who are deactivated or deleted within `window_ms`, those beyond `limit` are held;
    0 holds nobody.
    """

    limit: int
    window_ms: int


class WriteStatus(StrEnum):
    """How a write ended. Only `OK` changed anything."""

    OK = "OK"
    NOOP = "NOOP"
    EXISTS = "EXISTS"
    GONE = "GONE"
    CONFLICT = "CONFLICT"
    UNIQ = "UNIQ"


@dataclass(frozen=True, slots=True)
class Written:
    """`version` after the write (OK, NOOP) or the one found (CONFLICT, EXISTS).

    `index` names the index that lost (UNIQ). `held`: stored, and kept from BLDNG by the
    mass-change guard; a repeat of the write says how that is by then.
    """

    status: WriteStatus
    version: int = 0
    index: str = ""
    held: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class MemberChange:
    """SCIM ids that join a group and ids that then leave it, as sent (1 to 128 characters each).

    Whether such a user or group exists is no condition: who does not exist yet is parked.
    """

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MembersPage:
    """A part of a group's members, each once within it; `total` counts all of them.

    `after` continues the walk, None at the end. A member present all the time is met; in a big
    group that changes meanwhile it may be met twice, and a page may hold a few more than asked.
    """

    ids: tuple[str, ...]
    after: str | None
    total: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page of resources in creation order; `total` counts all of that kind."""

    total: int
    resources: tuple[Stored, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """A bounded part of a walk in creation order; `after` continues it, None at the end."""

    resources: tuple[Stored, ...]
    after: int | None


@dataclass(frozen=True, slots=True)
class MemberEntry:
    """One membership that BLDNG does not have as desired: `sign` +1 joins, -1 leaves.

    `version` tells this change from a later one of the same member; never 0.
    """

    scim_id: str
    backend_id: str
    sign: int
    version: int


@dataclass(frozen=True, slots=True)
class MembersDelta:
    """What to change at BLDNG now: at most 500 entries, none whose person has no BLDNG id.

    `more` says that further entries wait for the next claim.
    When entries were sent and the settle came back STALE, give `ids` to `Queue.resync`.
    """

    add: tuple[MemberEntry, ...] = ()
    remove: tuple[MemberEntry, ...] = ()
    more: bool = False

    @property
    def entries(self) -> tuple[MemberEntry, ...]:
        """Those that leave, then those that join."""
        return self.remove + self.add

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(entry.scim_id for entry in self.entries)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A leased resource with its newest desired state.

    `doc` is None when the resource was deleted (a tombstone). `backend_id` is empty until BLDNG
    answered a create. `managed` and `applied_digest` say what BLDNG was last known to hold:
    a bit mask over the BLDNG field vocabulary and the digest of the last applied body.
    `force` asks to send again even if nothing seems to differ. `first_dirty_ms` is when the oldest
    unconfirmed change was accepted. `cause` is the id of the SCIM request that made it.
    While `backend_id` is empty, `released` lists `index:value` of the unique values given up since
    the first attempt (`xid:...`): an unanswered create may have left a record under them, so they
    are to be looked up as well, for a tombstone too.
    Of a group: `members` is what to change, `attributes_dirty` says that its own fields changed
    (or are to be sent again), `full` that its record vanished and all members are being sent.
    """

    tenant: str
    rk: str
    token: str
    version: int
    applied_version: int
    claim: int
    doc: bytes | None
    backend_id: str
    failures: int
    crashes: int
    force: bool
    managed: int
    applied_digest: str
    error: str
    first_dirty_ms: int
    cause: str
    partition: int
    released: tuple[str, ...] = ()
    members: MembersDelta = MembersDelta()
    attributes_dirty: bool = True
    full: bool = False

    @property
    def deleted(self) -> bool:
        """Whether only the deletion at BLDNG is left to do."""
        return self.doc is None


@dataclass(frozen=True, slots=True)
class Claim:
    """What one claim call gave: items, or how long nothing will be due (`idle_ms`, -1 unknown).

    `reaped` counts expired leases returned to the queue; more than 0 means: ask again at once.
    `suspects` counts the resources that may be tried now, each alone (not said while reaping).
    """

    items: tuple[Claimed, ...] = ()
    reaped: int = 0
    idle_ms: int = -1
    suspects: int = 0


class Outcome(StrEnum):
    """What a worker decides about a claimed resource."""

    OK = "ok"
    RETRY = "retry"
    PARK = "park"
    BLOCK = "block"
    RELEASE = "release"
    DEAD = "dead"


class Signal(StrEnum):
    """What an attempt says about the tenant's backend; feeds its breaker."""

    OK = "ok"
    FAULT = "fault"
    THROTTLE = "throttle"
    CONFIG = "config"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a claimed resource leaves its lease.

    `counted` adds to the consecutive failures (RETRY only). `delay_ms` postpones the resource
    (RETRY, PARK, RELEASE; after DEAD what revives it); `hold_ms` postpones the whole tenant (any
    outcome). `blocked_on` is the resource key that BLOCK waits for. `jitter` in [0, 1) spreads the
    breaker's hold. `error_code` is one of the documented causes (at most 60 characters) and
    `error_text` at most 1 KB, both without personal values.
    An empty `backend_id` keeps the one known; `forget_backend_id` drops it (the record vanished).
    What BLDNG may hold (`managed`, `applied_digest`) is kept whatever the outcome.
    Of a group, whatever the outcome: `members_done` are entries of the claim that BLDNG now has,
    `members_unknown` the SCIM ids of members whose BLDNG id it did not know: these people are sent
    again and then join.
    """

    outcome: Outcome
    version_sent: int
    signal: Signal = Signal.NONE
    backend_id: str = ""
    managed: int = 0
    applied_digest: str = ""
    counted: bool = False
    delay_ms: int = 0
    hold_ms: int = 0
    blocked_on: str = ""
    error_code: str = ""
    error_text: str = ""
    jitter: float = 0.0
    forget_backend_id: bool = False
    members_done: tuple[MemberEntry, ...] = ()
    members_unknown: tuple[str, ...] = ()


class SettleStatus(StrEnum):
    """Where the resource went; STALE means the lease was lost and nothing was changed."""

    SYNCED = "SYNCED"
    DELETED = "DELETED"
    DIRTY = "DIRTY"
    RETRY = "RETRY"
    PARKED = "PARKED"
    BLOCKED = "BLOCKED"
    RELEASED = "RELEASED"
    DEAD = "DEAD"
    DUP = "DUP"
    STALE = "STALE"


@dataclass(frozen=True, slots=True)
class Settled:
    """`latency_ms` runs from the first unconfirmed change to now, else -1.

    It is given for SYNCED, DELETED and DIRTY.
    `ready_ms` is the time until this tenant may be served again (-1 when it has nothing waiting).
    `earlier` is the first answer's status when the status is DUP.
    """

    status: SettleStatus
    latency_ms: int = -1
    ready_ms: int = -1
    earlier: str = ""


@dataclass(frozen=True, slots=True)
class ResourceState:
    """The sync state of one resource, for operators.

    Of a group: `members_pending` are changes that BLDNG does not have yet, `members_parked`
    members who have no BLDNG id yet or never will (a nested group, an id that nobody has).
    """

    rk: str
    state: str
    version: int
    applied_version: int
    backend_id: str
    failures: int
    crashes: int
    deleted: bool
    due_ms: int | None
    first_dirty_ms: int | None
    error_code: str
    error_text: str
    members_pending: int = 0
    members_parked: int = 0


@dataclass(frozen=True, slots=True)
class Depths:
    """Exact depth of the work of one tenant or of all tenants, and the oldest ages.

    `ready` are due now, `delayed` are due later (retry or blocked), `parked` are due now but their
    tenant is paused or on hold.
    """

    ready: int = 0
    delayed: int = 0
    running: int = 0
    parked: int = 0
    held: int = 0
    dead: int = 0
    oldest_unsynced_ms: int = 0
    resources: int = 0
