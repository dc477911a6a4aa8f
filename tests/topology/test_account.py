"""The shipped least-privilege account: every script and a whole life need nothing more."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from clients.redis import connection, installation, scripts, types
from clients.redis import stack as redis_stack
from clients.redis.cluster import slot_of
from clients.redis.embedded import EmbeddedRedis
from clients.redis.server import Address, Login, Server
from tests.chaos.scene import Entra
from tests.support import redis as servers
from tests.support.stack import Stack, around
from tests.support.witness import Witness, call_every_script

USERS = Path(__file__).parents[2] / "deploy" / "redis" / "users.acl"
USER, PASSWORD = "bldng-scim", 'p@:/#% "é'


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedRedis]:
    """A server with the shipped accounts, and an administrator for the test's own look."""
    digest = hashlib.sha256(PASSWORD.encode()).hexdigest()
    shipped = USERS.read_text().replace(f"user {USER} on ", f"user {USER} on #{digest} ")
    accounts = tmp_path / "users.acl"
    accounts.write_text(f"{shipped.strip()}\nuser admin on >admin ~* &* +@all\n")
    with servers.server(tmp_path / "redis", extra={"aclfile": str(accounts)}) as running:
        yield running


def ours(server: EmbeddedRedis) -> Server:
    return Server(Address("127.0.0.1", server.port), login=Login(USER, PASSWORD))


async def refused(server: EmbeddedRedis) -> set[str]:
    """The commands, keys and channels that somebody was refused."""
    client: Any = redis.asyncio.Redis(port=server.port, username="admin", password="admin")
    async with client:
        rows = await client.acl_log()
    found = {row.get("object", row.get(b"object")) for row in rows}
    return {each.decode() if isinstance(each, bytes) else str(each) for each in found}


async def test_every_script_runs_under_the_account_and_in_one_slot(server: EmbeddedRedis) -> None:
    client = connection.connect(ours(server))
    assert isinstance(client, redis.asyncio.Redis)
    await connection.check_safety(client)
    lane = Witness(client, deadline_ms=5000)
    opened = await redis_stack._assemble(client, lane, await installation.bootstrap(client))
    try:
        await call_every_script(opened)
    except types.RedisUnavailable as error:
        raise AssertionError(f"users.acl lacks: {await refused(server)}") from error
    finally:
        await lane.aclose()
        await client.aclose()
    assert await refused(server) == set(), "users.acl lacks these commands"
    uncalled = scripts.PARTS.keys() - {script for script, _ in lane.seen}
    assert uncalled == set(), "call these scripts in tests/support/witness.py"
    scattered = {script for script, where in lane.seen if len(set(map(slot_of, where))) != 1}
    assert scattered == set(), "the keys of these scripts are in several slots"


async def test_a_whole_life_under_the_account(server: EmbeddedRedis, tmp_path: Path) -> None:
    reach = {
        "BLDNG_SCIM_REDIS_URL": f"redis://127.0.0.1:{server.port}",
        "BLDNG_SCIM_REDIS_USERNAME": USER,
        "BLDNG_SCIM_REDIS_PASSWORD": PASSWORD,
    }
    async with around(tmp_path, server, reach) as stack:
        await stack.start_gateway()
        await stack.start_worker()
        entra = Entra(stack)
        joy, tim = await entra.create("joy"), await entra.create("tim")
        assert await entra.patch(joy, displayName="Joyce") == 200
        await _team(stack, joy, tim)
        assert await entra.patch(tim, active="False") == 200
        await stack.until_synced()
        assert await entra.delete(tim) == 204
        await stack.until_synced()
        assert [each["displayName"] for each in stack.people()] == ["Joyce"]
    assert await refused(server) == set(), "users.acl lacks these commands"


async def _team(stack: Stack, *members: str) -> None:
    group = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "team",
        "externalId": "object-team",
        "members": [{"value": each} for each in members],
    }
    status, _ = await stack.request("POST", "/Groups", group)
    assert status == 201


async def test_a_wrong_password_is_said(server: EmbeddedRedis) -> None:
    wrong = Server(Address("127.0.0.1", server.port), login=Login(USER, "other"))
    with pytest.raises(types.RedisUnavailable, match="refuses our user name or password"):
        async with redis_stack.open_stack(wrong):
            pass
