"""What it means that Redis is another server than before."""

import pytest

from clients.redis.durability import Ack
from clients.redis.failover import Change, Pulse, Server, judge

MEMORY, FSYNC, REPLICA = Ack.MEMORY, Ack.FSYNC, Ack.REPLICA
OLD = Server("run-a", "line-a")
RESTARTED = Server("run-b", "line-b")
PROMOTED = Server("run-c", "line-c", former="line-a")
REJOINED = Server("run-a", "line-d", former="line-c")
WHOLE = Pulse(before_ms=10_000, since_ms=14_000, now_ms=20_000)
LAGGING = Pulse(before_ms=7_000, since_ms=14_000, now_ms=20_000)
EMPTY = Pulse(before_ms=None, since_ms=14_000, now_ms=14_000)


def changed(*, failover: bool, window_s: float, certain: bool = False) -> Change:
    return Change(failover, window_s, certain, since_ms=14_000)


@pytest.mark.parametrize(
    ("ack", "now", "pulse", "expected"),
    [
        (FSYNC, OLD, WHOLE, None),
        (FSYNC, Server("run-a", "line-z"), WHOLE, None),
        (MEMORY, RESTARTED, WHOLE, changed(failover=False, window_s=4.0)),
        (FSYNC, RESTARTED, WHOLE, changed(failover=False, window_s=0.0)),
        (REPLICA, RESTARTED, WHOLE, changed(failover=False, window_s=0.0)),
        (FSYNC, RESTARTED, LAGGING, changed(failover=True, window_s=7.0, certain=True)),
        (MEMORY, PROMOTED, WHOLE, changed(failover=True, window_s=4.0)),
        (FSYNC, PROMOTED, WHOLE, changed(failover=True, window_s=4.0)),
        (FSYNC, PROMOTED, LAGGING, changed(failover=True, window_s=7.0, certain=True)),
        (REPLICA, PROMOTED, WHOLE, changed(failover=True, window_s=0.0)),
        (REPLICA, PROMOTED, LAGGING, changed(failover=True, window_s=7.0, certain=True)),
        (FSYNC, REJOINED, WHOLE, changed(failover=True, window_s=4.0)),
        (FSYNC, RESTARTED, EMPTY, changed(failover=True, window_s=4.0, certain=True)),
    ],
)
def test_a_change_is_judged_by_mode_descent_and_pulse(
    ack: Ack, now: Server, pulse: Pulse, expected: Change | None
) -> None:
    assert judge(ack, OLD, now, pulse=pulse, last_pulse_ms=10_000) == expected


def test_without_a_pulse_of_our_own_nothing_is_certain() -> None:
    found = judge(FSYNC, OLD, PROMOTED, pulse=LAGGING, last_pulse_ms=None)
    assert found == changed(failover=True, window_s=7.0)
