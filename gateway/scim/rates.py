"""How often somebody may ask: a token bucket each, in the memory of this process. No I/O here."""

from collections import OrderedDict
from typing import Final

ROUNDING_S: Final = 1e-6
"""What adding up fractions of seconds may be off by."""


class Rates:
    """Lets each key through `per_s` times a second, and `burst` times at once after a rest.

    A bucket is one number, the time at which it will be full again, so it is refilled by nobody.
    At most `most` keys are remembered; the one that passed longest ago is forgotten first, and
    starts with a full bucket when it comes back.
    """

    def __init__(self, *, per_s: float, burst: int, most: int) -> None:
        self._gap_s = 1 / per_s
        self._depth_s = burst / per_s
        self._most = most
        self._full_at_s: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._full_at_s)

    def wait_s(self, key: str, now_s: float) -> float:
        """Take one from the key's bucket: 0, or the seconds until there is one to take."""
        full_at_s = max(self._full_at_s.get(key, now_s), now_s) + self._gap_s
        wait_s = full_at_s - now_s - self._depth_s
        if wait_s > ROUNDING_S:
            return wait_s
        self._full_at_s[key] = full_at_s
        self._full_at_s.move_to_end(key)
        if len(self._full_at_s) > self._most:
            self._full_at_s.popitem(last=False)
        return 0.0
