"""The user rows of the contract."""

from collections.abc import Mapping
from typing import Any

from clients.bldng import answers, calls, transport
from clients.bldng.errors import ProtocolError
from mappers.bldng.vocabulary import PAGE_MAX, User, UserPage


class Users:
    """Users of an organisation.

    Every call raises `errors.BldngError`; one on a user who is gone `Refused` with status 404.
    """

    def __init__(self, wire: transport.Transport) -> None:
        self._wire = wire

    async def create(
        self, org: str, *, fields: Mapping[str, Any], idempotency_key: str, request_id: str
    ) -> User:
        """POST a new user; 409 `user_exists` carries the conflicting field and id."""
        call = calls.Call(
            "user_create",
            "POST",
            ("orgs", org, "users"),
            request_id=request_id,
            body=dict(fields),
            idempotency_key=idempotency_key,
        )
        return await self._wire.record(call, User)

    async def get(self, org: str, user_id: str, *, request_id: str) -> User:
        """GET one user."""
        call = calls.Call(
            "user_get", "GET", ("orgs", org, "users", user_id), request_id=request_id
        )
        return await self._wire.record(call, User, expected_id=user_id)

    async def find_by_subject(
        self, org: str, sso_subject: str, *, request_id: str
    ) -> tuple[User, ...]:
        """GET the users with exactly this `ssoSubject`: at most one, unless there are doubles."""
        found = await self._find(org, {"ssoSubject": sso_subject}, request_id=request_id)
        if any(user.sso_subject != sso_subject for user in found):
            raise ProtocolError("wrong_items")
        return found

    async def find_by_username(
        self, org: str, username: str, *, request_id: str
    ) -> tuple[User, ...]:
        """GET the users with this `username`, compared without case."""
        found = await self._find(org, {"username": username}, request_id=request_id)
        if any(user.username.casefold() != username.casefold() for user in found):
            raise ProtocolError("wrong_items")
        return found

    async def page(
        self, org: str, *, request_id: str, cursor: str | None = None, limit: int = PAGE_MAX
    ) -> UserPage:
        """GET one page of all users; pass its `next_cursor` for the next."""
        call = calls.Call(
            "user_page",
            "GET",
            ("orgs", org, "users"),
            request_id=request_id,
            query=calls.page_query(cursor, limit),
        )
        return await self._wire.record(call, UserPage)

    async def patch(
        self, org: str, user_id: str, *, fields: Mapping[str, Any], request_id: str
    ) -> User:
        """PATCH by JSON merge patch (RFC 7396): None clears a field, an absent one stays."""
        call = calls.Call(
            "user_patch",
            "PATCH",
            ("orgs", org, "users", user_id),
            request_id=request_id,
            body=dict(fields),
        )
        return await self._wire.record(call, User, expected_id=user_id)

    async def delete(self, org: str, user_id: str, *, request_id: str) -> None:
        """DELETE one user."""
        call = calls.Call(
            "user_delete", "DELETE", ("orgs", org, "users", user_id), request_id=request_id
        )
        await self._wire.done(call)

    async def _find(self, org: str, query: dict[str, str], *, request_id: str) -> tuple[User, ...]:
        call = calls.Call(
            "user_find", "GET", ("orgs", org, "users"), request_id=request_id, query=query
        )
        return answers.whole(await self._wire.record(call, UserPage))
