"""Laws of the wait between attempts."""

from hypothesis import given
from hypothesis import strategies as st

from workers import waits
from workers.waits import BACKOFF_FIRST_MS, BACKOFF_MAX_MS

FAILURES = st.integers(min_value=1, max_value=10_000)
JITTER = st.floats(min_value=0, max_value=1, exclude_max=True)


@given(FAILURES, JITTER)
def test_a_wait_is_between_half_and_all_of_its_step(failures: int, jitter: float) -> None:
    step_ms = min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (failures - 1))
    assert step_ms // 2 <= waits.backoff_ms(failures, jitter) <= step_ms


@given(FAILURES, JITTER)
def test_a_further_failure_never_shortens_the_wait(failures: int, jitter: float) -> None:
    assert waits.backoff_ms(failures, jitter) <= waits.backoff_ms(failures + 1, jitter)


@given(FAILURES, JITTER, JITTER)
def test_more_jitter_never_shortens_the_wait(failures: int, one: float, two: float) -> None:
    less, more = sorted((one, two))
    assert waits.backoff_ms(failures, less) <= waits.backoff_ms(failures, more)


def test_sixteen_failures_take_about_an_hour_and_a_half() -> None:
    total_ms = sum(waits.backoff_ms(failures, 0.5) for failures in range(1, 16))
    assert 1 < total_ms / 3_600_000 < 2


@given(st.none() | st.floats(allow_nan=False, allow_infinity=True))
def test_a_throttled_tenant_rests_for_a_second_to_a_quarter_of_an_hour(
    retry_after_s: float | None,
) -> None:
    assert 1_000 <= waits.throttle_ms(retry_after_s) <= 900_000
