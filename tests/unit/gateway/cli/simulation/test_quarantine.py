"""Microsoft's quarantine rules, with smaller numbers."""

import pytest

from gateway.cli.simulation import quarantine
from gateway.cli.simulation.journal import Action, Entry, Journal
from gateway.cli.simulation.quarantine import Limits
from gateway.cli.simulation.transport import Answer

LIMITS = Limits(evaluated_from=5, share=0.4, failures=40, with_references=60)


def entries(action: Action, *, good: int = 0, bad: int = 0, status: int = 500) -> list[Entry]:
    fine = [Entry(1, action, "x", Answer(200, {}, 1.0)) for _ in range(good)]
    return fine + [Entry(1, action, "x", Answer(status, {}, 1.0), "broken") for _ in range(bad)]


@pytest.mark.parametrize(
    ("journal", "quarantined", "reason"),
    [
        (entries(Action.CREATE, good=9), False, "none of 9 operations failed"),
        (entries(Action.CREATE, good=1, bad=4), False, "at this rate it would be"),
        (entries(Action.CREATE, good=5, bad=5), True, "50% of 10 operations failed"),
        (entries(Action.CREATE, good=10, bad=5), False, "5 of 15 operations failed"),
        (entries(Action.CREATE, good=200, bad=41), True, "41 failures"),
        (entries(Action.CREATE, good=200, bad=40), False, "40 of 240"),
        (entries(Action.REFERENCE, bad=59), False, "none of 0"),
        (entries(Action.REFERENCE, bad=60), True, "60 failures, references included"),
        (entries(Action.TEST, bad=1, status=404), True, "the connection test failed: broken"),
        (entries(Action.UPDATE, bad=1, status=401), True, "the credentials were refused"),
        (entries(Action.VERIFY, bad=99), False, "none of 0"),
    ],
)
def test_the_verdict(journal: list[Entry], *, quarantined: bool, reason: str) -> None:
    verdict = quarantine.judge(Journal(journal), LIMITS)
    assert verdict.quarantined is quarantined
    assert reason in verdict.reason


def test_microsofts_numbers() -> None:
    assert Limits() == Limits(5_000, 0.40, 40_000, 60_000)
