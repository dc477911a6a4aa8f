"""What must be true after the trouble, judged from outside the product.

The `Journal` is kept by whoever plays Entra: every answer that said yes, and every request whose
end is unknown. `verdict` compares three accounts once the queue is drained: the journal, what
Redis holds, and what BLDNG holds. The mapping to BLDNG is written out here once more, so that it
shares no code with the workers. Groups and members are judged by `tests.support.roster`.
"""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from clients.bldng.sandbox.state import State
from clients.redis import keys, replies
from clients.redis.stack import Stack as RedisStack
from clients.redis.stack import open_stack
from clients.redis.types import RedisUnavailable, Tenant
from tests.support import roster
from tests.support.register import Span
from tests.support.roster import Teams
from tests.support.stack import TENANT, Stack
from tests.support.waiting import eventually

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
FIELDS = (
    "username", "ssoSubject", "displayName", "email", "firstName", "lastName", "employeeNumber",
    "active",
)  # fmt: skip
"""The BLDNG fields that are compared; the department is compared by its name."""

Doc = Mapping[str, Any]


@dataclass(slots=True)
class Entry:
    """The newest acknowledged state of one person; `doc` None says deleted.

    `unclear`: a request without an answer may have changed it further.
    """

    version: int
    doc: Doc | None
    unclear: bool = False


@dataclass(slots=True)
class Journal:
    """Every acknowledged write by SCIM id. Only the newest version of a person counts.

    `teams` are the groups, with all that was done to their members.
    """

    people: dict[str, Entry] = field(default_factory=dict)
    teams: Teams = field(default_factory=Teams)

    def stored(self, answer: Doc) -> str:
        """A create or update was acknowledged with this resource; its id."""
        scim_id = str(answer["id"])
        version = int(answer["meta"]["version"][3:-1])
        known = self.people.get(scim_id)
        if known is None or (known.doc is not None and version >= known.version):
            unclear = known is not None and known.unclear
            self.people[scim_id] = Entry(version, content(answer), unclear)
        return scim_id

    def deleted(self, scim_id: str, span: Span) -> None:
        """A deletion was sent, and acknowledged if the span has an end."""
        self.teams.person_left(scim_id, span)
        if span.sure:
            self.people[scim_id] = Entry(0, None)
        else:
            self.unanswered(scim_id)

    def sure_of(self, before: Mapping[str, Entry]) -> None:
        """What was acknowledged after `before` may be lost."""
        for scim_id in list(self.people):
            known = before.get(scim_id)
            if known is None:
                del self.people[scim_id]
            elif known is not self.people[scim_id]:
                self.people[scim_id] = replace(known, unclear=True)

    def unanswered(self, scim_id: str) -> None:
        """An update or deletion had no answer, or one that leaves its end open."""
        self.people[scim_id].unclear = True


def content(doc: Doc) -> Doc:
    """A document without what the server adds when it renders it."""
    meta = {name: value for name, value in doc["meta"].items() if name == "created"}
    return {**doc, "meta": meta}


def desired(doc: Doc) -> dict[str, Any]:
    """What BLDNG should hold of a SCIM user."""
    work = [each.get("value") for each in doc.get("emails", ()) if each.get("type") == "work"]
    name = doc.get("name", {})
    extension = doc.get(ENTERPRISE, {})
    return {
        "username": doc["userName"],
        "ssoSubject": doc.get("externalId"),
        "displayName": doc.get("displayName"),
        "email": work[0] if work else None,
        "firstName": name.get("givenName"),
        "lastName": name.get("familyName"),
        "employeeNumber": extension.get("employeeNumber"),
        "active": doc.get("active", True) is True,
        "department": extension.get("department"),
    }


def held(state: State, org: str) -> list[dict[str, Any]]:
    """What BLDNG holds, with departments by name."""
    names = {each["id"]: each["name"] for each in state.org(org).departments}
    return [
        {
            **{name: record[name] for name in FIELDS},
            "department": names.get(record["departmentId"]),
        }
        for record in state.org(org).users
    ]


async def check(
    stack: Stack, journal: Journal, *, within_s: float = 15.0, dead: Collection[str] = ()
) -> None:
    """Wait for the queue to drain and fail with every contradiction.

    `dead` are the SCIM ids that are expected to wait for a human.
    """
    async with open_stack(stack.server, ack=stack.ack) as redis:
        tenant = await redis.tenants.get(TENANT)
        assert tenant is not None
        await drained(redis, within_s=within_s)
        found = await verdict(redis, tenant, stack.state, journal, dead=dead)
        assert not found, found


