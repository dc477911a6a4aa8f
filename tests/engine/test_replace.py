"""REPLACE: the list becomes exactly this, in short steps, and others keep what they change."""

import asyncio

import pytest

from clients.redis import keys, types
from clients.redis.replacement import Replacement
from clients.redis.types import MemberChange, WriteStatus, Written
from tests.engine.harness import Engine, tenant_key


async def team(engine: Engine, *members: str) -> None:
    await engine.create("g:1", title="Sales")
    await engine.sync("grp_1")
    await engine.join("g:1", *members)


def staged(dump: dict[str, object]) -> list[str]:
    return [key for key in dump if key.startswith(tenant_key("gs:"))]


@pytest.mark.parametrize("wanted", [(), ("a",), ("a", "b"), ("b", "c"), ("x", "y", "z")])
async def test_the_list_becomes_exactly_this(engine: Engine, wanted: tuple[str, ...]) -> None:
    await team(engine, "a", "b")
    changed = set(wanted) != {"a", "b"}
    assert ((await engine.replace("g:1", *wanted)).status is WriteStatus.OK) is changed
    assert await engine.roster("g:1") == set(wanted)
    assert staged(dict(await engine.dump())) == []
    assert (await engine.replace("g:1", *wanted)).status is WriteStatus.NOOP


async def test_clear_removes_everybody(engine: Engine) -> None:
    await team(engine, *(f"m{number}" for number in range(1500)))
    answer = await engine.members.clear(engine.tenant, "g:1", nonce="n", cause="c")
    assert answer.status is WriteStatus.OK
    assert await engine.roster("g:1") == set()


async def test_long_lists_go_step_by_step(engine: Engine) -> None:
    before = {f"m{number}" for number in range(2500)}
    wanted = {f"m{number}" for number in range(1200, 4100)}
    await team(engine, *sorted(before))
    assert (await engine.replace("g:1", *sorted(wanted))).status is WriteStatus.OK
    assert await engine.roster("g:1") == wanted


async def test_the_same_nonce_answers_again_and_does_nothing_more(engine: Engine) -> None:
    await team(engine, "a")

    async def replace() -> Written:
        return await engine.members.replace(engine.tenant, "g:1", ["b"], nonce="n", cause="c")

    first = await replace()
    await engine.join("g:1", "c")
    before = await engine.dump()
    assert await replace() == first
    assert await engine.dump() == before


async def begin(engine: Engine, *ids: str, nonce: str = "slow") -> None:
    """Put a new list aside and go no further."""
    where = (
        *keys.of_resource(0, "acme", "g:1"),
        keys.new_list(0, "acme", "g:1", nonce),
        keys.members_answer(0, "acme", "g:1", nonce),
    )
    args = [engine.epoch, "acme", "g:1", nonce, "1", *ids]
    await engine.lane.run("replace_begin", where, args)


async def finish(engine: Engine, *ids: str, nonce: str = "slow") -> Written:
    return await engine.members.replace(engine.tenant, "g:1", ids, nonce=nonce, cause="c")


async def test_whoever_changes_the_group_meanwhile_keeps_it(engine: Engine) -> None:
    await team(engine, "a", "b")
    await begin(engine, "b", "c")
    await engine.join("g:1", "late", "a")
    await engine.leave("g:1", "b", "c")
    await finish(engine, "b", "c")
    assert await engine.roster("g:1") == {"late", "a"}


async def test_a_later_replacement_decides(engine: Engine) -> None:
    await team(engine, "a")
    earlier = Replacement(
        engine.lane, engine.epoch, engine.tenant, "g:1", nonce="earlier", cause="c"
    )
    assert await earlier._begin(["b"]) == ("BEGUN", 2)
    await begin(engine, "c", nonce="later")
    assert await earlier._walk("leave", 2) == ("OTHER", 2)
    assert await engine.roster("g:1") == {"a"}
    await finish(engine, "c", nonce="later")
    assert await engine.roster("g:1") == {"c"}


async def test_a_list_that_is_gone_stops_the_replacement(engine: Engine) -> None:
    """Its gateway slept for longer than the list is kept: nobody is taken for not listed."""
    await team(engine, "a")
    await begin(engine, "b")
    await engine.client.delete(keys.new_list(0, "acme", "g:1", "slow"))
    before = await engine.roster("g:1")
    with pytest.raises(types.RedisUnavailable, match="too long"):
        await finish(engine, "b")
    assert await engine.roster("g:1") == before
    assert (await engine.replace("g:1", "b")).status is WriteStatus.OK


async def test_a_list_left_behind_vanishes_by_itself(engine: Engine) -> None:
    await team(engine, "a")
    await begin(engine, "b")
    life_ms = await engine.client.pttl(keys.new_list(0, "acme", "g:1", "slow"))
    assert 0 < life_ms <= 600_000
    await engine.join("g:1", "c")
    assert await engine.roster("g:1") == {"a", "c"}


async def test_writers_beside_a_replacement_lose_nothing(engine: Engine) -> None:
    await team(engine, *(f"old{number}" for number in range(1000)))
    await begin(engine, *(f"new{number}" for number in range(1000)))

    async def write(writer: int) -> None:
        for number in range(10):
            await engine.alter("g:1", MemberChange(add=(f"w{writer}-{number}",)))
            await engine.alter("g:1", MemberChange(remove=(f"new{writer * 10 + number}",)))

    news = [f"new{number}" for number in range(1000)]
    await asyncio.gather(finish(engine, *news), *(write(writer) for writer in range(16)))
    written = {f"w{writer}-{number}" for writer in range(16) for number in range(10)}
    assert await engine.roster("g:1") == set(news[160:]) | written
