"""Groups and people for tests on memberships, and a worker that confirms what it claims."""

from clients.redis.types import Claimed, MemberEntry, Outcome
from tests.engine.harness import Engine

DEBOUNCE_MS = 2000


async def synced(engine: Engine, rk: str, backend_id: str) -> None:
    await engine.create(rk, title="x")
    await engine.sync(backend_id)


async def team(engine: Engine, *people: str) -> None:
    """A group and people, whom the backend knows as `usr_<name>`."""
    for name in people:
        await synced(engine, f"u:{name}", f"usr_{name}")
    await synced(engine, "g:1", "grp_1")


async def crowd(engine: Engine, number: int) -> list[str]:
    """People whom the backend knows."""
    names = [f"m{each:03}" for each in range(number)]
    for name in names:
        await engine.create(f"u:{name}", title="x")
    while items := (await engine.claim()).items:
        for item in items:
            await engine.ok(item, f"usr_{item.rk[2:]}")
    return names


async def confirmed(engine: Engine, item: Claimed, *done: MemberEntry, **how: object) -> str:
    """Settle as done with these entries."""
    settled = await engine.settle(item, Outcome.OK, backend_id="grp_1", members_done=done, **how)
    return settled.status.value


async def drained(engine: Engine, backend_id: str) -> list[Claimed]:
    """Claim the group and confirm all of it until nothing is due; each visit."""
    visits: list[Claimed] = []
    while items := (await engine.claim()).items:
        visits += items
        done = items[0].members.entries
        await engine.settle(items[0], Outcome.OK, backend_id=backend_id, members_done=done)
    return visits


async def sent(engine: Engine) -> Claimed:
    """Claim the group and confirm all of it."""
    item = await engine.claim_one()
    assert await confirmed(engine, item, *item.members.entries) == "SYNCED"
    return item
