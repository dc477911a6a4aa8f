"""The fence of one claimed resource. No I/O here; the clock is an argument.

No mutating request starts unless it can end before the lease does, and none starts after the lease
was found lost. So no request outlives its lease unless BLDNG itself delays it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

FENCE_S: Final = 1.0
"""Longest time kept between the latest end of a request and the end of the lease, in seconds."""


class Interrupted(Exception):
    """The attempt may not go on: the lease is lost or nearly over."""


class Lease:
    """What one attempt may still do, and what it has done.

    `touched`: a mutating request was started. `create_in_flight`: a create was started and its end
    is not known. `lost`: the resource belongs to somebody else now. Times are seconds of a
    monotonic clock.
    """

    __slots__ = ("_fence_s", "_margin_s", "create_in_flight", "deadline_s", "lost", "touched")

    def __init__(self, *, deadline_s: float, request_timeout_s: float) -> None:
        self.deadline_s = deadline_s
        self.lost = False
        self.touched = False
        self.create_in_flight = False
        self._margin_s = min(FENCE_S, request_timeout_s)
        self._fence_s = request_timeout_s + self._margin_s

    def extend(self, deadline_s: float) -> None:
        """A beat was answered: the lease ends no earlier than `deadline_s`."""
        self.deadline_s = max(self.deadline_s, deadline_s)

    def admit(self, now_s: float) -> None:
        """Allow one mutating request to start now. Raises Interrupted."""
        if self.lost or self.deadline_s - now_s <= self._fence_s:
            raise Interrupted
        self.touched = True

    def admit_long(self, now_s: float, longest_s: float) -> float:
        """Allow one mutating request that may take longer than others; its timeout in seconds.

        At least the request timeout, and no more than the lease has left. Raises Interrupted.
        """
        self.admit(now_s)
        return min(longest_s, self.deadline_s - now_s - self._margin_s)

    @contextmanager
    def creating(self) -> Iterator[None]:
        """Around a create.

        An error is an end that the outcome table judges. A cancellation, and a success that is not
        settled yet, leave the create in flight.
        """
        self.create_in_flight = True
        try:
            yield
        except Exception:
            self.create_in_flight = False
            raise
