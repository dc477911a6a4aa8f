"""What an order of overlapping requests may have left behind.

Every request is one step, somewhere between its sending and its answer. One whose answer nobody
has may take effect at any time after its sending, or never.
"""

import math
import time
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Span:
    """When a request was sent and answered, in seconds of a monotonic clock."""

    sent_s: float
    answered_s: float = math.inf

    @classmethod
    def until_now(cls, sent_s: float) -> "Span":
        """A request that was answered this moment."""
        return cls(sent_s, time.monotonic())

    @property
    def sure(self) -> bool:
        """Whether it took effect for certain."""
        return self.answered_s < math.inf


BEFORE_ALL = Span(-math.inf, -math.inf)


@dataclass(slots=True)
class Register(Generic[T]):
    """One value that requests set, `first` before any of them."""

    first: T
    _steps: list[tuple[Span, T]] = field(default_factory=list)
    _last_sent_s: float = -math.inf

    def note(self, value: T, span: Span) -> None:
        """A request set it; those that were over when a sure one was sent count no more."""
        if span.sure:
            self._last_sent_s = max(self._last_sent_s, span.sent_s)
        self._steps.append((span, value))
        self._steps = [each for each in self._steps if each[0].answered_s >= self._last_sent_s]

    def possible(self) -> set[T]:
        """What it may hold now, by some order of the requests."""
        found = {value for _, value in self._steps}
        return found if self._last_sent_s > -math.inf else found | {self.first}
