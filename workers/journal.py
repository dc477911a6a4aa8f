"""Tells what became of each attempt: one log line and the metrics, without personal values."""

from typing import Final

from structlog.typing import FilteringBoundLogger

from clients.redis.types import Claimed, Outcome, Settled, SettleStatus
from clients.telemetry import Metrics
from mappers.bldng.desired import Kind
from workers import records
from workers.causes import Cause
from workers.reconcile import Attempt

CONFIRMED: Final = frozenset({SettleStatus.SYNCED, SettleStatus.DELETED, SettleStatus.DIRTY})
"""BLDNG holds the version that was sent."""
ENDED: Final = frozenset({SettleStatus.SYNCED, SettleStatus.DELETED, SettleStatus.DEAD})


class Journal:
    """Counts and logs attempts."""

    def __init__(self, metrics: Metrics, log: FilteringBoundLogger) -> None:
        self._metrics = metrics
        self._log = log

    def attempted(
        self, item: Claimed, attempt: Attempt, settled: Settled | None, *, duration_s: float
    ) -> None:
        """An attempt ended; `settled` is None when Redis did not answer."""
        self._count(item, attempt, settled, duration_s)
        settlement = attempt.settlement
        status = "unknown" if settled is None else settled.status.value
        level = self._log.warning if settlement.outcome is Outcome.DEAD else self._log.info
        level(
            "sync_attempt",
            tenant=item.tenant,
            rk=item.rk,
            version=item.version,
            claim=item.claim,
            op=attempt.operation,
            outcome=settlement.outcome.value,
            settled=status,
            error_code=settlement.error_code,
            status=attempt.status,
            backend_id=settlement.backend_id,
            duration_ms=round(duration_s * 1000, 1),
            latency_ms=-1 if settled is None else settled.latency_ms,
            cause=item.cause,
            **_members(item, attempt),
        )
        self._remark(item, attempt)

    def _remark(self, item: Claimed, attempt: Attempt) -> None:
        """What a human should see besides the line of the attempt."""
        if attempt.linked:
            self._log.warning(
                "record_linked", tenant=item.tenant, rk=item.rk, backend_id=attempt.linked
            )
        if attempt.drifted:
            self._log.warning(
                "record_vanished", tenant=item.tenant, rk=item.rk, backend_id=item.backend_id
            )
        if attempt.error is not None:
            self._log.error(
                "attempt_broke", tenant=item.tenant, rk=item.rk, exc_info=attempt.error
            )

    def _count(
        self, item: Claimed, attempt: Attempt, settled: Settled | None, duration_s: float
    ) -> None:
        metrics, settlement = self._metrics, attempt.settlement
        metrics.jobs.labels(settlement.outcome.value).inc()
        metrics.job_duration.observe(duration_s)
        if attempt.drifted:
            metrics.drift.inc()
        metrics.members_synced.labels("add").inc(attempt.members_added)
        metrics.members_synced.labels("remove").inc(attempt.members_removed)
        if settlement.error_code == Cause.THROTTLED:
            metrics.backend_throttled_seconds.inc(settlement.hold_ms / 1000)
        if settled is None:
            return
        if settled.status in ENDED:
            metrics.job_attempts.observe(item.failures + 1)
        if settled.status in CONFIRMED and settled.latency_ms >= 0:
            resource = "group" if _is_group(item) else "user"
            latency = metrics.sync_latency.labels(resource, attempt.operation)
            latency.observe(settled.latency_ms / 1000)


def _is_group(item: Claimed) -> bool:
    return records.kind_of(item.rk) is Kind.GROUP


def _members(item: Claimed, attempt: Attempt) -> dict[str, int]:
    """What the line of a group says besides."""
    if not _is_group(item):
        return {}
    unknown = len(attempt.settlement.members_unknown)
    return {
        "members_added": attempt.members_added,
        "members_removed": attempt.members_removed,
        "members_unknown": unknown,
    }
