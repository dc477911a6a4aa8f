"""Tenants and tokens, the server's safety, the embedded server, the layout, waking."""

import asyncio
from pathlib import Path

import pytest

from clients.redis import connection, embedded, keys, scripts, stack, types
from clients.redis.durability import Ack
from clients.redis.wake import Wake
from tests.engine.harness import Engine, doc_of
from tests.support import redis as servers
from tests.support.waiting import eventually

TOKEN = types.Token(key_id="k1", tenant="acme", digest="d" * 64, created_ms=1)


async def test_tenants_go_to_the_least_loaded_partition(redis_stack: stack.Stack) -> None:
    tenants = redis_stack.tenants
    made = [await tenants.create(f"t{n:02}", org=f"o{n}", now_ms=n) for n in range(32)]
    assert [each.partition for each in made] == [*range(16), *range(16)]
    assert await tenants.list() == made
    assert await tenants.get("t07") == made[7]
    assert await tenants.get("none") is None


async def test_tenants_made_at_once_are_spread_too(redis_stack: stack.Stack) -> None:
    create = redis_stack.tenants.create
    made = await asyncio.gather(*(create(f"t{n}", org="o", now_ms=1) for n in range(16)))
    assert {each.partition for each in made} == set(range(16))


async def test_a_tenant_is_made_once(redis_stack: stack.Stack, tenant: types.Tenant) -> None:
    with pytest.raises(types.TenantExists):
        await redis_stack.tenants.create("acme", org="other", now_ms=2)
    assert await redis_stack.tenants.get("acme") == tenant


