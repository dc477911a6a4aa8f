"""The patrol's scripts: everything once in a period, nothing in the way of work."""

from clients.redis.operations import Operations
from clients.redis.patrol import HURRY_STEP, Compared, Patrol, Step
from clients.redis.types import MembersDelta, Outcome, Signal
from tests.engine.harness import Engine

PERIOD_MS = 60_000
LEASE_MS = 30_000


def patrol_of(engine: Engine) -> Patrol:
    return Patrol(engine.lane, engine.epoch)


async def take(engine: Engine, *, period_ms: int = PERIOD_MS) -> Step:
    return await patrol_of(engine).take(
        engine.tenant, token=engine.fresh("p"), lease_ms=LEASE_MS, period_ms=period_ms
    )


async def done(engine: Engine, step: Step, *, period_ms: int = PERIOD_MS) -> int:
    return await patrol_of(engine).done(engine.tenant, step, period_ms=period_ms)


async def synced(engine: Engine, number: int) -> None:
    """So many people and one group, all at the backend."""
    for each in range(number):
        await engine.create(f"u:{each}", un=f"n{each}")
        await engine.sync(f"usr_{each}")
    await engine.create("g:1", title="team")
    await engine.sync("grp_1")


async def walk(engine: Engine) -> tuple[list[str], int]:
    """One whole pass; what was compared, and the time it took."""
    began, found = engine.now_ms, list[str]()
    for _ in range(50):
        step = await take(engine)
        if not step.token:
            await engine.advance(step.wait_ms)
            continue
        found += [item.rk for item in step.items]
        await done(engine, step)
        if step.ends:
            return found, engine.now_ms - began
    raise AssertionError(found)


async def test_a_pass_compares_everything_once_within_the_period(engine: Engine) -> None:
    await synced(engine, 5)
    found, took_ms = await walk(engine)
    assert found == [*(f"u:{each}" for each in range(5)), "g:1"]
    assert PERIOD_MS * 0.8 <= took_ms <= PERIOD_MS * 1.5
    assert (await walk(engine))[0] == found


async def test_it_is_never_faster_than_one_in_a_second(engine: Engine) -> None:
    await synced(engine, 5)
    await engine.advance((await take(engine, period_ms=10)).wait_ms)
    step = await take(engine, period_ms=10)
    assert await done(engine, step, period_ms=10) == 1000


async def test_two_workers_share_one_walk(engine: Engine) -> None:
    await synced(engine, 3)
    await engine.advance((await take(engine)).wait_ms)
    mine, theirs = await take(engine), await take(engine)
    assert (len(mine.items), theirs.token, theirs.wait_ms) == (1, "", LEASE_MS)


async def test_a_worker_that_dies_leaves_its_step_to_another(engine: Engine) -> None:
    await synced(engine, 3)
    await engine.advance((await take(engine)).wait_ms)
    lost = await take(engine)
    await engine.advance(LEASE_MS)
    again = await take(engine)
    assert [item.rk for item in again.items] == [item.rk for item in lost.items] == ["u:0"]
    assert await done(engine, lost) == -1
    assert await done(engine, again) > 0


async def test_it_stands_back_behind_work_pause_hold_and_breaker(engine: Engine) -> None:
    await synced(engine, 2)
    await engine.advance((await take(engine)).wait_ms)
    await engine.update("u:0", title="new")
    assert (await take(engine)).token == ""
    await engine.sync("usr_0")
    await engine.queue.pause(engine.tenant, "test")
    assert (await take(engine)).token == ""
    await engine.queue.resume(engine.tenant)
    operations = Operations(engine.lane, engine.epoch)
    await operations.pause_fleet([0], "test", who="joy")
    assert (await take(engine)).token == ""
    await operations.resume_fleet([0], "test", who="joy")
    await engine.queue.hold(engine.tenant, 1000, "test")
    assert (await take(engine)).token == ""
    await engine.queue.resume(engine.tenant)
    await engine.update("u:0", title="newer")
    await engine.settle(await engine.claim_one(), Outcome.PARK, signal=Signal.CONFIG)
    await engine.advance(1)
    assert (await take(engine)).token == ""
    await engine.queue.resume(engine.tenant)
    await engine.sync("usr_0")
    assert (await take(engine)).token != ""


