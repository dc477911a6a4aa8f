"""What operators see of the queue: the values that `clients.redis.operations` gives. No I/O here.

Times are milliseconds of Redis' own clock.
"""

from dataclasses import dataclass
from enum import StrEnum

from clients.redis.types import Guard


@dataclass(frozen=True, slots=True)
class Pause:
    """Who stopped the work of a tenant or of the fleet, since when, and why."""

    since_ms: int
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class Switches:
    """What decides whether a tenant is served at `now_ms`.

    `hold_ms` is until when it rests (0: it does not) and `hold_reason` why; `breaker` is open,
    half (one attempt at a time after a hold) or closed, `faults` those in a row while closed.
    `held` people are kept back by `guard`.
    """

    now_ms: int
    pause: Pause | None
    fleet_pause: Pause | None
    hold_ms: int
    hold_reason: str
    breaker: str
    faults: int
    leases: int
    cap: int
    guard: Guard
    held: int

    @property
    def parked(self) -> bool:
        """Whether nothing of the tenant is claimed now."""
        return bool(self.pause or self.fleet_pause or self.hold_ms)


class Place(StrEnum):
    """Where a resource waits that BLDNG does not hold as desired."""

    QUEUE = "q"
    DEAD = "dead"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Stuck:
    """A resource that waits. `age_ms` counts from its oldest unconfirmed change.

    `at_ms` is when it is due (in the queue), or since when it is dead or held. `waits_for` are the
    resource keys that it waits for.
    """

    rk: str
    state: str
    age_ms: int
    at_ms: int
    failures: int
    crashes: int
    cause: str
    text: str
    deleted: bool
    backend_id: str
    waits_for: str
