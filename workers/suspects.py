"""When a worker tries a suspect: a resource that may be what killed workers. No I/O here.

A suspect is tried alone, so that nobody dies with it: the worker claims nothing more until its
hands are empty, takes one suspect, and nothing else until that is settled. Afterwards the others
have at least as long as the suspect took, so that many suspects hold up nobody.
"""

from typing import Final

REST_S: Final = 0.2
"""Shortest time between two suspects while there is other work, in seconds."""


class Suspects:
    """The partitions that have suspects, and whose turn it is. Times are monotonic seconds."""

    def __init__(self) -> None:
        self.in_hand = False
        self.rests_until_s = float("-inf")
        self._partitions: dict[int, None] = {}
        self._taken_s = 0.0

    def heard(self, partition: int, suspects: int) -> None:
        """A claim said how many suspects of the partition may be tried now."""
        if suspects:
            self._partitions.setdefault(partition)
        else:
            self._partitions.pop(partition, None)

    def turn(self, now_s: float, *, idle: bool) -> int | None:
        """The partition whose suspect is next, None while the others' turn lasts.

        `idle`: there is nothing else to do.
        """
        if self.in_hand or (now_s < self.rests_until_s and not idle):
            return None
        return next(iter(self._partitions), None)

    @property
    def next_s(self) -> float:
        """When a suspect has its turn at the latest."""
        return self.rests_until_s if self._partitions else float("inf")

    def taken(self, partition: int, now_s: float) -> None:
        """One is in hand; another partition's suspects come next."""
        self.in_hand, self._taken_s = True, now_s
        if partition in self._partitions:
            self._partitions[partition] = self._partitions.pop(partition)

    def settled(self, now_s: float) -> None:
        """A hand was emptied: if it was the suspect's, the others have their time."""
        if self.in_hand:
            self.in_hand = False
            self.rests_until_s = now_s + max(REST_S, now_s - self._taken_s)
