"""The outcome table, cell by cell: rows are answers of BLDNG, columns are operations."""

from dataclasses import dataclass
from typing import Any

import pytest

from clients.bldng import errors
from clients.redis.types import ForeignRedis, Outcome, RedisUnavailable, Signal
from mappers.bldng.vocabulary import Conflict, FieldProblem
from workers import outcome, waits
from workers.causes import Again, Cause, Operation
from workers.lease import Interrupted
from workers.outcome import DONE, Decision, Facts

LOOKUP, CREATE, UPDATE, DELETE, MEMBERS, DEPARTMENT = Operation
ALL = tuple(Operation)
MAKES = {CREATE, DEPARTMENT}
SETTLE_MS = 30_000
FIRST_MS = 1_000
"""The first backoff without jitter."""


@dataclass(frozen=True)
class Want:
    """What a cell promises, as far as its row speaks of it."""

    outcome: Outcome
    signal: Signal
    cause: Cause
    counted: bool = False
    ambiguous: bool = False
    hold_ms: int = 0


def refused(status: int, **more: Any) -> errors.BldngError:
    return errors.Refused(status, **more)


def conflict(status: int = 409) -> errors.BldngError:
    return refused(status, conflict=Conflict(field="username", id="usr_9"))


def judge(operation: Operation, error: Exception | None, **facts: Any) -> Any:
    return outcome.judge(operation, error, Facts(**facts))


def check(found: Any, want: Want) -> None:
    assert isinstance(found, Decision), found
    assert (found.outcome, found.signal, found.cause) == (want.outcome, want.signal, want.cause)
    assert found.counted is want.counted
    assert found.hold_ms == want.hold_ms
    if want.outcome is Outcome.RETRY:
        assert found.delay_ms == FIRST_MS + (SETTLE_MS if want.ambiguous else 0)
    else:
        assert (found.delay_ms >= SETTLE_MS) is want.ambiguous


def retry(cause: Cause, signal: Signal, *, counted: bool = True, ambiguous: bool = False) -> Want:
    return Want(Outcome.RETRY, signal, cause, counted=counted, ambiguous=ambiguous)


def dead(cause: Cause) -> Want:
    return Want(Outcome.DEAD, Signal.OK, cause)


def park(cause: Cause) -> Want:
    return Want(Outcome.PARK, Signal.CONFIG, cause, hold_ms=60_000)


@pytest.mark.parametrize("operation", ALL)
def test_as_agreed_is_done(operation: Operation) -> None:
    assert judge(operation, None) == DONE


@pytest.mark.parametrize(
    "error",
    [
        errors.Unavailable(500),
        errors.Unavailable(502),
        errors.Unavailable(503),
        errors.Unavailable(504),
        errors.Unavailable(599),
        errors.Unanswered("timeout"),
        errors.Unanswered("disconnected"),
        errors.Unanswered("truncated"),
        refused(408),
    ],
    ids=lambda error: error.code + getattr(error, "reason", ""),
)
@pytest.mark.parametrize("operation", ALL)
def test_a_fault_is_counted_and_ambiguous_for_what_makes_a_record(
    operation: Operation, error: errors.BldngError
) -> None:
    unanswered = isinstance(error, errors.Unanswered) or error.status == 408
    cause = Cause.UNANSWERED if unanswered else Cause.UNAVAILABLE
    check(judge(operation, error), retry(cause, Signal.FAULT, ambiguous=operation in MAKES))


@pytest.mark.parametrize(
    ("operation", "want"),
    [
        (LOOKUP, retry(Cause.PROTOCOL, Signal.FAULT)),
        (CREATE, retry(Cause.PROTOCOL, Signal.FAULT, ambiguous=True)),
        (DEPARTMENT, retry(Cause.PROTOCOL, Signal.FAULT, ambiguous=True)),
    ],
)
def test_an_unusable_success_is_a_fault(operation: Operation, want: Want) -> None:
    check(judge(operation, errors.ProtocolError("not_json")), want)


@pytest.mark.parametrize("operation", [UPDATE, MEMBERS])
def test_an_unusable_success_is_compared_once(operation: Operation) -> None:
    error = errors.ProtocolError("no_body")
    assert judge(operation, error) is Again.COMPARE
    again = judge(operation, error, tried=frozenset({Again.COMPARE}))
    check(again, retry(Cause.PROTOCOL, Signal.FAULT))


