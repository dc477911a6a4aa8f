"""`queue`: list, retry, release, over a real Redis."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from clients.redis.stack import Stack, open_stack
from clients.redis.types import Change, Guard, Lane, Outcome, Settlement, Tenant
from gateway.cli.output import ExitCode
from tests.unit.gateway.cli.conftest import Run

PEOPLE = 5


def within(url: str, story: Callable[[Stack, Tenant], Awaitable[object]]) -> object:
    """Do something to the tenant acme past the command."""

    async def told() -> object:
        async with open_stack(url) as redis:
            tenant = await redis.tenants.get("acme")
            assert tenant is not None
            return await story(redis, tenant)

    return asyncio.run(told())


async def stuck(redis: Stack, tenant: Tenant) -> None:
    """Two dead of different causes, one of them deleted; two held."""
    await redis.queue.set_guard(tenant, Guard(1, 60_000))
    for number in range(PEOPLE):
        name = f"secret-name-{number}"
        change = Change("C", f"u:{number}", f"n{number}", b"{}", "d", new={"un": name})
        await redis.store.write(tenant, change)
    claim = await redis.queue.claim(
        tenant.partition, max_items=PEOPLE, token_prefix="t", lease_ms=5000, quantum=PEOPLE
    )
    for item, cause in zip(claim.items, ["conflict", "rejected", "", "", ""], strict=True):
        outcome = Outcome.DEAD if cause else Outcome.OK
        how = Settlement(outcome, item.version, backend_id=item.rk, error_code=cause)
        await redis.queue.settle(item, how)
    for number in (2, 3, 4):
        leaves = Change("D", f"u:{number}", f"d{number}", expected=1, lane=Lane.SECURITY)
        await redis.store.write(tenant, leaves)


async def trail(redis: Stack, tenant: Tenant) -> Any:
    """The newest line of the audit trail."""
    key = f"sg:{{p{tenant.partition}}}:acme:audit"
    newest: Any = await redis.client.xrevrange(key, count=1)
    return newest[0][1]


def prepared(cli: Run, url: str) -> None:
    assert cli("tenant", "create", "acme", "--org", "x").code == ExitCode.OK
    within(url, stuck)


def listed(cli: Run, *arguments: str) -> list[dict[str, Any]]:
    ended = cli("queue", "list", "acme", "-o", "jsonl", *arguments)
    assert ended.code == ExitCode.OK, ended.stderr
    assert "secret-name" not in ended.stdout
    return [orjson.loads(line) for line in ended.stdout.splitlines()]


def test_the_dead_are_listed_with_reason_age_and_cure(cli: Run, redis_url: str) -> None:
    prepared(cli, redis_url)
    rows = listed(cli)
    assert sorted(row["cause"] for row in rows) == ["conflict", "rejected"]
    assert all(row["what"] and "queue retry acme" in row["cure"] for row in rows)
    assert [row["cause"] for row in listed(cli, "--cause", "conflict")] == ["conflict"]


def test_the_held_are_listed_with_their_cure(cli: Run, redis_url: str) -> None:
    prepared(cli, redis_url)
    rows = listed(cli, "--state", "held")
    assert [(row["cause"], row["deleted"]) for row in rows] == [("held", True)] * 2
    assert "queue release acme" in rows[0]["cure"]


def test_retry_by_cause_leaves_the_others_and_a_line(cli: Run, redis_url: str) -> None:
    prepared(cli, redis_url)
    ended = cli("queue", "retry", "acme", "--cause", "conflict", "--reason", "freed", "--yes")
    assert "1 of 1 dead" in ended.stderr
    assert [row["cause"] for row in listed(cli)] == ["rejected"]
    said = within(redis_url, trail)
    assert isinstance(said, dict)
    assert (said[b"what"], said[b"why"]) == (b"retry", b"freed (1)")
    assert said[b"who"]


def test_retry_and_release_of_one_leave_the_others(cli: Run, redis_url: str) -> None:
    prepared(cli, redis_url)
    assert "1 of 1 dead" in cli("queue", "retry", "acme", "0", "--yes").stderr
    assert "nothing to retry" in cli("queue", "retry", "acme", "u:3", "--yes").stderr
    assert "1 of 1 held" in cli("queue", "release", "acme", "u:4", "--yes").stderr
    assert (len(listed(cli)), len(listed(cli, "--state", "held"))) == (1, 1)


def test_release_lets_the_held_go_and_twice_is_harmless(cli: Run, redis_url: str) -> None:
    prepared(cli, redis_url)
    assert "2 of 2 held" in cli("queue", "release", "acme", "--yes").stderr
    assert "nothing to release" in cli("queue", "release", "acme", "--yes").stderr
    assert listed(cli, "--state", "held") == []
    assert len(listed(cli)) == 2


def test_without_yes_or_with_dry_run_nothing_changes(cli: Run, redis_url: str) -> None:
    prepared(cli, redis_url)
    assert cli("queue", "release", "acme").code == ExitCode.USAGE
    assert "would retry 2 dead" in cli("queue", "retry", "acme", "--dry-run").stderr
    assert len(listed(cli, "--state", "held")) == len(listed(cli)) == 2


def test_an_unknown_tenant_is_not_found(cli: Run, redis_url: str) -> None:
    prepared(cli, redis_url)
    assert cli("queue", "list", "nobody").code == ExitCode.NOT_FOUND


def stats(cli: Run) -> dict[str, dict[str, Any]]:
    rows = orjson.loads(cli("queue", "stats", "-o", "json").stdout)
    return {row["tenant"]: row for row in rows}


def test_stats_count_each_tenant_and_all(cli: Run, redis_url: str) -> None:
    prepared(cli, redis_url)
    for row in stats(cli).values():
        assert (row["ready"], row["held"], row["dead"]) == (1, 2, 2)


def test_show_tells_where_one_stands(cli: Run, redis_url: str) -> None:
    prepared(cli, redis_url)
    shown = [
        orjson.loads(cli("queue", "show", "acme", id_, "-o", "json").stdout)["state"]
        for id_ in ("0", "u:2", "3")
    ]
    assert shown == ["D", "P", "H"]
    assert cli("queue", "show", "acme", "nobody").code == ExitCode.NOT_FOUND


def test_a_pause_says_who_and_why_until_it_ends(cli: Run, redis_url: str) -> None:
    prepared(cli, redis_url)
    assert cli("queue", "pause", "acme", "--yes").code == ExitCode.USAGE
    assert cli("queue", "pause", "acme", "--reason", "backup").code == ExitCode.USAGE
    assert cli("queue", "pause", "acme", "--reason", "backup", "--yes").code == ExitCode.OK
    paused = stats(cli)["acme"]
    assert (paused["ready"], paused["parked"]) == (0, 1)
    assert "paused since" in paused["why"]
    assert "backup" in paused["why"]
    assert cli("queue", "resume", "acme").code == ExitCode.OK
    assert stats(cli)["acme"]["why"] == ""


def test_the_fleet_is_paused_apart_from_its_tenants(cli: Run, redis_url: str) -> None:
    prepared(cli, redis_url)
    assert cli("queue", "pause", "--reason", "move", "--yes").code == ExitCode.OK
    assert cli("queue", "resume", "acme").code == ExitCode.OK
    assert "fleet paused since" in stats(cli)["acme"]["why"]
    assert cli("queue", "resume").code == ExitCode.OK
    assert stats(cli)["acme"]["parked"] == 0


def test_audit_finds_and_mends_what_contradicts(cli: Run, redis_url: str) -> None:
    prepared(cli, redis_url)
    assert cli("queue", "audit").code == ExitCode.OK

    async def damage(redis: Stack, tenant: Tenant) -> object:
        return await redis.client.delete(f"sg:{{p{tenant.partition}}}:acme:q")

    within(redis_url, damage)
    assert cli("queue", "audit", "acme").code == ExitCode.CHECK_FAILED
    assert cli("queue", "audit", "--repair").code == ExitCode.OK
    assert cli("queue", "audit").code == ExitCode.OK
