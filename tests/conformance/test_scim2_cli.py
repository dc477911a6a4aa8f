"""scim2-cli, a client of its own, is used as a person would use it, and its own check passes."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.support.gateway import CORE_USER, PATCH_OP, Gateway

PROGRAM = Path(sys.executable).with_name("scim2")
BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


class Person:
    """Somebody at the command line."""

    def __init__(self, gateway: Gateway) -> None:
        self._environ = {
            **os.environ,
            "SCIM_CLI_URL": gateway.base,
            "SCIM_CLI_HEADERS": f"Authorization: Bearer {gateway.token}",
        }

    async def says(self, *words: str, given: object = None) -> str:
        """What a command prints, which must succeed; `given` is its standard input, as JSON."""
        process = await asyncio.create_subprocess_exec(
            PROGRAM, *words, env=self._environ, stdin=PIPE, stdout=PIPE, stderr=PIPE
        )
        typed = b"" if given is None else orjson.dumps(given)
        stdout, stderr = await process.communicate(typed)
        assert process.returncode == 0, (stdout + stderr).decode()
        return stdout.decode()

    async def asks(self, *words: str, given: object = None) -> dict[str, Any]:
        """The JSON that a command prints."""
        printed: dict[str, Any] = orjson.loads(await self.says(*words, given=given))
        return printed


@pytest.fixture
def person(gateway: Gateway) -> Person:
    return Person(gateway)


async def test_its_own_check_passes(person: Person) -> None:
    said = await person.says("test")
    verdicts = {line.split()[0] for line in said.splitlines() if line[:1].isupper()}
    assert verdicts == {"SUCCESS", "Performing"}


async def test_a_persons_life(person: Person) -> None:
    joy = await person.asks("create", "user", "--user-name", "joy@contoso.com", "--active", "true")
    user_id = joy["id"]
    patched = await person.asks(
        "modify", "user", user_id, "replace", "displayName", "Joy",
        "add", "emails", '[{"value": "joy@contoso.com", "type": "work"}]',
    )  # fmt: skip
    assert patched["emails"] == [{"type": "work", "value": "joy@contoso.com"}]
    body = {"schemas": [CORE_USER], "id": user_id, "userName": "joy@contoso.com", "title": "Boss"}
    replaced = await person.asks("replace", "user", given=body)
    assert "displayName" not in replaced
    filtered = 'userName eq "JOY@contoso.com"'
    listed = await person.asks("search", "user", "--filter", filtered, "--attribute", "title")
    [found] = listed["Resources"]
    assert (found["id"], found["title"], "userName" in found) == (user_id, "Boss", False)
    await person.says("delete", "user", user_id)
    assert (await person.asks("query", "user"))["totalResults"] == 0


async def test_a_bulk(person: Person) -> None:
    user = {"schemas": [CORE_USER], "userName": "joy@contoso.com"}
    change = {"op": "add", "path": "members", "value": [{"value": "bulkId:joy"}]}
    group = await person.asks("create", "group", "--display-name", "Sales")
    operations = [
        {
            "method": "PATCH",
            "path": f"/Groups/{group['id']}",
            "data": {"schemas": [PATCH_OP], "Operations": [change]},
        },
        {"method": "POST", "path": "/Users", "bulkId": "joy", "data": user},
    ]
    told = await person.asks("bulk", given={"schemas": [BULK_REQUEST], "Operations": operations})
    assert [each["status"] for each in told["Operations"]] == ["204", "201"]
    [member] = (await person.asks("query", "group", group["id"]))["members"]
    assert told["Operations"][1]["location"].endswith(f"/Users/{member['value']}")
