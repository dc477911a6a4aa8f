"""A worker taken apart: look up, send, settle are separate steps that a crash may come between."""

from dataclasses import dataclass

import orjson

from clients.redis.types import Claimed
from tests.engine.backend import Backend
from tests.engine.harness import SETTLE_MS


@dataclass
class Work:
    """One claimed item in hand. `verb` is what was decided, empty before the look-up."""

    item: Claimed
    expires_ms: int
    bid: str
    verb: str = ""
    sent: bool = False
    lands_before_ms: int = 0

    @property
    def values(self) -> dict[str, str]:
        values: dict[str, str] = orjson.loads(self.item.doc or b"{}")
        return values

    def prepare(self, backend: Backend) -> None:
        """Look up before a create, then decide on the request to send."""
        if not self.bid:
            names = (each.partition(":") for each in self.item.released)
            xids = {value for index, _, value in names if index == "xid"}
            self.bid = backend.find(self.item.tenant, xids | {self.values.get("xid", "")})
        if self.item.deleted:
            self.verb = "DELETE" if self.bid else "NOTHING"
        else:
            self.verb = "PATCH" if self.bid else "POST"
        self.lands_before_ms = self.expires_ms + SETTLE_MS

    def send(self, backend: Backend) -> None:
        """The request takes effect."""
        match self.verb:
            case "POST":
                self.bid = backend.create(self.item.tenant, self.values)
            case "PATCH":
                backend.change(self.bid, self.values)
            case "DELETE":
                backend.remove(self.bid)
            case _:
                pass
        self.sent = True
