"""Would Entra have quarantined this job? No I/O.

Source: Microsoft Learn, "Application provisioning in quarantine status". Wrong credentials and
answers that are not SCIM quarantine at once; failures of single people are only counted from a
number on, and failures to set a manager or a member count for the last limit alone.
"""

from dataclasses import dataclass

from gateway.cli.simulation.journal import Action, Entry, Journal

OBJECT_ACTIONS = (
    Action.MATCH, Action.READ, Action.CREATE, Action.UPDATE, Action.DELETE,
    Action.GROUP_MATCH, Action.GROUP_READ, Action.GROUP_CREATE, Action.GROUP_UPDATE,
    Action.GROUP_DELETE,
)  # fmt: skip
REFERENCE_ACTIONS = (Action.REFERENCE, Action.MEMBERS)


@dataclass(frozen=True, slots=True)
class Limits:
    """Microsoft's published numbers."""

    evaluated_from: int = 5_000
    share: float = 0.40
    failures: int = 40_000
    with_references: int = 60_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` completes "would have been quarantined because ..." or says why not."""

    quarantined: bool
    reason: str


def judge(journal: Journal, limits: Limits | None = None) -> Verdict:
    """The verdict over all cycles together, the strictest reading."""
    refused = [entry for entry in journal.entries if entry.answer.status == 401]
    if refused:
        return Verdict(
            quarantined=True, reason=f"the credentials were refused: {refused[0].problem}"
        )
    if tests := journal.failed((Action.TEST,)):
        return Verdict(quarantined=True, reason=f"the connection test failed: {tests[0].problem}")
    return _by_count(journal, limits or Limits())


def _by_count(journal: Journal, limits: Limits) -> Verdict:
    tried = [entry for entry in journal.entries if entry.action in OBJECT_ACTIONS]
    failed = len(journal.failed(OBJECT_ACTIONS))
    everything = failed + len(journal.failed(REFERENCE_ACTIONS))
    share = failed / len(tried) if tried else 0.0
    if everything >= limits.with_references:
        return Verdict(quarantined=True, reason=f"{everything} failures, references included")
    if failed > limits.failures:
        return Verdict(quarantined=True, reason=f"{failed} failures")
    if failed >= limits.evaluated_from and share > limits.share:
        return Verdict(quarantined=True, reason=f"{share:.0%} of {len(tried)} operations failed")
    return Verdict(quarantined=False, reason=_why_not(tried, failed, share, limits))


def _why_not(tried: list[Entry], failed: int, share: float, limits: Limits) -> str:
    if not failed:
        return f"none of {len(tried)} operations failed"
    said = f"{failed} of {len(tried)} operations failed; counted from {limits.evaluated_from} on"
    return f"{said}, and at this rate it would be" if share > limits.share else said
