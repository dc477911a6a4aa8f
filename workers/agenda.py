"""When to ask which partition for work. No I/O here; the clock is an argument."""

from collections.abc import Iterable


class Agenda:
    """Partitions and when each is to be asked next, in seconds of a monotonic clock.

    Asking is noted before the answer comes, and an answer may only bring the next time forward: so
    a wake-up that overtakes the answer "nothing there" is not lost.
    """

    def __init__(self, partitions: Iterable[int]) -> None:
        self._due_s = dict.fromkeys(partitions, float("-inf"))

    def due(self, now_s: float) -> list[int]:
        """The partitions to ask now, the longest due first."""
        found = [partition for partition, due_s in self._due_s.items() if due_s <= now_s]
        return sorted(found, key=self._due_s.__getitem__)

    def asked(self, partition: int, *, next_s: float) -> None:
        """The partition is being asked; ask again at `next_s` whatever the answer."""
        self._due_s[partition] = next_s

    def at(self, partition: int, when_s: float) -> None:
        """Ask no later than `when_s`; an unknown partition is another installation's."""
        if partition in self._due_s:
            self._due_s[partition] = min(self._due_s[partition], when_s)

    def hurry(self, partitions: Iterable[int] | None, *, now_s: float) -> None:
        """Ask these (None: all) at once."""
        for partition in list(self._due_s) if partitions is None else partitions:
            self.at(partition, now_s)

    def next_s(self) -> float:
        """When the next partition is due."""
        return min(self._due_s.values(), default=float("inf"))
