"""How many resources to have in hand at once, learnt from how BLDNG takes it. No I/O here.

The limit grows by one for each round of good attempts that used it, and shrinks by a factor when
BLDNG as a whole does worse:

    faults    most tenants heard of fail, over several resources: halved. One person who always
              fails, or one tenant's refused token, is not BLDNG as a whole.
    slowness  calls take more than twice the least time they took lately: what is over is work that
              waits at BLDNG, so the limit becomes what was under way without it, at least half.

What was begun before a change says nothing about it and is not counted. The least time is kept for
each operation for a minute at most, since BLDNG itself may become slower for good.
"""

import statistics
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from clients.redis.types import Signal

FAULTS_TO_SHRINK: Final = 5
"""Resources that failed, at least: the same number that opens a tenant's breaker."""
SMALLEST_FACTOR: Final = 0.5
SLOW_RATIO: Final = 2.0
"""Calls that take so many times the least are slow ..."""
SLOW_LEAST_S: Final = 0.1
"""... when they also take so much longer than that, in seconds."""
ROUND_LEAST_S: Final = 0.1
ROUND_LONGEST_S: Final = 10.0
"""Shortest and longest time that is judged as one."""
CALLS_TO_JUDGE: Final = 5
"""Calls of a round, at least, before it counts as slow."""
LEAST_KEPT_S: Final = 30.0
"""Half the time that the least duration of an operation is remembered."""

FAULTY: Final = frozenset({Signal.FAULT, Signal.THROTTLE})
TIMED_OUT: Final = "unanswered"


@dataclass(slots=True)
class _Least:
    """The least of one or two spans of time: the running one and the one before."""

    began_s: float
    now: float
    before: float

    def note(self, seconds: float, now_s: float) -> None:
        if now_s - self.began_s > LEAST_KEPT_S:
            self.began_s, self.before, self.now = now_s, self.now, seconds
        self.now = min(self.now, seconds)

    @property
    def value(self) -> float:
        return min(self.now, self.before)


@dataclass(slots=True)
class _Round:
    """What was heard since the limit was last judged."""

    began_s: float
    ratios: list[float] = field(default_factory=list)
    good: int = 0
    used: bool = False
    balance: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    failed: set[str] = field(default_factory=set)


class Concurrency:
    """The limit of one worker on one backend, from 1 to `most`. `clock` counts monotonic seconds.

    `shown` is told each new limit.
    """

    def __init__(
        self,
        most: int,
        *,
        clock: Callable[[], float],
        shown: Callable[[int], None] = lambda _limit: None,
    ) -> None:
        self._most = most
        self._clock = clock
        self._shown = shown
        self._changed_s = float("-inf")
        self._least: dict[str, _Least] = {}
        self._round = _Round(clock())
        self._limit = float(most)
        shown(most)

    @property
    def limit(self) -> int:
        """How many resources may be in hand."""
        return int(self._limit)

    def called(self, operation: str, code: str, duration_s: float) -> None:
        """A call on BLDNG ended: its status, or the name of what became of it."""
        now_s = self._clock()
        answered = code.isdecimal() and int(code) < 500 and code != "429"
        if answered:
            self._note_least(operation, duration_s, now_s)
        elif code != TIMED_OUT:
            return  # how fast BLDNG fails says nothing about its work
        if now_s - duration_s >= self._changed_s and operation in self._least:
            self._round.ratios.append(self._ratio(operation, duration_s))

    def attempted(
        self, tenant: str, rk: str, signal: Signal, *, duration_s: float, in_hand: int
    ) -> None:
        """An attempt ended with this word about BLDNG, one of `in_hand` at that time."""
        now_s, heard = self._clock(), self._round
        if now_s - duration_s < self._changed_s or signal in {Signal.NONE, Signal.CONFIG}:
            return
        if signal in FAULTY:
            heard.balance[tenant] -= 1
            heard.failed.add(f"{tenant}/{rk}")
        else:
            heard.balance[tenant] += 1
            heard.good += 1
        heard.used = heard.used or in_hand >= self.limit
        self._judge(now_s)

    def _judge(self, now_s: float) -> None:
        heard = self._round
        if _fails(heard):
            self._shrink(SMALLEST_FACTOR, now_s)
        elif now_s - heard.began_s < ROUND_LEAST_S:
            return
        elif len(heard.ratios) >= CALLS_TO_JUDGE and (ratio := _slowness(heard)) > 1:
            self._shrink(max(SMALLEST_FACTOR, 1 / ratio), now_s)
        elif heard.good >= self.limit:
            if heard.used and not heard.failed:
                self._set(self._limit + 1)
            self._round = _Round(now_s)
        elif now_s - heard.began_s > ROUND_LONGEST_S:
            self._round = _Round(now_s)

    def _shrink(self, factor: float, now_s: float) -> None:
        self._set(self.limit * factor)
        self._changed_s = now_s
        self._round = _Round(now_s)

    def _set(self, limit: float) -> None:
        self._limit = min(max(limit, 1.0), float(self._most))
        self._shown(self.limit)

    def _note_least(self, operation: str, duration_s: float, now_s: float) -> None:
        known = self._least.setdefault(operation, _Least(now_s, duration_s, float("inf")))
        known.note(duration_s, now_s)

    def _ratio(self, operation: str, duration_s: float) -> float:
        """How many times the least the call took; 1 when it is not slow at all."""
        least_s = self._least[operation].value
        if duration_s - least_s <= SLOW_LEAST_S:
            return 1.0
        return duration_s / max(least_s, 0.001)


def _fails(heard: _Round) -> bool:
    """Whether most tenants fail, over enough resources."""
    if len(heard.failed) < FAULTS_TO_SHRINK:
        return False
    failing = sum(balance < 0 for balance in heard.balance.values())
    return failing * 2 > len(heard.balance)


def _slowness(heard: _Round) -> float:
    """How many times the least a usual call took, 1 when that is not slow."""
    median = statistics.median(heard.ratios)
    return median if median > SLOW_RATIO else 1.0
