"""How fast and how patiently a worker works. No I/O here."""

from dataclasses import dataclass
from typing import Final

REQUEST_TIMEOUT_S: Final = 10.0
"""Longest total timeout of a call on BLDNG, in seconds."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The numbers of a worker. Milliseconds as `_ms`, seconds as `_s`.

    `slots`: resources in hand at most. `batch`: resources of one claim at most; more than 16 block
    Redis for too long. `lease_ms`: how long a claimed resource is safe without a sign of life.
    `settle_ms`: BLDNG's own limit for a request, so how long a create of unknown end may still
    happen. `fallback_s`: longest sleep without a wake-up. `drain_s`: how long attempts may go on
    after a stop; `release_s`: how long giving back the rest may take then.
    `sweep_days`: in how many days every resource is compared with BLDNG once, 0 for never.
    """

    slots: int = 64
    batch: int = 16
    lease_ms: int = 30_000
    settle_ms: int = 30_000
    fallback_s: float = 2.0
    drain_s: float = 20.0
    release_s: float = 3.0
    sweep_days: float = 7.0

    @property
    def lease_s(self) -> float:
        """The lease in seconds."""
        return self.lease_ms / 1000

    @property
    def sweep_ms(self) -> int:
        """The period of the sweep in milliseconds, 0 for never."""
        return int(self.sweep_days * 86_400_000)

    @property
    def request_timeout_s(self) -> float:
        """Total timeout of a call on BLDNG: several calls must fit into a lease."""
        return min(REQUEST_TIMEOUT_S, self.lease_s / 3)
