"""The oracle finds what it is there for: each kind of damage to groups, done by hand."""

from collections.abc import Awaitable, Callable

from clients.redis import keys
from clients.redis.stack import open_stack
from tests.chaos.scene import Entra, Look, looking
from tests.support import oracle
from tests.support.stack import ORG, TENANT, Stack

Damage = Callable[[Stack, Look, str, list[str]], Awaitable[None]]


async def drop_member(stack: Stack, look: Look, group: str, ids: list[str]) -> None:
    await look.redis.client.srem(f"{look.root}gm:g:{group}", ids[0])


async def invent_member(stack: Stack, look: Look, group: str, ids: list[str]) -> None:
    await look.redis.client.sadd(f"{look.root}gm:g:{group}", "somebody")


async def bring_back(stack: Stack, look: Look, group: str, ids: list[str]) -> None:
    await look.redis.client.sadd(f"{look.root}gm:g:{group}", ids[3])


async def forget_group_of_member(stack: Stack, look: Look, group: str, ids: list[str]) -> None:
    await look.redis.client.delete(keys.groups_of(look.partition, TENANT, ids[0]))


async def park_member(stack: Stack, look: Look, group: str, ids: list[str]) -> None:
    await look.redis.client.sadd(f"{look.root}gb:g:{group}", ids[0])


async def leave_pending(stack: Stack, look: Look, group: str, ids: list[str]) -> None:
    await look.redis.client.zadd(f"{look.root}gd:g:{group}", {ids[0]: 99})


async def drop_at_bldng(stack: Stack, look: Look, group: str, ids: list[str]) -> None:
    [members] = stack.state.org(ORG).members.values()
    members.popitem()


async def double_at_bldng(stack: Stack, look: Look, group: str, ids: list[str]) -> None:
    groups = stack.state.org(ORG).groups
    [record] = groups
    groups.put({**record, "id": "grp_99999999"})


DAMAGES: list[tuple[Damage, str]] = [
    (drop_at_bldng, "lacks"),
    (double_at_bldng, "2 times"),
    (park_member, "parks"),
    (leave_pending, "still to send"),
    (forget_group_of_member, "disagree"),
    (bring_back, "kept"),
    (drop_member, "lost"),
    (invent_member, "invented"),
]


async def test_every_damage_to_a_group_is_found(stack: Stack, entra: Entra) -> None:
    ids = [await entra.create(name) for name in ("ann", "bob", "joy", "eve")]
    group = await entra.found("Sales")
    assert await entra.change_members(group, join=ids) == 204
    assert await entra.change_members(group, leave=ids[3:]) == 204
    await stack.start_worker()
    await entra.check()
    async with looking(stack) as look, open_stack(stack.redis.url) as redis:
        tenant = await redis.tenants.get(TENANT)
        assert tenant is not None
        for damage, says in DAMAGES:
            before = await oracle.verdict(redis, tenant, stack.state, entra.journal)
            assert not any(says in line for line in before), before
            await damage(stack, look, group, ids)
            after = await oracle.verdict(redis, tenant, stack.state, entra.journal)
            assert any(says in line for line in after), (says, after)
