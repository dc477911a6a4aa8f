"""The lane in mode replica: nothing is acknowledged before a replica has it.

That goes for every answer: a NOOP and a refusal tell of writes as well.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from clients.redis import types
from clients.redis.durability import Ack
from clients.redis.embedded import EmbeddedRedis
from clients.redis.stack import Stack, open_stack
from clients.redis.types import Change, Tenant, WriteStatus
from tests.support import replica
from tests.support.replica import Pair, replicated

KINDS = [
    pytest.param(None, id="redis"),
    pytest.param(replica.valkey(), id="valkey", marks=replica.needs_valkey()),
]


@contextmanager
def stopped(server: EmbeddedRedis) -> Iterator[None]:
    """A server that hangs."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


@asynccontextmanager
async def opened(pair: Pair) -> AsyncIterator[tuple[Stack, Tenant]]:
    """A stack in mode replica with the tenant acme."""
    async with open_stack(pair.master.url, install=True, ack=Ack.REPLICA) as stack:
        yield stack, await stack.tenants.create("acme", org="acme", now_ms=1)


@pytest.fixture(params=KINDS)
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Pair]:
    """A master and a replica of each kind; a silent replica counts for two seconds."""
    async with replicated(tmp_path, program=request.param) as each:
        yield each


CREATE = Change("C", "u:1", "n1", doc=b"{}", digest="d1", new={"un": "joy"})
UPDATE = Change("U", "u:1", "n2", doc=b'{"x":1}', digest="d2", expected=1, old={"un": "joy"},
                new={"un": "joy"})  # fmt: skip


async def test_a_silent_replica_refuses_and_the_repetition_finds_it_done(pair: Pair) -> None:
    async with opened(pair) as (stack, tenant):
        assert (await stack.store.write(tenant, CREATE)).status is WriteStatus.OK
        began_s = asyncio.get_running_loop().time()
        with stopped(pair.replica), pytest.raises(types.RedisUnavailable):
            await stack.store.write(tenant, UPDATE)
        assert asyncio.get_running_loop().time() - began_s < 2.0
        await pair.in_step()
        again = await stack.store.write(tenant, UPDATE)
        assert (again.status, again.version) == (WriteStatus.OK, 2)


async def test_what_was_computed_from_an_unconfirmed_write_waits_for_it(pair: Pair) -> None:
    """A NOOP, a 409 and a "gone" tell of writes: they are answers of the same kind."""
    async with opened(pair) as (stack, tenant), open_stack(pair.master.url) as careless:
        await stack.store.write(tenant, CREATE)
        with stopped(pair.replica):
            assert (await careless.store.write(tenant, UPDATE)).version == 2
            same = replace(UPDATE, nonce="n3", expected=2)
            taken = Change("C", "u:2", "n4", doc=b"{}", digest="d", new={"un": "joy"})
            for change in (same, taken):
                with pytest.raises(types.NotDurable):
                    await stack.store.write(tenant, change)
        await pair.in_step()
        assert (await stack.store.write(tenant, same)).status is WriteStatus.NOOP
        assert (await stack.store.write(tenant, taken)).status is WriteStatus.UNIQ


async def test_a_tenant_whose_creation_had_to_be_repeated_is_created(pair: Pair) -> None:
    """The server knows the script but lost the fence: the first WAIT has nothing to wait for."""
    async with opened(pair) as (stack, tenant):
        await stack.client.delete("sg:{meta}:fence")
        other = await stack.tenants.create("other", org="other", now_ms=1)
        assert {each.name for each in await stack.tenants.list()} == {tenant.name, other.name}
        with pytest.raises(types.TenantExists):
            await stack.tenants.create("other", org="other", now_ms=2)


async def test_workers_do_not_wait(pair: Pair) -> None:
    """A settle that is lost is sent again: it costs no replica's answer."""
    async with opened(pair) as (stack, tenant):
        await stack.store.write(tenant, CREATE)
        with stopped(pair.replica):
            claim = await stack.queue.claim(
                tenant.partition, max_items=1, token_prefix="t", lease_ms=5000
            )
            done = types.Settlement(types.Outcome.OK, 1, backend_id="usr_1")
            settled = await stack.queue.settle(claim.items[0], done)
            assert settled.status is types.SettleStatus.SYNCED


async def test_a_full_master_still_lets_go_of_people(pair: Pair) -> None:
    """The fence is a write that a full Redis accepts."""
    async with opened(pair) as (stack, tenant):
        await stack.store.write(tenant, CREATE)
        await stack.client.config_set("maxmemory", "1")
        deletion = Change("D", "u:1", "n5", expected=1, old={"un": "joy"})
        assert (await stack.store.write(tenant, deletion)).status is WriteStatus.OK
