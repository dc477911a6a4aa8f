"""What an answer of BLDNG means: error in, decision out. No I/O here.

`judge` is the whole table: rows are causes, columns are operations. It returns a `Decision`, which
says how the resource leaves its lease, or an `Again`, which says what to do before that within
the same attempt, at most once each (members are halved until one is left).

Counted failures are those of the resource: 16 in a row make it dead. Failures of BLDNG as a whole
(unreachable, throttling, misconfigured) are not counted; they feed the tenant's breaker or park
the tenant. A create whose end is not known is ambiguous: it is not repeated before `settle_ms` has
passed, when a lookup is sure to see what it did.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from clients.bldng.errors import Refused, Throttled
from clients.redis.types import Outcome, Signal
from workers import waits
from workers.causes import Again, Cause, Operation, classify

DEAD_AFTER: Final = 16
"""Counted failures in a row, about 1.5 hours, after which a resource waits for a human."""
LOCKED_DEAD_AFTER: Final = 10
"""The same for a record that BLDNG keeps locked (423, 425)."""
INTERNAL_DEAD_AFTER: Final = 3
"""The same for faults of this program: repeating them rarely helps."""
INTERRUPTED_MS: Final = 1_000
"""How long an attempt without time left in its lease waits for the next."""
CONFIG_HOLD_MS: Final = 60_000
"""How long a tenant rests when only a human can mend its cause; then one probe is sent."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the decision depends on besides the answer.

    `failures`: counted failures in a row so far. `jitter` in [0, 1). `others_succeed`: BLDNG
    accepted other changes of the tenant lately. `tried`: what this attempt did again already.
    `divisible`: the members that were sent can be sent in smaller batches.
    """

    failures: int = 0
    jitter: float = 0.0
    settle_ms: int = 30_000
    others_succeed: bool = False
    tried: frozenset[Again] = frozenset()
    divisible: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """How the resource leaves its lease; the fields are those of `Settlement`.

    `text` says more than the cause does, without personal values.
    """

    outcome: Outcome
    signal: Signal
    cause: Cause = Cause.NONE
    counted: bool = False
    delay_ms: int = 0
    hold_ms: int = 0
    blocked_on: str = ""
    text: str = ""


Answer = Decision | Again
Judge = Callable[[Operation, Exception, Facts], Answer]

DONE: Final = Decision(Outcome.OK, Signal.OK)
"""The change is at BLDNG."""


def judge(operation: Operation, error: Exception | None, facts: Facts) -> Answer:
    """Decide what becomes of a resource after `operation` ended with `error` (None: as agreed)."""
    if error is None:
        return DONE
    row = _ROWS[classify(operation, error)]
    return row(operation, error, facts)


def judge_ours(error: Exception, facts: Facts) -> Decision:
    """Decide about what is not BLDNG's failure: the lease's end, Redis', or a fault of ours."""
    answer = judge(Operation.LOOKUP, error, facts)
    return answer if isinstance(answer, Decision) else _internal(Operation.LOOKUP, error, facts)


def later(facts: Facts, *, tried: frozenset[Again], divisible: bool) -> Facts:
    """The same facts later in the attempt."""
    return replace(facts, tried=tried, divisible=divisible)


def explained(decision: Decision, text: str) -> Decision:
    """The same decision with a text, unless it has one."""
    return decision if decision.text else replace(decision, text=text)


def release(*, delay_ms: int) -> Decision:
    """Give the resource back uncounted, due after `delay_ms`."""
    return Decision(Outcome.RELEASE, Signal.NONE, Cause.INTERRUPTED, delay_ms=delay_ms)


def dead(cause: Cause, text: str = "") -> Decision:
    """The resource waits for a human or a newer write; BLDNG itself is well."""
    return Decision(Outcome.DEAD, Signal.OK, cause, text=text)


def blocked(holder: str) -> Decision:
    """The resource waits for `holder`, the resource key of ours that still has the value."""
    return Decision(Outcome.BLOCK, Signal.OK, Cause.BLOCKED, blocked_on=holder)


def _park(cause: Cause) -> Decision:
    return Decision(Outcome.PARK, Signal.CONFIG, cause, hold_ms=CONFIG_HOLD_MS)


def _count(
    cause: Cause,
    facts: Facts,
    *,
    signal: Signal,
    ambiguous: bool = False,
    dead_after: int = DEAD_AFTER,
) -> Decision:
    """A counted retry, or dead when it was one too many."""
    failures = facts.failures + 1
    settle_ms = facts.settle_ms if ambiguous else 0
    if failures >= dead_after:
        return Decision(Outcome.DEAD, signal, cause, delay_ms=settle_ms)
    delay_ms = waits.backoff_ms(failures, facts.jitter) + settle_ms
    return Decision(Outcome.RETRY, signal, cause, counted=True, delay_ms=delay_ms)


def _uncounted(cause: Cause, facts: Facts, *, signal: Signal) -> Decision:
    delay_ms = waits.backoff_ms(facts.failures + 1, facts.jitter)
    return Decision(Outcome.RETRY, signal, cause, delay_ms=delay_ms)


def _makes(operation: Operation) -> bool:
    return operation in {Operation.CREATE, Operation.DEPARTMENT}


def _protocol(operation: Operation, error: Exception, facts: Facts) -> Answer:
    if operation is Operation.DELETE:
        return DONE
    comparable = operation in {Operation.UPDATE, Operation.MEMBERS}
    if comparable and Again.COMPARE not in facts.tried:
        return Again.COMPARE
    return _count(Cause.PROTOCOL, facts, signal=Signal.FAULT, ambiguous=_makes(operation))


