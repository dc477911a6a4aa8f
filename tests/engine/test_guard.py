"""The mass-change guard: who leaves beyond the limit is held; a single one is never late."""

from clients.redis.types import Guard, Lane, Outcome, Written
from tests.engine.harness import LEASE_MS, SETTLE_MS, Engine

WINDOW_MS = 60_000


async def staff(engine: Engine, number: int, *, limit: int = 2) -> list[str]:
    """People who are at the backend, and a guard."""
    await engine.queue.set_guard(engine.tenant, Guard(limit, WINDOW_MS))
    rks = [f"u:{each}" for each in range(number)]
    for rk in rks:
        await engine.create(rk, un=f"n{rk}", xid=f"x{rk}")
        await engine.sync(f"usr_{rk}")
    return rks


async def leaves(engine: Engine, rk: str) -> Written:
    return await engine.update(rk, lane=Lane.SECURITY, title=engine.fresh("left"))


async def returns(engine: Engine, rk: str) -> Written:
    return await engine.update(rk, lane=Lane.RETURN, title=engine.fresh("back"))


async def places(engine: Engine, rks: list[str]) -> str:
    return "".join([(await engine.state(rk)).state for rk in rks])


async def test_who_leaves_beyond_the_limit_is_held(engine: Engine) -> None:
    rks = await staff(engine, 4)
    written = [await leaves(engine, rk) for rk in rks]
    assert [each.held for each in written] == [False, False, True, True]
    assert await places(engine, rks) == "PPHH"
    assert {item.rk for item in (await engine.claim()).items} == {"u:0", "u:1"}
    assert (await engine.queue.depths([0]))["acme"].held == 2


async def test_deletions_count_as_well_and_are_held_as_tombstones(engine: Engine) -> None:
    rks = await staff(engine, 4)
    assert [(await engine.delete(rk)).held for rk in rks] == [False, False, True, True]
    assert await engine.store.read(engine.tenant, ["u:3"]) == [None]
    state = await engine.state("u:3")
    assert (state.state, state.deleted) == ("H", True)


async def test_a_person_counts_once_until_the_backend_has_followed(engine: Engine) -> None:
    rks = await staff(engine, 3)
    await leaves(engine, "u:0")
    assert not (await leaves(engine, "u:0")).held
    assert not (await engine.delete("u:0")).held
    assert not (await leaves(engine, "u:1")).held
    assert (await leaves(engine, "u:2")).held
    assert await places(engine, rks) == "PPH"


async def test_who_never_was_on_the_way_to_the_backend_leaves_uncounted(engine: Engine) -> None:
    await engine.queue.set_guard(engine.tenant, Guard(1, WINDOW_MS))
    for number in range(4):
        await engine.create(f"u:{number}", un=f"n{number}")
        assert not (await engine.delete(f"u:{number}")).held


async def test_groups_are_not_guarded(engine: Engine) -> None:
    await engine.queue.set_guard(engine.tenant, Guard(1, WINDOW_MS))
    for number in range(3):
        await engine.create(f"g:{number}", title="x")
        await engine.sync(f"grp_{number}")
        assert not (await engine.delete(f"g:{number}")).held


async def test_another_change_of_a_held_person_stays_held(engine: Engine) -> None:
    rks = await staff(engine, 3)
    for rk in rks:
        await leaves(engine, rk)
    assert (await engine.update("u:2", title="new")).held
    assert (await engine.delete("u:2")).held
    assert await places(engine, rks) == "PPH"


async def test_who_returns_leaves_held_and_syncs(engine: Engine) -> None:
    rks = await staff(engine, 3)
    for rk in rks:
        await leaves(engine, rk)
    assert not (await returns(engine, "u:2")).held
    assert await places(engine, rks) == "PPP"
    assert (await leaves(engine, "u:2")).held


async def test_the_release_sends_what_was_held(engine: Engine) -> None:
    rks = await staff(engine, 4)
    for rk in rks:
        await leaves(engine, rk)
    assert await engine.queue.replay(engine.tenant, rks) == 2
    assert await engine.queue.replay(engine.tenant, rks) == 0
    for item in (await engine.claim()).items:
        await engine.ok(item)
    assert await places(engine, rks) == "SSSS"


async def test_a_single_leaver_is_never_late(engine: Engine) -> None:
    rks = await staff(engine, 6, limit=1)
    for rk in rks:
        assert not (await leaves(engine, rk)).held
        await engine.advance(2 * WINDOW_MS)


