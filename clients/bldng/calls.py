"""A call to BLDNG as a value, and the address it goes to. No I/O here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from pydantic import BaseModel

MERGE_PATCH = "application/merge-patch+json"
"""Content type of a PATCH (RFC 7396)."""


class Health(BaseModel):
    """The answer of GET /health."""

    status: str


@dataclass(frozen=True, slots=True)
class Call:
    """One row of the contract, filled in.

    `path` are unquoted segments; `timeout_s` 0 means the client's own timeout.
    """

    operation: str
    method: str
    path: tuple[str, ...]
    request_id: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    idempotency_key: str = ""
    timeout_s: float = 0.0

    @property
    def org(self) -> str:
        """The organisation of the call, empty for /health."""
        return self.path[1] if self.path[0] == "orgs" else ""

    def url(self, base_url: str) -> str:
        """The address below `base_url`. Raises ValueError for a segment that would leave it."""
        path = "/".join(_segment(segment) for segment in self.path)
        query = f"?{urlencode(self.query, quote_via=quote)}" if self.query else ""
        return f"{base_url}/{path}{query}"

    def headers(self, token: str) -> dict[str, str]:
        """The headers of the request; /health has neither token nor request id."""
        headers = {"Accept": "application/json"}
        if self.org:
            headers |= {"Authorization": f"Bearer {token}", "X-Request-Id": self.request_id}
        if self.body is not None:
            headers["Content-Type"] = MERGE_PATCH if self.method == "PATCH" else "application/json"
        if self.idempotency_key:
            headers["Idempotency-Key"] = self.idempotency_key
        return headers


def base_url(text: str) -> str:
    """Check the base URL; no slash at its end. Raises ValueError naming what is wrong with it."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("the BLDNG base URL must be http(s)://host/path")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("the BLDNG base URL must not hold credentials, a query or a fragment")
    return text.rstrip("/")


def page_query(cursor: str | None, limit: int) -> dict[str, str]:
    """The query of one page."""
    query = {"limit": str(limit)}
    return query if cursor is None else {**query, "cursor": cursor}


def _segment(text: str) -> str:
    """Quote one path segment."""
    if text in {"", ".", ".."}:
        raise ValueError(f"{text!r} cannot be an organisation or an id at BLDNG")
    return quote(text, safe=":")
