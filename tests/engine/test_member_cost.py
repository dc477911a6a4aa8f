"""What a change of members costs does not depend on how big the group is."""

import asyncio
from collections.abc import Mapping

import pytest

from clients.redis.types import Outcome, WriteStatus
from tests.engine.harness import Engine, tenant_key
from tests.support.redis import commands

FILL = "for i = 1, tonumber(ARGV[1]) do redis.call('SADD', KEYS[1], 'm' .. i) end"


async def team(engine: Engine, rk: str, size: int) -> None:
    """A synced group; of its people only the membership exists."""
    await engine.create(rk, title="x")
    await engine.sync(f"grp_{rk}")
    await engine.client.eval(FILL, 1, tenant_key(f"gm:{rk}"), size)


async def disband(engine: Engine, *rks: str) -> None:
    """Take the filled-in memberships out again, of which nothing else knows."""
    await engine.client.unlink(*(tenant_key(f"gm:{rk}") for rk in rks))


async def a_cycle(engine: Engine, rk: str) -> list[Mapping[str, int]]:
    """Join, claim, settle, leave, claim, settle; the commands of each."""
    await commands(engine.client)
    found = []
    for change in (engine.join, engine.leave):
        assert (await change(rk, "ann")).status is WriteStatus.OK
        found.append(await commands(engine.client))
        item = await engine.claim_one()
        assert [each.scim_id for each in item.members.entries] == ["ann"]
        found.append(await commands(engine.client))
        await engine.settle(
            item, Outcome.OK, backend_id=item.backend_id, members_done=item.members.entries
        )
        found.append(await commands(engine.client))
    return found


async def test_every_step_takes_the_same_commands_at_any_size(engine: Engine) -> None:
    await engine.create("u:ann", un="ann")
    await engine.sync("usr_ann")
    await team(engine, "g:small", 10)
    await team(engine, "g:big", 100_000)
    await a_cycle(engine, "g:small")
    small, big = await a_cycle(engine, "g:small"), await a_cycle(engine, "g:big")
    assert small == big
    assert all(sum(each.values()) < 40 for each in big)
    await disband(engine, "g:small", "g:big")


async def test_a_chunk_takes_a_few_commands_a_member(engine: Engine) -> None:
    await team(engine, "g:1", 0)
    await commands(engine.client)
    await engine.join("g:1", *(f"n{number}" for number in range(200)))
    assert sum((await commands(engine.client)).values()) < 200 * 4


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_hundred_thousand_parallel_joins_lose_nobody(engine: Engine) -> None:
    await team(engine, "g:1", 0)

    async def write(writer: int) -> None:
        for number in range(3125):
            await engine.join("g:1", f"w{writer}-{number}")

    await asyncio.gather(*(write(writer) for writer in range(32)))
    wanted = {f"w{writer}-{number}" for writer in range(32) for number in range(3125)}
    assert await engine.roster("g:1") == wanted
