"""Replays in few words: one client, whose answers must have the status that a suite asserts."""

from collections.abc import Mapping
from typing import Any

from tests.support.gateway import PATCH_OP, Answer, Gateway

Doc = dict[str, Any]


class Client:
    """An identity provider that asserts statuses as its suite does."""

    def __init__(self, gateway: Gateway, **headers: str) -> None:
        self._gateway = gateway
        self._headers = headers

    async def answer(
        self, method: str, path: str, body: object = None, *, status: int, **headers: str
    ) -> Answer:
        """The answer to one request; spaces in a path are sent as `+`, quotes as `%22`."""
        sent_to = path.replace(" ", "+").replace('"', "%22")
        given = self._gateway.authorized(body, **self._headers) | headers
        answer = await self._gateway.send(method, sent_to, body, headers=given)
        assert answer.status == status, (method, path, answer.status, answer.raw)
        if answer.raw:
            assert answer.headers["Content-Type"].startswith("application/scim+json")
        return answer

    async def get(self, path: str, *, status: int = 200) -> Doc:
        return (await self.answer("GET", path, status=status)).json

    async def found(self, path: str) -> list[Doc]:
        """What a list holds, when it says so consistently."""
        listed = await self.get(path)
        assert listed["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]
        assert listed["itemsPerPage"] == len(listed["Resources"])
        resources: list[Doc] = listed["Resources"]
        return resources

    async def post(self, path: str, body: object, *, status: int = 201) -> Doc:
        return (await self.answer("POST", path, body, status=status)).json

    async def put(self, path: str, body: object, *, status: int = 200) -> Doc:
        return (await self.answer("PUT", path, body, status=status)).json

    async def patch(self, path: str, *operations: Mapping[str, Any], status: int) -> Answer:
        body = {"schemas": [PATCH_OP], "Operations": list(operations)}
        return await self.answer("PATCH", path, body, status=status)

    async def delete(self, path: str, *, status: int = 204) -> None:
        await self.answer("DELETE", path, status=status)


def op(verb: str, path: str | None = None, **value: Any) -> Doc:
    """An operation of a PATCH."""
    return {"op": verb, **({} if path is None else {"path": path}), **value}


def members(group: Doc) -> list[str]:
    """The ids of a group's members, sorted."""
    return sorted(member["value"] for member in group.get("members", ()))
