"""What can go wrong between us and BLDNG, in one vocabulary. No I/O here.

`classify` puts every error into one row of the outcome table (`workers.outcome`); its name is the
documented cause that operators read of a retry, a parked tenant or a dead change.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from clients.bldng.errors import (
    BldngError,
    CertificateInvalid,
    NotSent,
    ProtocolError,
    Redirected,
    Throttled,
    Unanswered,
    Unbudgeted,
)
from clients.redis.types import RedisUnavailable
from workers.lease import Interrupted


class Operation(StrEnum):
    """The column of the table: what was tried."""

    LOOKUP = "lookup"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    MEMBERS = "members"
    DEPARTMENT = "department"


class Cause(StrEnum):
    """The row of the table: why a change is retried or dead, or a tenant parked."""

    NONE = ""
    PROTOCOL = "protocol"
    REDIRECTED = "redirected"
    REJECTED = "rejected"
    AUTH = "auth"
    FORBIDDEN = "forbidden"
    MISSING = "missing"
    ORG_UNKNOWN = "org_unknown"
    UNSUPPORTED = "unsupported"
    CONFLICT = "conflict"
    PRECONDITION = "precondition"
    LOCKED = "locked"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    UNANSWERED = "unanswered"
    NOT_SENT = "not_sent"
    BUDGET = "budget"
    CERTIFICATE = "certificate"
    INTERRUPTED = "interrupted"
    REDIS = "redis"
    INTERNAL = "internal"
    UNMAPPABLE = "unmappable"
    BLOCKED = "blocked"
    DUPLICATE_BACKEND = "duplicate_backend"
    NEEDS_REVIEW = "needs_review"


class Again(StrEnum):
    """What to do next in the same attempt, at most once each, but HALVE until one is left."""

    REPEAT = "repeat"
    """The same call; the token is asked for anew."""
    LOOKUP = "lookup"
    """Look for the record again, then adopt it or create it with a new idempotency key."""
    COMPARE = "compare"
    """Read the record, or the members: equal to what was sent is success."""
    FRESH_DEPARTMENT = "fresh_department"
    """Forget the remembered department id and resolve the name again."""
    HEAL = "heal"
    """The record vanished: forget its id, look for it, create it (a group: with all members)."""
    FIND_OWNER = "find_owner"
    """Read the record that holds the value, and find out whether it is one of ours."""
    HALVE = "halve"
    """Send the members in two halves."""


_TYPES: Final[Mapping[type[Exception], Cause]] = {
    Interrupted: Cause.INTERRUPTED,
    RedisUnavailable: Cause.REDIS,
    NotSent: Cause.NOT_SENT,
    Unbudgeted: Cause.BUDGET,
    CertificateInvalid: Cause.CERTIFICATE,
    Unanswered: Cause.UNANSWERED,
    ProtocolError: Cause.PROTOCOL,
    Redirected: Cause.REDIRECTED,
    Throttled: Cause.THROTTLED,
}


def classify(operation: Operation, error: Exception) -> Cause:
    """The row of an error; what comes neither from BLDNG nor from Redis is our own fault."""
    for kind, cause in _TYPES.items():
        if isinstance(error, kind):
            return cause
    if isinstance(error, BldngError):
        return _by_status(operation, error.status or 0)
    return Cause.INTERNAL


_STATUSES: Final[Mapping[int, Cause]] = {
    401: Cause.AUTH,
    403: Cause.FORBIDDEN,
    404: Cause.MISSING,
    405: Cause.UNSUPPORTED,
    406: Cause.UNSUPPORTED,
    408: Cause.UNANSWERED,
    409: Cause.CONFLICT,
    410: Cause.MISSING,
    412: Cause.PRECONDITION,
    415: Cause.UNSUPPORTED,
    423: Cause.LOCKED,
    425: Cause.LOCKED,
    501: Cause.UNSUPPORTED,
}


def _by_status(operation: Operation, status: int) -> Cause:
    """An unknown 4xx is a refusal of this record, an unknown 5xx a fault of BLDNG."""
    cause = _STATUSES.get(status, Cause.UNAVAILABLE if status >= 500 else Cause.REJECTED)
    unscoped = operation in {Operation.LOOKUP, Operation.CREATE, Operation.DEPARTMENT}
    return Cause.ORG_UNKNOWN if cause is Cause.MISSING and unscoped else cause
