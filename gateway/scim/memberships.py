"""Who is in which group: what a document does not hold, joined to it when it is shown.

A change of members is set operations inside Redis: nothing here reads the members to change them,
so it costs what it changes, and requests at the same time lose nobody. Members are shown as they
were sent, whether or not the person has arrived yet.
"""

import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from clients.redis.types import MemberChange, Stored, WriteStatus, Written
from gateway.scim import kinds, writes
from gateway.scim.call import Call
from gateway.scim.queries import View, Window
from gateway.scim.writes import Committed
from mappers.scim import errors, members, resources
from mappers.scim.filter import Filter
from mappers.scim.members import Membership
from mappers.scim.schemas import GROUP, USER

Doc = dict[str, Any]

NEXT_MEMBERS: Final = "Members-After"
"""Header of a window of members that is not the last: the next `membersAfter`, as in a URL."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a filter needs to know: each id that it compares members with -> the groups it is in.

    The groups are by their resource key, in a stable order.
    """

    groups: Mapping[str, Mapping[str, Stored]]

    def told(self, stored: Stored) -> Doc:
        """A document with those of its members that the filter compares."""
        doc = resources.loads(stored.doc)
        here = [member for member, groups in self.groups.items() if stored.rk in groups]
        return {**doc, "members": _elements(here)} if here else doc


async def compared(call: Call, expression: Filter) -> Known:
    """Look up the members that a filter compares. Raises InvalidFilter."""
    ids = members.compared(expression)
    return Known({member: await _containing(call, member) for member in ids})


async def commit(call: Call, committed: Committed, wanted: Membership) -> Committed:
    """Change the members of a stored group; the group with its version after that.

    Raises NotFound when it was deleted meanwhile.
    """
    call.facts.result = call.facts.result or "noop"
    if wanted == Membership():
        return committed
    _note(call, wanted)
    written = await _write(call, kinds.key(GROUP, committed.doc["id"]), wanted)
    if written.status is WriteStatus.GONE:
        raise writes.not_found(GROUP)
    if written.status is WriteStatus.OK:
        call.facts.result = "applied"
    return replace(committed, version=written.version)


async def require_targets(call: Call, steps: Sequence[members.MemberChange]) -> None:
    """Raise NoTarget when a remove by filter finds nobody, as of now."""
    removed = dict.fromkeys(id_ for step in steps if step.kind == "remove" for id_ in step.ids)
    if removed:
        rk = kinds.key(GROUP, call.item)
        held = await call.services.members.has(call.tenant, rk, tuple(removed))
        members.require_targets(steps, held)


async def _write(call: Call, rk: str, wanted: Membership) -> Written:
    store, cause = call.services.members, call.facts.request_id
    nonce = f"{cause}.m"
    if wanted.replace:
        return await store.replace(call.tenant, rk, wanted.adds, nonce=nonce, cause=cause)
    change = MemberChange(add=wanted.adds, remove=wanted.removes)
    return await store.change(call.tenant, rk, [change], nonce=nonce, cause=cause)


def _note(call: Call, wanted: Membership) -> None:
    """Who replaces a whole list is told apart in the log: a partial one would empty a group."""
    call.facts.noted["members_add"] = len(wanted.adds)
    call.facts.noted["members_remove"] = len(wanted.removes)
    if wanted.replace:
        call.facts.noted["members_replaced"] = True


async def joined(call: Call, rendered: Doc, view: View) -> Doc:
    """A rendered resource with its members or groups, if the view shows them."""
    kind = rendered["meta"]["resourceType"]
    if kind == GROUP.name and view.shows("members"):
        return {**rendered, "members": await _everybody(call, rendered["id"])}
    if kind == USER.name and view.asks_for("groups"):
        return {**rendered, "groups": await _groups(call, rendered["id"])}
    return rendered


async def windowed(call: Call, rendered: Doc, window: Window) -> tuple[Doc, str | None]:
    """A rendered group with a part of its members, and the cursor of the next part.

    Raises InvalidValue for a cursor that is none.
    """
    rk, store = kinds.key(GROUP, rendered["id"]), call.services.members
    try:
        page = await store.page(call.tenant, rk, after=window.after, limit=window.count)
    except ValueError:
        raise errors.InvalidValue(
            f"membersAfter must be what the header {NEXT_MEMBERS} said."
        ) from None
    following = None if page.after is None else urllib.parse.quote(page.after, safe="")
    return {**rendered, "members": _elements(page.ids)}, following


async def _everybody(call: Call, group_id: str) -> list[Doc]:
    """All members; between two pages other requests get their turn."""
    everybody: list[Doc] = []
    async for ids in call.services.members.all(call.tenant, kinds.key(GROUP, group_id)):
        everybody += _elements(ids)
    return everybody


def _elements(ids: Iterable[str]) -> list[Doc]:
    return [{"value": member} for member in ids]


async def _containing(call: Call, member: str) -> dict[str, Stored]:
    """The groups that have this member, whoever that is: a person, a group, or nobody yet."""
    held = await call.services.members.groups_of(call.tenant, kinds.key(USER, member))
    return {stored.rk: stored for stored in sorted(held, key=lambda stored: stored.rk)}


async def _groups(call: Call, user_id: str) -> list[Doc]:
    """The groups that a user is directly in (RFC 7643, 4.1.2)."""
    held = await call.services.members.groups_of(call.tenant, kinds.key(USER, user_id))
    return [_group(call, resources.loads(stored.doc)) for stored in held]


def _group(call: Call, doc: Doc) -> Doc:
    location = f"{call.base_url}{GROUP.endpoint}/{doc['id']}"
    return {
        "value": doc["id"],
        "$ref": location,
        "display": doc["displayName"],
        "type": "direct",
    }
