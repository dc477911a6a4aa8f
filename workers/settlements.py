"""How a decision is written down for the queue. No I/O here."""

from dataclasses import replace

from clients.redis.types import Claimed, Settlement
from mappers.bldng import plan
from workers import outcome
from workers.outcome import Decision
from workers.steps import Steps
from workers.task import Task


def tried(task: Task, decision: Decision, steps: Steps, *, jitter: float) -> Settlement:
    """After an attempt, with what its steps learnt about BLDNG.

    When it sent something and failed, what BLDNG holds is unclear: no digest, and every field that
    may have been set counts as set by us. Members that were confirmed stay so.
    """
    managed, digest = steps.known.managed, steps.known.digest
    if not steps.confirmed and task.lease.touched:
        digest = ""
        managed = plan.mask_unsettled(task.wanted, managed) if task.wanted else managed
    settlement = _settlement(
        task.item,
        decision,
        plan.Known(steps.known.backend_id, managed, digest),
        forget=bool(task.item.backend_id and not steps.known.backend_id),
        jitter=jitter,
    )
    return replace(
        settlement,
        members_done=tuple(steps.membership.done),
        members_unknown=tuple(entry.scim_id for entry in steps.membership.unknown),
    )


def untried(item: Claimed, decision: Decision, *, jitter: float) -> Settlement:
    """When nothing was sent: what BLDNG holds stays as it was known."""
    known = plan.Known(item.backend_id, item.managed, item.applied_digest)
    return _settlement(item, decision, known, forget=False, jitter=jitter)


def released(item: Claimed, *, touched: bool, delay_ms: int) -> Settlement:
    """Give a resource back without an attempt's decision, uncounted, due after `delay_ms`."""
    digest = "" if touched else item.applied_digest
    known = plan.Known(item.backend_id, item.managed, digest)
    decision = outcome.release(delay_ms=delay_ms)
    return _settlement(item, decision, known, forget=False, jitter=0.0)


def _settlement(
    item: Claimed, decision: Decision, known: plan.Known, *, forget: bool, jitter: float
) -> Settlement:
    return Settlement(
        outcome=decision.outcome,
        version_sent=item.version,
        signal=decision.signal,
        backend_id=known.backend_id,
        forget_backend_id=forget,
        managed=known.managed,
        applied_digest=known.digest,
        counted=decision.counted,
        delay_ms=decision.delay_ms,
        hold_ms=decision.hold_ms,
        blocked_on=decision.blocked_on,
        error_code=decision.cause.value,
        error_text=decision.text,
        jitter=jitter,
    )