async def test_what_is_not_synced_is_left_out(engine: Engine) -> None:
    await synced(engine, 2)
    await engine.update("u:0", title="broken")
    await engine.settle(await engine.claim_one(), Outcome.DEAD)
    found, _ = await walk(engine)
    assert found == ["u:1", "g:1"]


async def test_what_differs_is_sent_again_unless_it_was_worked_on(engine: Engine) -> None:
    await synced(engine, 1)
    await engine.advance((await take(engine)).wait_ms)
    [item] = (await take(engine)).items
    patrol = patrol_of(engine)
    assert await patrol.mark(engine.tenant, item)
    claimed = await engine.claim_one()
    assert (claimed.rk, claimed.force, claimed.version) == ("u:0", True, 1)
    assert not await patrol.mark(engine.tenant, item)
    await engine.ok(claimed, "usr_0")
    assert (await engine.state("u:0")).state == "S"
    assert not await patrol.mark(engine.tenant, item)


async def confirm(engine: Engine) -> MembersDelta:
    """Serve the group once: BLDNG has what was sent. What that was."""
    claimed = await engine.claim_one()
    entries = claimed.members.entries
    await engine.settle(claimed, Outcome.OK, backend_id="grp_1", members_done=entries)
    return claimed.members


async def taken(engine: Engine, rk: str) -> Compared:
    """This resource as a step of a pass in a hurry has it."""
    assert await patrol_of(engine).hurry(engine.tenant, reason=engine.fresh("r"))
    for _ in range(10):
        step = await take(engine)
        for item in step.items:
            if item.rk == rk:
                return item
        await engine.advance(max(0, await done(engine, step)))
    raise AssertionError(rk)


async def test_members_are_sent_as_they_are_wanted_now(engine: Engine) -> None:
    await synced(engine, 3)
    await engine.join("g:1", "0", "1", "ghost")
    await confirm(engine)
    patrol = patrol_of(engine)
    parts = [part async for part in patrol.members(engine.tenant, "g:1")]
    assert {k: v for part in parts for k, v in part.items()} == {"0": "usr_0", "1": "usr_1"}
    group = await taken(engine, "g:1")
    assert await patrol.mark(engine.tenant, group, ["0", "2", "ghost"])
    sent = await confirm(engine)
    assert [each.scim_id for each in sent.add] == ["0"]
    assert [each.scim_id for each in sent.remove] == ["2"]


async def test_all_members_are_sent_through_the_repair_of_a_lost_record(engine: Engine) -> None:
    await synced(engine, 2)
    await engine.join("g:1", "0", "1")
    await confirm(engine)
    group = await taken(engine, "g:1")
    assert await patrol_of(engine).mark(engine.tenant, group, all_members=True)
    assert (await confirm(engine)).entries == ()
    assert sorted((await confirm(engine)).ids) == ["0", "1"]
    assert (await engine.state("g:1")).state == "S"


async def test_in_a_hurry_it_begins_anew_and_takes_ten_in_a_second(engine: Engine) -> None:
    await synced(engine, 2 * HURRY_STEP)
    patrol = patrol_of(engine)
    assert await patrol.hurry(engine.tenant, reason="one")
    assert not await patrol.hurry(engine.tenant, reason="one")
    first = await take(engine, period_ms=0)
    assert [item.rk for item in first.items] == [f"u:{each}" for each in range(HURRY_STEP)]
    assert await done(engine, first, period_ms=0) == 1000
    met = len(first.items)
    for ends in (False, False, True):  # the second ten, nobody more, the group
        await engine.advance(1000)
        step = await take(engine, period_ms=0)
        met += len(step.items)
        await done(engine, step, period_ms=0)
        assert step.ends is ends
    assert met == 2 * HURRY_STEP + 1
    await engine.advance(10_000)
    assert (await take(engine, period_ms=0)).token == ""


async def test_only_who_was_served_lately_is_hurried(engine: Engine) -> None:
    await synced(engine, 1)
    await engine.advance(600_001)
    patrol = patrol_of(engine)
    lately = 600_000
    assert not await patrol.hurry(engine.tenant, reason="one", served_within_ms=lately)
    assert await patrol.hurry(engine.tenant, reason="one", served_within_ms=lately + 10)
