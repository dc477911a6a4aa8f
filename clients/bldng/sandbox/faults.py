"""Faults that can be ordered from the sandbox, and the dice that pick them. No I/O here."""

import random
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Fault(BaseModel):
    """What goes wrong, and for which requests.

    `action`: `delay` only waits `delay_ms`; `status` answers `status` (with `retry_after` as the
    header's text); `reset` cuts the connection; `hang` never answers; `body` answers 200 with a
    body against the contract; `trickle` sends the right body one byte a second.
    `when`: before or after the request took effect; `body` and `trickle` always strike after.
    `delay_ms` waits first, whatever the action; with `capacity` it grows with the number of
    requests under way beyond that, as a server does that has more to do than it can.
    `times` None strikes for ever.
    `method`, `org` and `path` (a prefix below the base URL) say which requests; empty is all.
    """

    model_config = ConfigDict(extra="forbid")

    action: Literal["delay", "status", "reset", "hang", "body", "trickle"]
    when: Literal["before", "after"] = "before"
    status: int = Field(default=500, ge=300, le=599)
    retry_after: str | None = None
    body: Literal["html", "empty", "wrong_id", "truncated", "huge"] = "html"
    delay_ms: int = Field(default=0, ge=0)
    capacity: int | None = Field(default=None, ge=1)
    times: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1.0, ge=0.0, le=1.0)
    method: str = ""
    path: str = ""
    org: str = ""

    @property
    def name(self) -> str:
        """What the log calls it."""
        match self.action:
            case "body":
                return f"body {self.body}"
            case "trickle":
                return "trickle"
            case "status":
                return f"status {self.status} {self.when}"
            case _:
                return f"{self.action} {self.when}"

    def matches(self, *, method: str, path: str, org: str) -> bool:
        """Whether the fault is meant for this request."""
        return self.method in {"", method} and self.org in {"", org} and path.startswith(self.path)

    def waits_ms(self, under_way: int) -> float:
        """How long the request waits, one of `under_way`."""
        crowd = max(1.0, under_way / self.capacity) if self.capacity else 1.0
        return self.delay_ms * crowd


class Faults:
    """The ordered faults. The first that matches and wins its throw strikes.

    `under_way` is the number of requests that are being answered.
    """

    def __init__(self, seed: int = 0) -> None:
        self.ordered: list[Fault] = []
        self.under_way = 0
        self._dice = random.Random(seed)  # noqa: S311 - repeatable on purpose, no secret

    def add(self, *faults: Fault) -> None:
        """Order faults, after those already there."""
        self.ordered.extend(faults)

    def clear(self) -> None:
        """Take all faults away."""
        self.ordered.clear()

    def pick(self, *, method: str, path: str, org: str) -> Fault | None:
        """The fault that strikes this request; counts it."""
        for at, fault in enumerate(self.ordered):
            if fault.matches(method=method, path=path, org=org) and (
                self._dice.random() < fault.probability
            ):
                self._count(at, fault)
                return fault
        return None

    def _count(self, at: int, fault: Fault) -> None:
        if fault.times == 1:
            del self.ordered[at]
        elif fault.times is not None:
            self.ordered[at] = fault.model_copy(update={"times": fault.times - 1})
