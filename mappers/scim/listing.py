"""Lists of resources: page parameters and the list response (RFC 7644 3.4.2). No I/O here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mappers.scim import errors

LIST_URN = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

DEFAULT_COUNT = 100
"""Resources on a page when the client does not say."""

MAX_COUNT = 500
"""Most resources on a page; also what /ServiceProviderConfig says."""


@dataclass(frozen=True, slots=True)
class Paging:
    """`start` counts from 1; `count` is 0 to MAX_COUNT."""

    start: int
    count: int


def paging(start_index: str | int | None, count: str | int | None) -> Paging:
    """Read `startIndex` and `count` (RFC 7644 3.4.2.4): too small is 1 and 0, too large is cut.

    Raises InvalidValue for text that is no number.
    """
    start = _number("startIndex", start_index, default=1)
    wanted = _number("count", count, default=DEFAULT_COUNT)
    return Paging(max(start, 1), min(max(wanted, 0), MAX_COUNT))


def list_response(
    resources: Sequence[dict[str, Any]], *, total: int, start_index: int = 1
) -> dict[str, Any]:
    """The list message. Zero hits are an ordinary answer, never a 404."""
    return {
        "schemas": [LIST_URN],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": len(resources),
        "Resources": list(resources),
    }


def _number(name: str, value: str | int | None, *, default: int) -> int:
    if value is None or value == "":
        return default
    if isinstance(value, str) and len(value) > 18:
        raise errors.InvalidValue(f"{name} is too long for a number.")
    try:
        return int(value)
    except ValueError:
        raise errors.InvalidValue(f"{name} must be a whole number.") from None
