"""Groups for the tests of this folder: making, changing and reading them over HTTP."""

from collections.abc import Awaitable
from typing import Any

from tests.support.gateway import PATCH_OP, Answer, Gateway

NOBODY = [f"nobody-{number:05}" for number in range(5000)]


def add(*ids: str) -> dict[str, Any]:
    value = [{"$ref": None, "value": each} for each in ids]
    return {"op": "Add", "path": "members", "value": value}


def remove(*ids: str) -> dict[str, Any]:
    return {**add(*ids), "op": "Remove"}


RENAME = {"op": "Replace", "path": "displayName", "value": "Renamed"}


async def create(gateway: Gateway, name: str, *members: str) -> str:
    """The id of a group that exists from now on."""
    body = {"displayName": name, "members": [{"value": member} for member in members]}
    answer = await gateway.send("POST", "/Groups", body)
    assert answer.status == 201, answer.raw
    return str(answer.json["id"])


async def patch(gateway: Gateway, group: str, *operations: Any, query: str = "") -> Answer:
    body = {"schemas": [PATCH_OP], "Operations": list(operations)}
    return await gateway.send("PATCH", f"/Groups/{group}{query}", body)


async def read(gateway: Gateway, group: str, query: str = "") -> dict[str, Any]:
    answer = await gateway.send("GET", f"/Groups/{group}{query}")
    assert answer.status == 200, answer.raw
    return answer.json


async def members(gateway: Gateway, group: str) -> set[str]:
    """Who is in a group; fails when somebody is in it twice."""
    shown = [member["value"] for member in (await read(gateway, group))["members"]]
    assert len(shown) == len(set(shown))
    return set(shown)


async def user(gateway: Gateway, name: str) -> str:
    """The id of a user that exists from now on."""
    return str((await gateway.create({"userName": name}))["id"])


async def commands(gateway: Gateway, sending: Awaitable[Answer]) -> dict[str, int]:
    """How often Redis ran each command for a request."""
    client = gateway.redis.client
    await client.config_resetstat()
    assert (await sending).status < 300
    stats = await client.info("commandstats")
    counted = {name.removeprefix("cmdstat_"): int(row["calls"]) for name, row in stats.items()}
    return {name: calls for name, calls in counted.items() if not name.startswith("config")}
