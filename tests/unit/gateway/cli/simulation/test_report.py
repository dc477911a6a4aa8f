"""What the administrator would see: counts, percentiles, failures in the server's words."""

import orjson
import pytest

from gateway.cli.simulation import quarantine, report
from gateway.cli.simulation.journal import Action, Entry, Journal
from gateway.cli.simulation.report import Report
from gateway.cli.simulation.transport import Answer


def failure(subject: str, reference: str) -> Entry:
    body = {"scimType": "uniqueness", "detail": f"taken (ref {reference})"}
    answer = Answer(409, body, 5.0, request_id=reference)
    return Entry(1, Action.CREATE, subject, answer, answer.detail)


def made(*entries: Entry) -> Report:
    journal = Journal(list(entries))
    return Report(
        tenant_url="https://x/scim/v2/acme",
        seed=1,
        cycles=2,
        people=2,
        changes={"hire": 2},
        calls=report.timings(journal),
        problems=report.problems(journal),
        verified=0,
        quarantine=quarantine.judge(journal),
    )


@pytest.mark.parametrize(("share", "value"), [(0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (1.0, 100.0)])
def test_percentiles_are_nearest_rank(share: float, value: float) -> None:
    assert report.percentile([float(n) for n in range(100, 0, -1)], share) == value


def test_the_percentile_of_nothing_is_zero() -> None:
    assert report.percentile([], 0.5) == 0.0


def test_equal_problems_are_counted_together_without_their_reference_ids() -> None:
    found = made(failure("a", "111aaa"), failure("b", "222bbb")).problems
    assert [(each.count, each.detail, each.scim_type) for each in found] == [
        (2, "taken", "uniqueness")
    ]
    assert (found[0].example, found[0].request_id) == ("a", "111aaa")


def test_a_report_with_failures_is_not_ok() -> None:
    fine = Entry(0, Action.CREATE, "a", Answer(201, {"id": "1"}, 3.0))
    assert made(fine).ok
    assert not made(fine, failure("b", "1")).ok


def test_timings_by_kind_of_call() -> None:
    answers = [Answer(200, {}, float(ms)) for ms in range(1, 101)]
    timing = made(*(Entry(0, Action.READ, "a", answer) for answer in answers)).calls[0]
    assert (timing.count, timing.failed) == (100, 0)
    assert (timing.p50_ms, timing.p95_ms, timing.p99_ms, timing.max_ms) == (50, 95, 99, 100)


def test_the_data_of_a_report_is_json() -> None:
    data = orjson.loads(orjson.dumps(made(failure("a", "1")).data()))
    assert data["ok"] is False
    assert data["problems"][0]["status"] == 409


def test_the_text_says_what_failed_and_the_verdict() -> None:
    text = report.text(made(failure("a", "1")))
    assert "FAILED 1 x create (409 uniqueness): taken" in text
    assert "No quarantine:" in text