def _fault(cause: Cause) -> Judge:
    def row(operation: Operation, error: Exception, facts: Facts) -> Answer:
        return _count(cause, facts, signal=Signal.FAULT, ambiguous=_makes(operation))

    return row


def _config(cause: Cause) -> Judge:
    return lambda operation, error, facts: _park(cause)


def _rejected(operation: Operation, error: Exception, facts: Facts) -> Answer:
    if not isinstance(error, Refused):
        return dead(Cause.REJECTED)
    if operation is Operation.CREATE and error.problem_code == "idempotency_mismatch":
        return dead(Cause.REJECTED) if Again.LOOKUP in facts.tried else Again.LOOKUP
    if operation is Operation.MEMBERS and error.status in {400, 413} and facts.divisible:
        return Again.HALVE
    unknown_department = any(problem.field == "departmentId" for problem in error.fields)
    sends_fields = operation in {Operation.CREATE, Operation.UPDATE}
    if sends_fields and unknown_department and Again.FRESH_DEPARTMENT not in facts.tried:
        return Again.FRESH_DEPARTMENT
    return dead(Cause.REJECTED)


def _auth(operation: Operation, error: Exception, facts: Facts) -> Answer:
    return _park(Cause.AUTH) if Again.REPEAT in facts.tried else Again.REPEAT


def _forbidden(operation: Operation, error: Exception, facts: Facts) -> Answer:
    return dead(Cause.FORBIDDEN) if facts.others_succeed else _park(Cause.FORBIDDEN)


def _missing(operation: Operation, error: Exception, facts: Facts) -> Answer:
    """UPDATE, DELETE and MEMBERS only: elsewhere a 404 is the organisation's."""
    if operation is Operation.DELETE:
        return DONE
    if Again.HEAL not in facts.tried:
        return Again.HEAL
    return _count(Cause.MISSING, facts, signal=Signal.OK)


def _conflict(operation: Operation, error: Exception, facts: Facts) -> Answer:
    match operation:
        case Operation.CREATE if Again.LOOKUP not in facts.tried:
            return Again.LOOKUP
        case Operation.UPDATE if _names_owner(error) and Again.FIND_OWNER not in facts.tried:
            return Again.FIND_OWNER
        case Operation.CREATE | Operation.UPDATE | Operation.LOOKUP:
            return dead(Cause.CONFLICT)
        case Operation.DELETE | Operation.MEMBERS | Operation.DEPARTMENT:
            return _count(Cause.CONFLICT, facts, signal=Signal.OK)


def _names_owner(error: Exception) -> bool:
    return isinstance(error, Refused) and error.conflict is not None


def _precondition(operation: Operation, error: Exception, facts: Facts) -> Answer:
    if Again.REPEAT not in facts.tried:
        return Again.REPEAT
    return _count(Cause.PRECONDITION, facts, signal=Signal.OK)


def _locked(operation: Operation, error: Exception, facts: Facts) -> Answer:
    return _count(Cause.LOCKED, facts, signal=Signal.OK, dead_after=LOCKED_DEAD_AFTER)


def _throttled(operation: Operation, error: Exception, facts: Facts) -> Answer:
    """A 503 may have been said after a create was done, a 429 not."""
    if not isinstance(error, Throttled):
        raise TypeError("only Throttled belongs to this row")
    unclear = _makes(operation) and error.status == 503
    return Decision(
        Outcome.PARK,
        Signal.THROTTLE,
        Cause.THROTTLED,
        delay_ms=facts.settle_ms if unclear else 0,
        hold_ms=waits.throttle_ms(error.retry_after_s),
    )


def _not_sent(operation: Operation, error: Exception, facts: Facts) -> Answer:
    return _uncounted(Cause.NOT_SENT, facts, signal=Signal.FAULT)


def _redis(operation: Operation, error: Exception, facts: Facts) -> Answer:
    return _uncounted(Cause.REDIS, facts, signal=Signal.NONE)


def _interrupted(operation: Operation, error: Exception, facts: Facts) -> Answer:
    return release(delay_ms=INTERRUPTED_MS)


def _unbudgeted(operation: Operation, error: Exception, facts: Facts) -> Answer:
    """Not sent, by our own choice: neither the resource nor BLDNG is to blame."""
    return replace(release(delay_ms=INTERRUPTED_MS), cause=Cause.BUDGET)


def _internal(operation: Operation, error: Exception, facts: Facts) -> Decision:
    return _count(Cause.INTERNAL, facts, signal=Signal.NONE, dead_after=INTERNAL_DEAD_AFTER)


_ROWS: Final[Mapping[Cause, Judge]] = {
    Cause.PROTOCOL: _protocol,
    Cause.REDIRECTED: _config(Cause.REDIRECTED),
    Cause.REJECTED: _rejected,
    Cause.AUTH: _auth,
    Cause.FORBIDDEN: _forbidden,
    Cause.MISSING: _missing,
    Cause.ORG_UNKNOWN: _config(Cause.ORG_UNKNOWN),
    Cause.UNSUPPORTED: _config(Cause.UNSUPPORTED),
    Cause.CONFLICT: _conflict,
    Cause.PRECONDITION: _precondition,
    Cause.LOCKED: _locked,
    Cause.THROTTLED: _throttled,
    Cause.UNAVAILABLE: _fault(Cause.UNAVAILABLE),
    Cause.UNANSWERED: _fault(Cause.UNANSWERED),
    Cause.NOT_SENT: _not_sent,
    Cause.CERTIFICATE: _config(Cause.CERTIFICATE),
    Cause.INTERRUPTED: _interrupted,
    Cause.BUDGET: _unbudgeted,
    Cause.REDIS: _redis,
    Cause.INTERNAL: _internal,
}