async def test_the_window_slides(engine: Engine) -> None:
    rks = await staff(engine, 8, limit=4)
    for rk in rks[:4]:
        await leaves(engine, rk)
    await engine.advance(WINDOW_MS - 1)
    assert (await leaves(engine, rks[4])).held
    await engine.advance(1 + WINDOW_MS // 2)  # half of the earlier four still count
    assert [(await leaves(engine, rk)).held for rk in rks[5:]] == [False, False, True]


async def test_a_flood_keeps_the_guard_shut_while_it_lasts(engine: Engine) -> None:
    rks = await staff(engine, 30, limit=2)
    held = []
    for rk in rks[:24]:
        held.append((await leaves(engine, rk)).held)
        await engine.advance(WINDOW_MS // 8)
    assert held.count(False) < 8
    await engine.advance(WINDOW_MS * 3 // 2)
    assert not (await leaves(engine, rks[25])).held


async def test_without_a_limit_nobody_is_held(engine: Engine) -> None:
    rks = await staff(engine, 5, limit=0)
    assert not any([(await leaves(engine, rk)).held for rk in rks])


async def test_the_default_lets_five_hundred_an_hour_go(engine: Engine) -> None:
    await engine.queue.set_guard(engine.tenant, Guard(1, WINDOW_MS))
    await engine.queue.set_guard(engine.tenant, None)
    found = await engine.operations.switches(engine.tenant)
    assert found.guard == Guard(500, 3_600_000)


async def test_who_is_in_a_workers_hands_is_held_when_the_lease_ends(engine: Engine) -> None:
    rks = await staff(engine, 5, limit=1)
    await leaves(engine, rks[0])
    await engine.sync()
    for rk in rks[1:]:
        await engine.update(rk, title="x")
    done, retried, released, crashed = (await engine.claim(4)).items
    for rk in rks[1:]:
        assert (await leaves(engine, rk)).held
    await engine.ok(done)
    await engine.settle(retried, Outcome.RETRY, counted=True, delay_ms=10)
    await engine.settle(released, Outcome.RELEASE)
    await engine.advance(LEASE_MS)
    assert (await engine.claim()).reaped == 1
    assert await places(engine, rks) == "SHHHH"
    assert crashed.rk == rks[4]
    assert (await engine.claim()).items == ()


async def test_a_lost_claim_gives_back_to_the_guard(engine: Engine) -> None:
    await staff(engine, 2, limit=1)
    await leaves(engine, "u:0")
    await engine.update("u:1", title="x")
    await engine.claim()
    claim = f"boot.{engine.serial}"
    await leaves(engine, "u:1")
    assert await engine.queue.recover(0, claim) == 2
    assert await places(engine, ["u:0", "u:1"]) == "PH"


async def test_who_returns_during_the_lease_is_not_held(engine: Engine) -> None:
    await staff(engine, 2, limit=1)
    await leaves(engine, "u:0")
    await engine.sync()
    await engine.update("u:1", title="x")
    item = await engine.claim_one()
    await leaves(engine, "u:1")
    assert not (await returns(engine, "u:1")).held
    await engine.ok(item)
    assert (await engine.state("u:1")).state == "P"


async def test_a_create_of_unknown_outcome_keeps_its_settle_delay(engine: Engine) -> None:
    """Held or released, it is not looked for before what was sent must be seen."""
    await staff(engine, 1, limit=1)
    await leaves(engine, "u:0")
    await engine.sync()
    for rk in ("u:8", "u:9"):
        await engine.create(rk, un=rk)
    for item in (await engine.claim()).items:
        await engine.settle(item, Outcome.RETRY, counted=True, delay_ms=SETTLE_MS)
    for rk in ("u:8", "u:9"):
        assert (await leaves(engine, rk)).held
    await returns(engine, "u:8")
    await engine.queue.replay(engine.tenant, ["u:9"])
    for rk in ("u:8", "u:9"):
        assert (await engine.state(rk)).due_ms == engine.now_ms + SETTLE_MS


async def test_a_leaver_who_waits_for_a_name_waits_again_when_released(engine: Engine) -> None:
    rks = await staff(engine, 2, limit=1)
    await leaves(engine, rks[0])
    await engine.update(rks[0], un="other")
    await engine.update(rks[1], lane=Lane.SECURITY, un=f"n{rks[0]}")
    assert await places(engine, rks) == "PH"
    await engine.queue.replay(engine.tenant, rks)
    assert await places(engine, rks) == "PW"
    await engine.ok(await engine.claim_one())
    assert await places(engine, rks) == "SP"


async def test_the_dead_may_be_held(engine: Engine) -> None:
    rks = await staff(engine, 2, limit=1)
    await engine.update(rks[1], title="bad")
    await engine.settle(await engine.claim_one(), Outcome.DEAD, error_code="rejected")
    await leaves(engine, rks[0])
    assert (await leaves(engine, rks[1])).held
    assert await places(engine, rks) == "PH"


async def test_the_same_nonce_counts_once(engine: Engine) -> None:
    rks = await staff(engine, 3)
    change = await engine.change(rks[0], lane=Lane.SECURITY, title="left")
    for _ in range(3):
        assert not (await engine.store.write(engine.tenant, change)).held
    assert not (await leaves(engine, rks[1])).held
    assert (await leaves(engine, rks[2])).held
