"""The fence: which requests may start."""

import pytest

from workers.lease import Interrupted, Lease


def lease() -> Lease:
    return Lease(deadline_s=130.0, request_timeout_s=10.0)


def test_a_request_starts_while_it_can_end_within_the_lease() -> None:
    held = lease()
    held.admit(118.9)
    assert held.touched


@pytest.mark.parametrize("now_s", [119.0, 125.0, 131.0])
def test_no_request_starts_that_could_outlive_the_lease(now_s: float) -> None:
    held = lease()
    with pytest.raises(Interrupted):
        held.admit(now_s)
    assert not held.touched


def test_a_beat_moves_the_end_and_never_back() -> None:
    held = lease()
    held.extend(160.0)
    held.extend(140.0)
    held.admit(148.9)


def test_nothing_starts_on_a_lost_lease() -> None:
    held = lease()
    held.lost = True
    with pytest.raises(Interrupted):
        held.admit(0.0)


def test_a_create_that_failed_has_ended() -> None:
    held = lease()
    with pytest.raises(ValueError, match="no"), held.creating():
        raise ValueError("no")
    assert not held.create_in_flight


def test_a_create_that_was_cut_short_or_is_not_settled_is_in_flight() -> None:
    held = lease()
    with pytest.raises(KeyboardInterrupt), held.creating():
        raise KeyboardInterrupt
    assert held.create_in_flight
    settled = lease()
    with settled.creating():
        pass
    assert settled.create_in_flight


@pytest.mark.parametrize(
    ("now_s", "timeout_s"), [(90.0, 25.0), (104.0, 25.0), (110.0, 19.0), (118.0, 11.0)]
)
def test_a_long_request_gets_what_the_lease_has_left(now_s: float, timeout_s: float) -> None:
    held = lease()
    assert held.admit_long(now_s, 25.0) == timeout_s
    assert held.touched


def test_a_long_request_starts_no_later_than_any_other() -> None:
    with pytest.raises(Interrupted):
        lease().admit_long(119.0, 25.0)
