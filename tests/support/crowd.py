"""Many people at once, known to SCIM and to BLDNG, without waiting for a worker to carry them.

No worker may run meanwhile: leases are taken and given back here.
"""

import asyncio
from collections.abc import Iterable
from hashlib import blake2b

import orjson

from clients.bldng.sandbox.state import State
from clients.redis.stack import Stack as RedisStack
from clients.redis.types import (
    Change,
    Claimed,
    Outcome,
    Settlement,
    SettleStatus,
    Signal,
    Tenant,
    WriteStatus,
)
from tests.support.worker import person

AT_ONCE = 200


async def settle_in(
    redis: RedisStack, tenant: Tenant, state: State, numbers: Iterable[int]
) -> list[str]:
    """Make `person(number)` for all numbers; their SCIM ids in that order."""
    docs = [person(number) for number in numbers]
    for start in range(0, len(docs), AT_ONCE):
        part = docs[start : start + AT_ONCE]
        changes = [
            Change(
                op="C",
                rk=f"u:{doc['id']}",
                nonce=doc["id"],
                doc=orjson.dumps(doc),
                digest=blake2b(doc["id"].encode(), digest_size=8).hexdigest(),
                new={"un": doc["userName"].casefold(), "xid": doc["externalId"]},
            )
            for doc in part
        ]
        written = await asyncio.gather(*(redis.store.write(tenant, each) for each in changes))
        assert {each.status for each in written} == {WriteStatus.OK}
    await _carry_over(redis, tenant, state)
    return [doc["id"] for doc in docs]


async def _carry_over(redis: RedisStack, tenant: Tenant, state: State) -> None:
    """Be the worker to which every create succeeds."""
    turn = 0
    while True:
        turn += 1
        claim = await redis.queue.claim(
            tenant.partition, max_items=32, token_prefix=f"crowd{turn}", lease_ms=30_000
        )
        if not claim.items:
            return
        await asyncio.gather(*(_settle(redis, item, _record(state, tenant, item))
                               for item in claim.items))  # fmt: skip


def _record(state: State, tenant: Tenant, item: Claimed) -> str:
    """A user at BLDNG; its id."""
    assert item.doc is not None
    doc = orjson.loads(item.doc)
    made = {
        "id": state.new_id("usr_"),
        "username": doc["userName"],
        "ssoSubject": doc["externalId"],
        "active": True,
        **dict.fromkeys(("email", "mobile", "firstName", "lastName", "displayName")),
        **dict.fromkeys(("employeeNumber", "departmentId", "createdAt", "updatedAt")),
    }
    state.org(tenant.org).users.put(made)
    return str(made["id"])


async def _settle(redis: RedisStack, item: Claimed, backend_id: str) -> None:
    done = Settlement(Outcome.OK, item.version, Signal.OK, backend_id=backend_id)
    settled = await redis.queue.settle(item, done)
    assert settled.status is SettleStatus.SYNCED, settled
