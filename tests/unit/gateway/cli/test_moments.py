"""Times and durations as people write them."""

import pytest

from gateway.cli import moments


@pytest.mark.parametrize(
    ("text", "ms"),
    [("0", 0), ("45s", 45_000), ("30m", 1_800_000), ("12h", 43_200_000), ("7d", 604_800_000)],
)
def test_durations(text: str, ms: int) -> None:
    assert moments.duration_ms(text) == ms


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "1.5h", "7 d", "1w", "9999999d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write 7d, 12h"):
        moments.duration_ms(text)


@pytest.mark.parametrize(
    ("at_ms", "text"), [(0, "1970-01-01T00:00:00Z"), (1_700_000_000_999, "2023-11-14T22:13:20Z")]
)
def test_moments_are_utc_to_the_second(at_ms: int, text: str) -> None:
    assert moments.iso(at_ms) == text


def test_no_moment_stays_none() -> None:
    assert moments.iso(None) is None


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0"),
        (999, "0"),
        (45_000, "45s"),
        (90_000, "1m"),
        (3_600_000, "1h"),
        (2 * 86_400_000, "2d"),
    ],
)
def test_a_duration_is_said_in_its_largest_unit(ms: int, text: str) -> None:
    assert moments.duration(ms) == text
