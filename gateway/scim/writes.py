"""Committing a resource: read, decide, compare and set, and once more if somebody was faster.

The document is decided by a pure function of the one that was read, and stored only if that is
still the stored one, so parallel requests lose nothing. A call's nonce is the request id and the
round: a call that Redis may or may not have run can be repeated without a second effect.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from clients.redis.types import Change, Lane, Stored, WriteStatus, Written
from gateway.scim import kinds, preconditions
from gateway.scim.call import Call
from mappers.scim import errors, resources
from mappers.scim.attributes import ResourceType

ROUNDS: Final = 5
"""Times a compare-and-set is tried before the client is asked to come back."""

Doc = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Committed:
    """The resource as it is stored now."""

    doc: Doc
    version: int


async def create(call: Call, resource: ResourceType, doc: Doc) -> Committed:
    """Store a new resource. Raises Uniqueness."""
    change = Change(
        op="C",
        rk=kinds.key(resource, doc["id"]),
        nonce=f"{call.facts.request_id}.0",
        doc=resources.dumps(doc),
        digest=resources.digest(doc),
        new=resources.index_values(doc, resource),
        cause=call.facts.request_id,
    )
    written = await call.services.store.write(call.tenant, change)
    _settle(call, resource, written)
    return Committed(doc, written.version)


async def change(
    call: Call, resource: ResourceType, decide: Callable[[Doc], Doc | None]
) -> Committed:
    """Replace the stored resource by what `decide` makes of it; None deletes it.

    `decide` may run more than once and must not alter its argument; when it gives that back, there
    is nothing to write. Raises what `decide` raises, NotFound, PreconditionFailed, Uniqueness, and
    VersionConflict after ROUNDS lost races or a long wait for a turn.
    """
    async with call.services.turns.of(call.tenant.name, kinds.key(resource, call.item)):
        return await _change(call, resource, decide)


async def _change(
    call: Call, resource: ResourceType, decide: Callable[[Doc], Doc | None]
) -> Committed:
    for lost in range(ROUNDS):
        stored = await read(call, resource)
        preconditions.require(call.request.headers, stored.version)
        before = resources.loads(stored.doc)
        after = decide(before)
        if after is before:
            call.facts.result = "noop"
            return Committed(before, stored.version)
        written = await call.services.store.write(
            call.tenant, _update(call, resource, stored, before=before, after=after, lost=lost)
        )
        if written.status is not WriteStatus.CONFLICT:
            _settle(call, resource, written)
            return Committed(after or {}, written.version)
    raise errors.VersionConflict


async def read(call: Call, resource: ResourceType) -> Stored:
    """The stored resource that the path names. Raises NotFound."""
    if kinds.is_id(call.item):
        call.facts.noted["resource_id"] = call.item
        [stored] = await call.services.store.read(call.tenant, [kinds.key(resource, call.item)])
        if stored is not None:
            return stored
    raise not_found(resource)


def not_found(resource: ResourceType) -> errors.NotFound:
    """The error for an id that names nothing."""
    return errors.NotFound(f"No {resource.name} has this id. It was deleted or never existed.")


def _update(
    call: Call,
    resource: ResourceType,
    stored: Stored,
    *,
    before: Doc,
    after: Doc | None,
    lost: int,
) -> Change:
    return Change(
        op="D" if after is None else "U",
        rk=stored.rk,
        nonce=f"{call.facts.request_id}.{lost}",
        doc=b"" if after is None else resources.dumps(after),
        digest="" if after is None else resources.digest(after),
        expected=stored.version,
        old=resources.index_values(before, resource),
        new=_index_values(after, resource),
        lane=_lane(before, after),
        cause=call.facts.request_id,
    )


def _lane(before: Doc, after: Doc | None) -> Lane:
    if after is None or resources.is_deactivation(before, after):
        return Lane.SECURITY
    return Lane.RETURN if resources.is_return(before, after) else Lane.NORMAL


def _index_values(doc: Doc | None, resource: ResourceType) -> Mapping[str, str]:
    return {} if doc is None else resources.index_values(doc, resource)


def _settle(call: Call, resource: ResourceType, written: Written) -> None:
    """Note that a write was applied, or raise the error that its status stands for."""
    match written.status:
        case WriteStatus.OK:
            call.facts.result = "applied"
            if written.held:
                call.facts.noted["held"] = True
        case WriteStatus.NOOP:
            call.facts.result = "noop"
        case WriteStatus.UNIQ:
            raise _taken(resource, kinds.UNIQUE[written.index])
        case WriteStatus.GONE:
            raise not_found(resource)
        case WriteStatus.EXISTS | WriteStatus.CONFLICT:
            raise errors.VersionConflict


def _taken(resource: ResourceType, attribute: str) -> errors.Uniqueness:
    return errors.Uniqueness(
        f"{attribute}: another {resource.name} of this tenant has this value already. Match on"
        f" {attribute} so that it is found, or change one of the two."
    )
