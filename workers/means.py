"""What the parts of one worker share, made by the composition root."""

from collections.abc import Callable
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from clients.telemetry import Metrics
from workers.pace import Pace


@dataclass(frozen=True, slots=True)
class Means:
    """`clock` counts monotonic seconds, `dice` gives numbers in [0, 1).

    `boot_id` is unique to the worker's life: the tokens of its leases begin with it.
    """

    metrics: Metrics
    log: FilteringBoundLogger
    clock: Callable[[], float]
    dice: Callable[[], float]
    boot_id: str
    pace: Pace