async def drained(redis: RedisStack, *, within_s: float = 15.0) -> None:
    """Wait until no tenant has anything to do (dead and held resources may stay)."""

    async def idle() -> bool:
        try:
            depths = (await redis.queue.depths(redis.partitions)).values()
        except RedisUnavailable:  # on a busy machine
            return False
        return not any(each.ready + each.delayed + each.running + each.parked for each in depths)

    await eventually(idle, within_s=within_s)


async def verdict(
    redis: RedisStack,
    tenant: Tenant,
    state: State,
    journal: Journal,
    *,
    dead: Collection[str] = (),
) -> list[str]:
    """Every contradiction between the journal, Redis and BLDNG, named."""
    stored = await people(redis, tenant)
    claims = {stored[each][1].get("externalId") for each in dead if each in stored}
    living = {scim_id: doc for scim_id, (_, doc) in stored.items() if scim_id not in dead}
    records = [each for each in held(state, tenant.org) if each["ssoSubject"] not in claims]
    return [
        *(f"AUDIT {line}" for line in await redis.queue.audit(tenant)),
        *[line async for line in _left_over(redis, tenant, {f"u:{each}" for each in dead})],
        *_forgotten(stored, journal),
        *_differences(list(living.values()), records),
        *await roster.verdict(redis, tenant, state, journal.teams, living),
    ]


async def people(redis: RedisStack, tenant: Tenant) -> dict[str, tuple[int, Doc]]:
    """Version and document of every stored user by SCIM id."""
    found: dict[str, tuple[int, Doc]] = {}
    after: int | None = 0
    while after is not None:
        part = await redis.store.scan(tenant, "u", after, 500)
        for each in part.resources:
            found[each.rk[2:]] = each.version, orjson.loads(each.doc)
        after = part.after
    return found


async def _left_over(
    redis: RedisStack, tenant: Tenant, dead: Collection[str]
) -> AsyncIterator[str]:
    """Leases, counts and positions that should not have survived."""
    root = keys.tenant_root(tenant.partition, tenant.name)
    names = [(each, keys.of_partition(tenant.partition)[place]) for each, place in _PASSING]
    for name, key in names:
        if await redis.client.exists(key):
            yield f"{name} is not empty"
    for name in ("q", "held"):
        if await redis.client.exists(root + name):
            yield f"{name} is not empty"
    for name in ("fd", "dead"):
        members = set(map(replies.text, await redis.client.zrange(root + name, 0, -1)))
        if members != set(dead):
            yield f"{name} holds {sorted(members)}"


_PASSING = [(name, keys.PARTITION_NAMES.index(name)) for name in ("r", "l", "if")]


def _forgotten(stored: Mapping[str, tuple[int, Doc]], journal: Journal) -> Iterator[str]:
    """Acknowledged writes that Redis does not hold (any more)."""
    for scim_id, entry in journal.people.items():
        version, doc = stored.get(scim_id, (0, None))
        if entry.doc is None:
            if doc is not None:
                yield f"{scim_id} was deleted and is back"
        elif doc is None:
            if not entry.unclear:
                yield f"{scim_id} was acknowledged and is gone"
        elif version < entry.version:
            yield f"{scim_id} was acknowledged as {entry.version} and is {version}"
        elif version == entry.version and content(doc) != entry.doc:
            yield f"{scim_id} holds another content than was acknowledged as {version}"
        elif version > entry.version and not entry.unclear:
            yield f"{scim_id} was acknowledged as {entry.version} and is {version}"


def _differences(living: list[Doc], records: list[dict[str, Any]]) -> Iterator[str]:
    """BLDNG against SCIM, both ways: nobody doubled, missing, wrong or left behind."""
    claims = Counter(each["ssoSubject"] for each in records)
    for claim, number in claims.items():
        if number > 1:
            yield f"BLDNG holds {claim} {number} times"
    wanted = {doc.get("externalId"): desired(doc) for doc in living}
    found = {each["ssoSubject"]: each for each in records}
    for claim in wanted.keys() | found.keys():
        if wanted.get(claim) != found.get(claim):
            yield f"{claim}: BLDNG holds {found.get(claim)}, SCIM says {wanted.get(claim)}"