def test_an_unusable_success_of_a_deletion_is_a_deletion() -> None:
    assert judge(DELETE, errors.ProtocolError("wrong_body")) == DONE


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (errors.Redirected(302), Cause.REDIRECTED),
        (errors.CertificateInvalid(), Cause.CERTIFICATE),
        (refused(405), Cause.UNSUPPORTED),
        (refused(406), Cause.UNSUPPORTED),
        (refused(415), Cause.UNSUPPORTED),
        (errors.Unavailable(501), Cause.UNSUPPORTED),
    ],
)
@pytest.mark.parametrize("operation", ALL)
def test_what_only_a_human_mends_parks_the_tenant(
    operation: Operation, error: errors.BldngError, cause: Cause
) -> None:
    check(judge(operation, error), park(cause))


@pytest.mark.parametrize("operation", ALL)
def test_a_call_that_we_did_not_allow_ourselves_is_nobodys_fault(operation: Operation) -> None:
    want = Want(Outcome.RELEASE, Signal.NONE, Cause.BUDGET)
    check(judge(operation, errors.Unbudgeted()), want)


@pytest.mark.parametrize("status", [400, 402, 413, 418, 422, 451])
@pytest.mark.parametrize("operation", ALL)
def test_a_refusal_is_of_this_record(operation: Operation, status: int) -> None:
    check(judge(operation, refused(status)), dead(Cause.REJECTED))


@pytest.mark.parametrize("status", [400, 413])
def test_members_are_halved_until_they_cannot_be_divided(status: int) -> None:
    tried = frozenset({Again.HALVE})
    assert judge(MEMBERS, refused(status), divisible=True, tried=tried) is Again.HALVE
    check(judge(MEMBERS, refused(status), tried=tried), dead(Cause.REJECTED))
    check(judge(UPDATE, refused(status), divisible=True), dead(Cause.REJECTED))


def test_a_key_that_met_another_body_is_looked_up_and_made_anew_once() -> None:
    error = refused(422, problem_code="idempotency_mismatch")
    assert judge(CREATE, error) is Again.LOOKUP
    check(judge(CREATE, error, tried=frozenset({Again.LOOKUP})), dead(Cause.REJECTED))


@pytest.mark.parametrize("operation", [CREATE, UPDATE])
def test_an_unknown_department_is_resolved_anew_once(operation: Operation) -> None:
    error = refused(422, fields=(FieldProblem(field="departmentId"),))
    assert judge(operation, error) is Again.FRESH_DEPARTMENT
    tried = frozenset({Again.FRESH_DEPARTMENT})
    check(judge(operation, error, tried=tried), dead(Cause.REJECTED))


@pytest.mark.parametrize("operation", ALL)
def test_a_refused_token_is_asked_for_once_more_and_then_parks(operation: Operation) -> None:
    assert judge(operation, refused(401)) is Again.REPEAT
    check(judge(operation, refused(401), tried=frozenset({Again.REPEAT})), park(Cause.AUTH))


@pytest.mark.parametrize("operation", ALL)
def test_forbidden_blames_the_record_only_when_others_succeed(operation: Operation) -> None:
    check(judge(operation, refused(403)), park(Cause.FORBIDDEN))
    check(judge(operation, refused(403), others_succeed=True), dead(Cause.FORBIDDEN))


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_not_there(status: int) -> None:
    error = refused(status)
    for operation in (LOOKUP, CREATE, DEPARTMENT):
        check(judge(operation, error), park(Cause.ORG_UNKNOWN))
    for operation in (UPDATE, MEMBERS):
        assert judge(operation, error) is Again.HEAL
        healed = judge(operation, error, tried=frozenset({Again.HEAL}))
        check(healed, retry(Cause.MISSING, Signal.OK))
    assert judge(DELETE, error) == DONE


