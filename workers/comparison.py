"""Whether BLDNG holds what is desired of one synced resource. It only reads.

A field is compared when we set it or want it set; what BLDNG's own staff wrote elsewhere stays.
Of a group the members are compared both ways, but who is there and unknown to SCIM may stay.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from clients.bldng.client import Bldng
from clients.bldng.errors import BldngError
from clients.redis.patrol import Compared, Patrol
from clients.redis.store import Store
from clients.redis.types import Tenant
from mappers.bldng import plan, translate
from mappers.bldng.desired import DEPARTMENT, Desired, Kind, Value
from mappers.bldng.linking import Found
from mappers.profile import Profile
from workers import records
from workers.departments import Departments
from workers.task import GONE

MEMBERS_MAX: Final = 500
"""More members that differ than this are sent all, in the way of a record that vanished."""
STRANGERS_MAX: Final = 50
"""Members at BLDNG whom we do not expect that are looked up in one comparison."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What is to be sent again: the resource, and these members of it (SCIM ids), or all."""

    members: tuple[str, ...] = ()
    all_members: bool = False


class Comparison:
    """Compares resources of any tenant. Raises `BldngError` and `RedisUnavailable`."""

    def __init__(
        self, bldng: Bldng, store: Store, patrol: Patrol, departments: Departments
    ) -> None:
        self._bldng = bldng
        self._store = store
        self._patrol = patrol
        self._departments = departments
        self._sides = records.sides(bldng)

    async def compare(
        self, tenant: Tenant, item: Compared, profile: Profile, *, request_id: str
    ) -> Difference | None:
        """None when they are equal, or when it cannot be said (no longer mappable)."""
        kind = records.kind_of(item.rk)
        desired = _desired(kind, item.doc, profile)
        if desired is None:
            return None
        try:
            found = await self._sides[kind].records.get(
                tenant.org, item.backend_id, request_id=request_id
            )
        except BldngError as error:
            if error.status not in GONE:
                raise
            return Difference()
        members = Difference()
        if kind is Kind.GROUP:
            members = await self._members(tenant, item, request_id)
        if members != Difference():
            return members
        fields = plan.adopt(desired, found, managed=item.managed)
        return Difference() if await self._differs(tenant, found, fields, request_id) else None

    async def _differs(
        self, tenant: Tenant, found: Found, fields: Mapping[str, Value], request_id: str
    ) -> bool:
        """A department is among the fields by name: it is compared by its id."""
        if fields.keys() - {DEPARTMENT}:
            return True
        if DEPARTMENT not in fields:
            return False
        held, name = found.model_dump(by_alias=True)["departmentId"], fields[DEPARTMENT]
        if name is None:
            return held is not None
        wanted = await self._departments.known(tenant.org, str(name), request_id=request_id)
        return bool(held != wanted)

    async def _members(self, tenant: Tenant, item: Compared, request_id: str) -> Difference:
        """Who is missing there, and who of ours is there without being wanted."""
        held = await self._held(tenant, item, request_id)
        missing: list[str] = []
        async for part in self._patrol.members(tenant, item.rk):
            missing += [scim_id for scim_id, backend_id in part.items() if backend_id not in held]
            held.difference_update(part.values())
        if len(missing) > MEMBERS_MAX - STRANGERS_MAX:
            return Difference(all_members=True)
        strangers = await self._ours(tenant, held, request_id)
        return Difference(members=tuple(dict.fromkeys([*missing, *strangers])))

    async def _held(self, tenant: Tenant, item: Compared, request_id: str) -> set[str]:
        """The backend ids of a group's members at BLDNG."""
        held: set[str] = set()
        cursor: str | None = None
        while True:
            page = await self._bldng.groups.members(
                tenant.org, item.backend_id, cursor=cursor, request_id=request_id
            )
            held.update(page.items)
            cursor = page.next_cursor
            if cursor is None:
                return held

    async def _ours(self, tenant: Tenant, strangers: set[str], request_id: str) -> list[str]:
        """The SCIM ids of those who are people of ours; the others were put there by BLDNG."""
        found: list[str] = []
        for backend_id in sorted(strangers)[:STRANGERS_MAX]:
            try:
                user = await self._bldng.users.get(tenant.org, backend_id, request_id=request_id)
            except BldngError as error:
                if error.status in GONE:
                    continue
                raise
            owners = await self._store.find(tenant, "xid", user.sso_subject or "")
            found += [stored.rk[2:] for stored in owners]
        return found


def _desired(kind: Kind, doc: bytes, profile: Profile) -> Desired | None:
    document: dict[str, Any] = orjson.loads(doc)
    to_desired = translate.to_user if kind is Kind.USER else translate.to_group
    try:
        return to_desired(document, profile)
    except translate.Unmappable:
        return None
