"""What the customer's administrator would see, as one JSON-able value and as text. No I/O."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gateway.cli import output
from gateway.cli.simulation import quarantine
from gateway.cli.simulation.changes import Kind
from gateway.cli.simulation.journal import Action, Entry, Journal

_REFERENCE = re.compile(r" \(ref \w+\)$")
"""Each error has its own reference id; without it equal problems can be counted together."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How often and how fast one kind of call was answered, in milliseconds."""

    action: str
    count: int
    failed: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class Problem:
    """Failures with the same words; `example` is one object id that met it."""

    action: str
    status: int
    scim_type: str
    detail: str
    count: int
    example: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a simulation. `ok` means nothing failed and everything read back equal.

    `memberships` are those of the groups that are left at the end. `throttled` counts the answers
    429 after which a call was repeated.
    """

    tenant_url: str
    seed: int
    cycles: int
    people: int
    changes: dict[str, int]
    calls: tuple[Timing, ...]
    problems: tuple[Problem, ...]
    verified: int
    quarantine: quarantine.Verdict
    groups: int = 0
    memberships: int = 0
    throttled: int = 0

    @property
    def ok(self) -> bool:
        """Whether an administrator would see nothing but successes."""
        return not self.problems and not self.quarantine.quarantined

    def data(self) -> dict[str, Any]:
        """For `-o json`."""
        return {"ok": self.ok, **asdict(self)}


def timings(journal: Journal) -> tuple[Timing, ...]:
    """One row per kind of call, in the order of `Action`."""
    groups: defaultdict[Action, list[Entry]] = defaultdict(list)
    for entry in journal.entries:
        groups[entry.action].append(entry)
    return tuple(_timing(action, groups[action]) for action in Action if action in groups)


def problems(journal: Journal) -> tuple[Problem, ...]:
    """Failures with equal words counted together, the most frequent first."""
    groups: defaultdict[tuple[Action, int, str], list[Entry]] = defaultdict(list)
    for entry in journal.failed():
        words = _REFERENCE.sub("", entry.problem)
        groups[entry.action, entry.answer.status, words].append(entry)
    found = [
        Problem(
            action=action,
            status=status,
            scim_type=str(entries[0].answer.body.get("scimType", "")),
            detail=words,
            count=len(entries),
            example=entries[0].subject,
            request_id=entries[0].answer.request_id,
        )
        for (action, status, words), entries in groups.items()
    ]
    return tuple(sorted(found, key=lambda problem: -problem.count))


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile, 0 when there is nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def text(report: Report) -> str:
    """The report for people."""
    changes = ", ".join(f"{count} {kind}" for kind, count in report.changes.items())
    parts = [
        f"Tenant URL {report.tenant_url}, seed {report.seed}",
        f"{report.people} people, {report.groups} groups, {report.cycles} cycles",
        f"In the directory: {changes}",
        "",
        output.grid(*_rows([asdict(row) for row in report.calls])),
        "",
        *_throttling(report),
        *(_problem(problem) for problem in report.problems),
        f"Read back and compared: {report.verified} resources, {report.memberships} memberships",
        _verdict(report.quarantine),
    ]
    return "\n".join(parts)


def _throttling(report: Report) -> list[str]:
    return (
        [f"Asked to slow down (429) and repeated: {report.throttled}"] if report.throttled else []
    )


def count_changes(kinds: Iterable[Kind]) -> dict[str, int]:
    """How often each kind of change happened, the most frequent first."""
    return {kind.value: count for kind, count in Counter(kinds).most_common()}


def _timing(action: Action, entries: list[Entry]) -> Timing:
    took = [entry.answer.duration_ms for entry in entries]
    return Timing(
        action=action,
        count=len(entries),
        failed=sum(1 for entry in entries if entry.problem),
        p50_ms=round(percentile(took, 0.50), 1),
        p95_ms=round(percentile(took, 0.95), 1),
        p99_ms=round(percentile(took, 0.99), 1),
        max_ms=round(max(took), 1),
    )


def _rows(rows: Sequence[dict[str, Any]]) -> tuple[list[list[str]], list[str]]:
    columns = list(rows[0]) if rows else []
    return [[str(row[name]) for name in columns] for row in rows], columns


def _verdict(verdict: quarantine.Verdict) -> str:
    said = "Would have been quarantined because" if verdict.quarantined else "No quarantine:"
    return f"{said} {verdict.reason}"


def _problem(problem: Problem) -> str:
    kind = f" {problem.scim_type}" if problem.scim_type else ""
    return (
        f"FAILED {problem.count} x {problem.action} ({problem.status}{kind}): {problem.detail}\n"
        f"       for example {problem.example or '-'}, request {problem.request_id or '-'}"
    )