def test_a_conflict() -> None:
    assert judge(CREATE, conflict()) is Again.LOOKUP
    check(judge(CREATE, conflict(), tried=frozenset({Again.LOOKUP})), dead(Cause.CONFLICT))
    assert judge(UPDATE, conflict()) is Again.FIND_OWNER
    check(judge(UPDATE, conflict(), tried=frozenset({Again.FIND_OWNER})), dead(Cause.CONFLICT))
    check(judge(UPDATE, refused(409)), dead(Cause.CONFLICT))
    check(judge(LOOKUP, refused(409)), dead(Cause.CONFLICT))
    for operation in (DELETE, MEMBERS, DEPARTMENT):
        check(judge(operation, conflict()), retry(Cause.CONFLICT, Signal.OK))


@pytest.mark.parametrize("operation", ALL)
def test_a_failed_precondition_is_repeated_once(operation: Operation) -> None:
    assert judge(operation, refused(412)) is Again.REPEAT
    tried = frozenset({Again.REPEAT})
    check(judge(operation, refused(412), tried=tried), retry(Cause.PRECONDITION, Signal.OK))


@pytest.mark.parametrize("status", [423, 425])
@pytest.mark.parametrize("operation", ALL)
def test_a_locked_record_is_retried_ten_times(operation: Operation, status: int) -> None:
    check(judge(operation, refused(status)), retry(Cause.LOCKED, Signal.OK))
    assert judge(operation, refused(status), failures=8).outcome is Outcome.RETRY
    check(judge(operation, refused(status), failures=9), dead(Cause.LOCKED))


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("operation", ALL)
def test_throttling_parks_the_tenant_uncounted(operation: Operation, status: int) -> None:
    found = judge(operation, errors.Throttled(status, retry_after_s=7))
    unclear = status == 503 and operation in MAKES
    check(
        found,
        Want(Outcome.PARK, Signal.THROTTLE, Cause.THROTTLED, ambiguous=unclear, hold_ms=7_000),
    )


@pytest.mark.parametrize(
    ("retry_after_s", "hold_ms"),
    [(None, 30_000), (0, 1_000), (-5, 1_000), (7, 7_000), (1.5, 1_500), (86_400, 900_000)],
)
def test_a_retry_after_is_kept_within_bounds(retry_after_s: float | None, hold_ms: int) -> None:
    assert waits.throttle_ms(retry_after_s) == hold_ms


@pytest.mark.parametrize("reason", ["dns", "refused", "connect_timeout", "tls"])
@pytest.mark.parametrize("operation", ALL)
def test_what_was_not_sent_is_neither_counted_nor_ambiguous(
    operation: Operation, reason: str
) -> None:
    found = judge(operation, errors.NotSent(reason), failures=15)
    assert found.outcome is Outcome.RETRY
    assert (found.counted, found.signal) == (False, Signal.FAULT)
    assert found.delay_ms < SETTLE_MS * 16


@pytest.mark.parametrize("operation", ALL)
def test_the_end_of_the_lease_gives_the_resource_back(operation: Operation) -> None:
    found = judge(operation, Interrupted())
    assert (found.outcome, found.signal) == (Outcome.RELEASE, Signal.NONE)
    assert not found.counted


@pytest.mark.parametrize("error", [RedisUnavailable("gone"), ForeignRedis("other")])
@pytest.mark.parametrize("operation", ALL)
def test_trouble_with_redis_is_nobodys_fault(operation: Operation, error: Exception) -> None:
    check(judge(operation, error), retry(Cause.REDIS, Signal.NONE, counted=False))


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("y"), TypeError("z")])
@pytest.mark.parametrize("operation", ALL)
def test_our_own_fault_is_dead_after_three(operation: Operation, error: Exception) -> None:
    check(judge(operation, error), retry(Cause.INTERNAL, Signal.NONE))
    assert judge(operation, error, failures=1).outcome is Outcome.RETRY
    third = judge(operation, error, failures=2)
    assert (third.outcome, third.cause) == (Outcome.DEAD, Cause.INTERNAL)


def test_a_counted_failure_is_dead_at_the_sixteenth() -> None:
    fault = errors.Unavailable(500)
    assert judge(UPDATE, fault, failures=14).outcome is Outcome.RETRY
    last = judge(UPDATE, fault, failures=15)
    assert (last.outcome, last.signal) == (Outcome.DEAD, Signal.FAULT)