@pytest.mark.parametrize("name", ["", "-a", "A", "a_b", "a" * 40, "a:b", "a/b", "ä"])
async def test_bad_names_are_refused(redis_stack: stack.Stack, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a tenant"):
        await redis_stack.tenants.create(name, org="o", now_ms=1)


async def test_settings_of_a_tenant_change_one_by_one(
    redis_stack: stack.Stack, tenant: types.Tenant
) -> None:
    tenants = redis_stack.tenants
    await asyncio.gather(
        tenants.set_disabled("acme", disabled=True),
        tenants.set_policy("acme", types.Policy.STRICT),
    )
    found = await tenants.get("acme")
    assert found is not None
    assert (found.disabled, found.policy) == (True, types.Policy.STRICT)
    assert (found.partition, found.org) == (tenant.partition, tenant.org)
    with pytest.raises(types.UnknownTenant):
        await tenants.set_disabled("none", disabled=True)


async def test_tokens_are_kept_until_revoked_and_after(redis_stack: stack.Stack) -> None:
    tenants = redis_stack.tenants
    assert await tenants.add_token(TOKEN)
    assert await tenants.add_token(TOKEN)
    other = types.Token(key_id="k1", tenant="beta", digest="e" * 64, created_ms=2)
    assert not await tenants.add_token(other)
    assert await tenants.token("k1") == TOKEN
    assert await tenants.token("k2") is None
    assert (await tenants.expire_token("k1", 99)).expires_ms == 99
    assert (await tenants.revoke_token("k1", 50)).revoked_ms == 50
    assert (await tenants.revoke_token("k1", 60)).revoked_ms == 50
    assert await tenants.tokens("beta") == ()
    assert [each.key_id for each in await tenants.tokens()] == ["k1"]
    with pytest.raises(types.UnknownToken):
        await tenants.revoke_token("k2", 1)


async def test_many_may_set_an_installation_up_at_once(redis_url: str) -> None:
    async def opened() -> str:
        async with stack.open_stack(redis_url, install=True) as parts:
            return parts.epoch

    assert len(set(await asyncio.gather(*(opened() for _ in range(5))))) == 1


@pytest.mark.parametrize(
    ("setting", "unsafe", "safe", "message"),
    [
        ("maxmemory-policy", "allkeys-lru", "noeviction", "noeviction"),
        ("appendonly", "no", "yes", "appendonly yes"),
    ],
)
async def test_an_unsafe_server_is_refused(
    redis_url: str, setting: str, unsafe: str, safe: str, message: str
) -> None:
    client = connection.connect(redis_url)
    await client.config_set(setting, unsafe)
    try:
        with pytest.raises(types.UnsafeRedis, match=rf"{setting} is {unsafe}.*{message}"):
            async with stack.open_stack(redis_url, install=True):
                pass
    finally:
        await client.config_set(setting, safe)
        await client.aclose()


async def test_a_forbidden_config_hides_what_the_mode_rests_on(redis_url: str) -> None:
    """Eviction and persistence are told by INFO; the rest must be readable or not be promised."""
    client = connection.connect(redis_url)
    await client.acl_setuser(
        "plain",
        enabled=True,
        passwords=["+p"],
        keys=["sg:*"],
        channels=["*"],
        categories=["+@all"],
        commands=["-config"],
    )
    try:
        url = redis_url.replace("://", "://plain:p@")
        async with stack.open_stack(url, install=True, ack=Ack.MEMORY) as parts:
            assert parts.partitions == range(keys.PARTITIONS)
        for ack in (Ack.FSYNC, Ack.REPLICA):
            told = rf"appendfsync cannot be read.*ACK={ack} cannot be verified.*config\|get"
            with pytest.raises(types.UnsafeRedis, match=told):
                async with stack.open_stack(url, ack=ack):
                    pass
    finally:
        await client.acl_deluser("plain")
        await client.aclose()


def test_no_server_is_said_with_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(types.NoRedisServer, match="embedded"):
        embedded.find_server()


async def test_data_survives_stop_and_kill(tmp_path: Path) -> None:
    server = servers.server(tmp_path, appendfsync="always")
    for end in (server.stop, server.kill):
        server.start()
        async with stack.open_stack(server.url, install=True) as parts:
            await parts.tenants.create(end.__name__, org="o", now_ms=1)
        end()
    with server:
        async with stack.open_stack(server.url, install=True) as parts:
            assert [each.name for each in await parts.tenants.list()] == ["kill", "stop"]


async def test_a_server_that_cannot_start_says_where_to_look(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"redis\.log"):
        servers.server(tmp_path, extra={"maxmemory-policy": "nonsense"}).start()


async def test_lua_and_python_spell_the_same_keys(engine: Engine) -> None:
    source = scripts.source("depths").split("-- DEPTHS")[0].replace("return redis.error", "do")
    guardless = source[source.index("local time") :]
    names = "return {of.q, of.fd, of.dead, of.held, of.ctl, of.rel, of.root}"
    script = f"{guardless}\nlocal of = tenant_keys('acme')\n{names}"
    where = keys.of_partition(3)
    found = await engine.client.eval(script, len(where), *where)
    *of_tenant, root = [each.decode() for each in found]
    assert tuple(of_tenant) == keys.of_tenant(3, "acme")[len(where) :]
    assert root == keys.tenant_root(3, "acme")


@pytest.mark.parametrize("name", sorted(scripts.PARTS))
def test_every_script_opens_with_its_contract(name: str) -> None:
    text = scripts.part(name)
    assert text.startswith(f"-- {name.upper()}: ")
    for word in ("KEYS", "ARGV", "Returns"):
        assert word in text.split("\nlocal")[0]


async def test_wake_names_the_partition_and_survives_a_broken_connection(
    redis_stack: stack.Stack, tenant: types.Tenant
) -> None:
    wake = Wake(redis_stack.client)

    async def subscribed() -> bool:
        return dict(await redis_stack.client.pubsub_numsub("sg:wake")) == {b"sg:wake": 1}

    async with asyncio.TaskGroup() as group:
        listening = group.create_task(wake.run())
        await eventually(wake.event.is_set)
        assert wake.take() is None
        change = types.Change(op="C", rk="u:1", nonce="n", doc=doc_of({}))
        await redis_stack.store.write(tenant, change)
        assert await wake.wait(5)
        assert wake.take() == frozenset({tenant.partition})
        assert not await wake.wait(0.01)
        await redis_stack.client.client_kill_filter(_type="pubsub")
        assert await wake.wait(5)
        assert wake.take() is None
        await eventually(subscribed)
        listening.cancel()
