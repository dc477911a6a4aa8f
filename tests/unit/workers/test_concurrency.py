"""When the limit shrinks and grows, in tables and against a pure model of a backend."""

import heapq
import itertools
from dataclasses import dataclass, field

import pytest

from clients.redis.types import Signal
from workers.concurrency import Concurrency

OK, FAULT, CONFIG, THROTTLE = Signal.OK, Signal.FAULT, Signal.CONFIG, Signal.THROTTLE


@dataclass
class Clock:
    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class Scene:
    most: int = 64
    clock: Clock = field(default_factory=Clock)
    shown: list[int] = field(default_factory=list)
    tuned: Concurrency = field(init=False)
    number: int = 0

    def __post_init__(self) -> None:
        self.tuned = Concurrency(self.most, clock=self.clock, shown=self.shown.append)

    @property
    def limit(self) -> int:
        return self.tuned.limit

    def attempt(self, tenant: str, signal: Signal, *, rk: str = "", took_s: float = 0.02) -> None:
        """One attempt after another, with all slots used."""
        self.number += 1
        self.clock.now_s += took_s
        self.tuned.called("users_get", "200" if signal is OK else "500", took_s)
        rk = rk or f"u:{self.number}"
        self.tuned.attempted(tenant, rk, signal, duration_s=took_s, in_hand=self.limit)


def test_it_begins_with_all_slots_and_stays_there() -> None:
    scene = Scene()
    for number in range(1000):
        scene.attempt(f"t{number % 7}", OK)
    assert scene.limit == 64
    assert set(scene.shown) == {64}


@pytest.mark.parametrize("tenants", [1, 3, 50])
@pytest.mark.parametrize("signal", [FAULT, THROTTLE])
def test_when_all_tenants_fail_it_falls_to_one(tenants: int, signal: Signal) -> None:
    scene = Scene()
    for number in range(60):
        scene.attempt(f"t{number % tenants}", signal)
    assert scene.limit == 1
    assert scene.shown[:3] == [64, 32, 16]


def test_a_burst_of_faults_halves_it_once() -> None:
    scene = Scene()
    scene.clock.now_s += 5.0
    for number in range(64):
        scene.tuned.attempted(f"t{number}", "u:1", FAULT, duration_s=5.0, in_hand=64)
    assert scene.limit == 32


def test_one_person_who_always_fails_does_not_shrink_it() -> None:
    scene = Scene()
    for number in range(2000):
        scene.attempt("acme", OK if number % 10 else FAULT, rk="" if number % 10 else "u:poison")
    assert scene.limit == 64
    alone = Scene()
    for _ in range(100):
        alone.attempt("acme", FAULT, rk="u:poison")
    assert alone.limit == 64, "nor when nobody else is sent"


def test_one_tenant_that_fails_among_others_does_not_shrink_it() -> None:
    scene = Scene()
    for number in range(1000):
        tenant = number % 4
        scene.attempt(f"t{tenant}", FAULT if tenant == 0 else OK)
    assert scene.limit == 64


def test_a_refused_token_says_nothing() -> None:
    scene = Scene()
    for _ in range(100):
        scene.attempt("acme", CONFIG)
    assert scene.limit == 64


def test_it_grows_by_one_for_each_round_that_used_it() -> None:
    scene = Scene()
    for number in range(60):
        scene.attempt(f"t{number}", FAULT)
    assert scene.limit == 1
    for number in range(3000):
        scene.attempt(f"t{number % 7}", OK)
    steps = [later - earlier for earlier, later in itertools.pairwise(scene.shown[7:])]
    assert set(steps) <= {0, 1}
    assert scene.limit == 64


def test_it_does_not_grow_unused() -> None:
    scene = Scene()
    for number in range(60):
        scene.attempt(f"t{number}", FAULT)
    for number in range(500):
        scene.clock.now_s += 0.02
        scene.tuned.attempted("acme", f"u:{number}", OK, duration_s=0.02, in_hand=0)
    assert scene.limit == 1


def test_calls_that_time_out_are_slow() -> None:
    scene = Scene()
    for _ in range(20):
        scene.attempt("acme", OK)
    scene.clock.now_s += 10
    for number in range(8):
        scene.clock.now_s += 0.05
        scene.tuned.called("users_get", "unanswered", 9.0)
        scene.tuned.attempted("acme", f"u:{number % 2}", OK, duration_s=9.0, in_hand=64)
    assert scene.limit == 32


def test_quick_failures_are_no_measure_of_speed() -> None:
    scene = Scene()
    for number in range(500):
        scene.tuned.called("users_get", "not_sent", 0.0001)
        scene.attempt(f"t{number % 3}", OK, took_s=0.15)
    assert scene.limit == 64


@dataclass
class Backend:
    """Serves `capacity` calls at a time, each in `serves_s`; the others wait in line."""

    capacity: int
    serves_s: float
    free_at_s: list[float] = field(default_factory=list)

    def call(self, now_s: float) -> float:
        """When a call that comes now is answered."""
        if len(self.free_at_s) < self.capacity:
            begins_s = now_s
        else:
            begins_s = max(now_s, heapq.heappop(self.free_at_s))
        heapq.heappush(self.free_at_s, begins_s + self.serves_s)
        return begins_s + self.serves_s


def played(scene: Scene, backend: Backend, seconds: float) -> list[tuple[float, int]]:
    """Keep as much in hand as the limit allows; (time, in hand) at the end of each attempt."""
    under_way: list[tuple[float, float, int]] = []
    numbers, seen, until_s = itertools.count(), [], scene.clock.now_s + seconds
    while scene.clock.now_s < until_s:
        while len(under_way) < scene.limit:
            now_s = scene.clock.now_s
            heapq.heappush(under_way, (backend.call(now_s), now_s, next(numbers)))
        ends_s, began_s, number = heapq.heappop(under_way)
        scene.clock.now_s = max(scene.clock.now_s, ends_s)
        took_s = scene.clock.now_s - began_s
        scene.tuned.called("users_patch", "200", took_s)
        scene.tuned.attempted(
            f"t{number % 9}", f"u:{number}", OK, duration_s=took_s, in_hand=len(under_way) + 1
        )
        seen.append((scene.clock.now_s, len(under_way) + 1))
    return seen


@pytest.mark.parametrize(("capacity", "serves_s"), [(4, 0.1), (8, 0.2), (2, 0.5), (16, 0.15)])
def test_it_settles_near_what_a_backend_can_bear_and_stays_there(
    capacity: int, serves_s: float
) -> None:
    scene = Scene()
    seen = played(scene, Backend(capacity, serves_s), 300)
    settled = [in_hand for at_s, in_hand in seen if at_s > 1000.0 + 60]
    mean = sum(settled) / len(settled)
    assert capacity * 0.9 <= mean <= capacity * 2.5
    assert max(settled) <= capacity * 3
    throughput = len(settled) / 240
    assert throughput >= 0.9 * capacity / serves_s, "and BLDNG is kept busy"


def test_it_recovers_when_the_backend_does() -> None:
    scene = Scene()
    played(scene, Backend(4, 0.1), 60)
    assert scene.limit <= 12
    played(scene, Backend(1000, 0.1), 60)
    assert scene.limit == 64


def test_a_backend_that_became_slower_for_good_is_the_new_measure() -> None:
    scene = Scene()
    played(scene, Backend(1000, 0.05), 60)
    played(scene, Backend(1000, 0.4), 20)
    assert scene.limit < 64
    played(scene, Backend(1000, 0.4), 120)
    assert scene.limit == 64
