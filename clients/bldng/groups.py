"""The group rows of the contract, members included."""

from collections.abc import Mapping, Sequence
from typing import Any

from clients.bldng import answers, calls, transport
from clients.bldng.errors import ProtocolError
from mappers.bldng.vocabulary import PAGE_MAX, Group, GroupPage, MemberPage, MembersBatchResult

MEMBERS_TIMEOUT_S = 25.0
"""Longest timeout of a `members:batch` call, in seconds: up to 500 memberships change in it."""


class Groups:
    """Groups of an organisation.

    Every call raises `errors.BldngError`; one on a group that is gone `Refused` with status 404.
    """

    def __init__(self, wire: transport.Transport) -> None:
        self._wire = wire

    async def create(
        self, org: str, *, fields: Mapping[str, Any], idempotency_key: str, request_id: str
    ) -> Group:
        """POST a new group; 409 `group_exists` carries the conflicting field and id."""
        call = calls.Call(
            "group_create",
            "POST",
            ("orgs", org, "groups"),
            request_id=request_id,
            body=dict(fields),
            idempotency_key=idempotency_key,
        )
        return await self._wire.record(call, Group)

    async def get(self, org: str, group_id: str, *, request_id: str) -> Group:
        """GET one group."""
        call = calls.Call(
            "group_get", "GET", ("orgs", org, "groups", group_id), request_id=request_id
        )
        return await self._wire.record(call, Group, expected_id=group_id)

    async def find_by_external_id(
        self, org: str, external_id: str, *, request_id: str
    ) -> tuple[Group, ...]:
        """GET the groups with exactly this `externalId`."""
        found = await self._find(org, {"externalId": external_id}, request_id=request_id)
        if any(group.external_id != external_id for group in found):
            raise ProtocolError("wrong_items")
        return found

    async def find_by_name(self, org: str, name: str, *, request_id: str) -> tuple[Group, ...]:
        """GET the groups with this name, compared without case."""
        found = await self._find(org, {"name": name}, request_id=request_id)
        if any(group.name.casefold() != name.casefold() for group in found):
            raise ProtocolError("wrong_items")
        return found

    async def page(
        self, org: str, *, request_id: str, cursor: str | None = None, limit: int = PAGE_MAX
    ) -> GroupPage:
        """GET one page of all groups; pass its `next_cursor` for the next."""
        call = calls.Call(
            "group_page",
            "GET",
            ("orgs", org, "groups"),
            request_id=request_id,
            query=calls.page_query(cursor, limit),
        )
        return await self._wire.record(call, GroupPage)

    async def patch(
        self, org: str, group_id: str, *, fields: Mapping[str, Any], request_id: str
    ) -> Group:
        """PATCH by JSON merge patch (RFC 7396): None clears a field, an absent one stays."""
        call = calls.Call(
            "group_patch",
            "PATCH",
            ("orgs", org, "groups", group_id),
            request_id=request_id,
            body=dict(fields),
        )
        return await self._wire.record(call, Group, expected_id=group_id)

    async def delete(self, org: str, group_id: str, *, request_id: str) -> None:
        """DELETE one group; its members stay as users."""
        call = calls.Call(
            "group_delete", "DELETE", ("orgs", org, "groups", group_id), request_id=request_id
        )
        await self._wire.done(call)

    async def change_members(
        self,
        org: str,
        group_id: str,
        *,
        request_id: str,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        timeout_s: float = MEMBERS_TIMEOUT_S,
    ) -> MembersBatchResult:
        """POST adds and removes, at most MEMBERS_BATCH_MAX user ids together. Repeatable."""
        call = calls.Call(
            "members_batch",
            "POST",
            ("orgs", org, "groups", group_id, "members:batch"),
            request_id=request_id,
            body={"add": list(add), "remove": list(remove)},
            timeout_s=timeout_s,
        )
        return await self._wire.record(call, MembersBatchResult)

    async def members(
        self,
        org: str,
        group_id: str,
        *,
        request_id: str,
        cursor: str | None = None,
        limit: int = PAGE_MAX,
    ) -> MemberPage:
        """GET one page of the members' user ids."""
        call = calls.Call(
            "members_page",
            "GET",
            ("orgs", org, "groups", group_id, "members"),
            request_id=request_id,
            query=calls.page_query(cursor, limit),
        )
        return await self._wire.record(call, MemberPage)

    async def _find(
        self, org: str, query: dict[str, str], *, request_id: str
    ) -> tuple[Group, ...]:
        call = calls.Call(
            "group_find", "GET", ("orgs", org, "groups"), request_id=request_id, query=query
        )
        return answers.whole(await self._wire.record(call, GroupPage))
