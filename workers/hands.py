"""What this worker has in hand: claimed resources, their leases and the tasks that serve them."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from clients.redis.types import Claimed
from workers.lease import Lease


@dataclass(slots=True, eq=False)
class Hand:
    """One resource in hand. `scope` is its attempt while that runs."""

    item: Claimed
    lease: Lease
    scope: asyncio.Timeout | None = None

    def interrupt(self, when_s: float) -> None:
        """End the attempt at `when_s` of the loop's clock; a settle that runs goes on."""
        if self.scope is not None:
            self.scope.reschedule(when_s)


class Hands:
    """The bounded set of resources in hand: as many as `limit` says, and no more than `slots`.

    `emptied` is set while there are none.
    """

    def __init__(self, slots: int, limit: Callable[[], int]) -> None:
        self._slots = slots
        self._limit = limit
        self.emptied = asyncio.Event()
        self.emptied.set()
        self._held: dict[str, Hand] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Hand]:
        return iter(list(self._held.values()))

    @property
    def free(self) -> int:
        """How many more resources may be taken."""
        return max(0, min(self._slots, self._limit()) - len(self._held))

    def take(self, hand: Hand) -> None:
        """Hold a resource under its lease's token."""
        self._held[hand.item.token] = hand
        self.emptied.clear()

    def drop(self, hand: Hand) -> None:
        """It was given back, or left to its lease's end."""
        self._held.pop(hand.item.token, None)
        if not self._held:
            self.emptied.set()

    def by_partition(self) -> dict[int, list[Hand]]:
        """The resources in hand by the partition whose script keeps their leases."""
        found: dict[int, list[Hand]] = defaultdict(list)
        for hand in self._held.values():
            found[hand.item.partition].append(hand)
        return dict(found)
