"""The users and the groups of BLDNG behind one face, so that one reconciler serves both."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from clients.bldng.client import Bldng
from mappers.bldng.desired import Kind, Value
from mappers.bldng.linking import Found

Finder = Callable[..., Awaitable[tuple[Found, ...]]]


class Records(Protocol):
    """The calls that users and groups have in common. Each raises `BldngError`."""

    async def create(
        self, org: str, *, fields: Mapping[str, Value], idempotency_key: str, request_id: str
    ) -> Found:
        """POST a record."""

    async def get(self, org: str, record_id: str, /, *, request_id: str) -> Found:
        """GET a record."""

    async def patch(
        self, org: str, record_id: str, /, *, fields: Mapping[str, Value], request_id: str
    ) -> Found:
        """PATCH a record; None clears a field."""

    async def delete(self, org: str, record_id: str, /, *, request_id: str) -> None:
        """DELETE a record."""


@dataclass(frozen=True, slots=True)
class Side:
    """How one kind of resource is spoken of.

    `claim_index` is the store's index of the value that claims a record at BLDNG.
    `find_by_subject` and `find_by_login` take the organisation, the value and `request_id`.
    """

    records: Records
    find_by_subject: Finder
    find_by_login: Finder
    claim_index: str


def sides(bldng: Bldng) -> dict[Kind, Side]:
    """The faces of both kinds."""
    users, groups = bldng.users, bldng.groups
    return {
        Kind.USER: Side(users, users.find_by_subject, users.find_by_username, "xid"),
        Kind.GROUP: Side(groups, groups.find_by_external_id, groups.find_by_name, "gxid"),
    }


def kind_of(rk: str) -> Kind:
    """The kind that a resource key names by its first letter."""
    return Kind(rk[:1])
