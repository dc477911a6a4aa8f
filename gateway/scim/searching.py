"""Lists: GET with a filter or pages, and POST /.search (RFC 7644, 3.4.2 and 3.4.3).

A filter with an indexed `eq` is answered from the index at any size, one with a member's id from
the groups that member is in, and what they give is checked against the whole filter. Any other
filter looks at one resource after the other, up to a
bound. A filter that cannot be answered is an error: never a list that ignores it.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from aiohttp import web

from clients.redis.types import Page, Stored
from gateway.scim import answers, kinds, memberships, queries
from gateway.scim.call import Call
from gateway.scim.memberships import Known
from gateway.scim.queries import Query
from mappers.scim import (
    documents,
    errors,
    listing,
    members,
    messages,
    projection,
    resources,
    strict,
)
from mappers.scim import filter as filters
from mappers.scim.attributes import ResourceType

SCAN_BATCH: Final = 200
"""Resources looked at between two turns of the event loop."""

Among = Sequence[ResourceType]


async def find(call: Call, among: Among) -> web.Response:
    """200 with the resources that the query parameters ask for; 400."""
    return await _listed(call, among, queries.of_parameters(call.request))


async def search(call: Call, among: Among) -> web.Response:
    """200 with the resources that a SearchRequest body asks for; 400."""
    body = await call.body()
    if call.strict:
        strict.require_message(body, messages.SEARCH_REQUEST)
        queries.require_exclusive(documents.read_object(body))
    return await _listed(call, among, queries.of_search(body))


async def _listed(call: Call, among: Among, query: Query) -> web.Response:
    """One window over the resource types, one after the other."""
    total = 0
    shown: list[dict[str, Any]] = []
    for resource, expression in _asked(among, query.filter):
        skip, room = max(query.paging.start - 1 - total, 0), query.paging.count - len(shown)
        found = await _window(call, resource, expression, skip=skip, room=room)
        total += found.total
        shown += [each async for each in _shown(call, found.resources, query)]
    if query.filter:
        _note_matches(call, total)
    answer = listing.list_response(shown, total=total, start_index=query.paging.start)
    return answers.document(answer)


def _asked(among: Among, text: str) -> list[tuple[ResourceType, filters.Filter | None]]:
    """The resource types that the filter can match, each with its reading of it.

    A type that lacks an attribute of the filter has no match (RFC 7644, 3.4.2.1). Raises
    InvalidFilter when no type can read it.
    """
    if not text:
        return [(resource, None) for resource in among]
    asked: list[tuple[ResourceType, filters.Filter | None]] = []
    unreadable: errors.InvalidFilter | None = None
    for resource in among:
        try:
            asked.append((resource, filters.parse(text, resource)))
        except errors.InvalidFilter as error:
            unreadable = unreadable or error
    if unreadable is not None and not asked:
        raise unreadable
    return asked


async def _window(
    call: Call,
    resource: ResourceType,
    expression: filters.Filter | None,
    *,
    skip: int,
    room: int,
) -> Page:
    """Of one resource type, `room` resources after the first `skip`, and how many there are."""
    if expression is None:
        return await call.services.store.page(call.tenant, kinds.kind(resource), skip, room)
    call.facts.noted["filter"] = filters.shape(expression)
    known = await memberships.compared(call, expression)
    matching = [
        stored
        async for stored in _candidates(call, resource, expression, known)
        if filters.matches(expression, known.told(stored))
    ]
    return Page(len(matching), tuple(matching[skip : skip + room]))


async def _candidates(
    call: Call, resource: ResourceType, expression: filters.Filter, known: Known
) -> AsyncIterator[Stored]:
    """What can match the filter. Raises TooMany when that is more than may be looked at."""
    lookup, member = filters.lookup(expression), members.required(expression)
    if lookup is not None:
        for stored in await call.services.store.find(call.tenant, lookup.index, lookup.value):
            if stored.rk.startswith(kinds.key(resource, "")):
                yield stored
    elif member is not None:
        for stored in known.groups[member].values():
            yield stored
    else:
        async for stored in _all(call, resource):
            yield stored


async def _all(call: Call, resource: ResourceType) -> AsyncIterator[Stored]:
    """Every resource of a type, in order of creation. Raises TooMany beyond the scan limit."""
    left, after = call.services.scan_limit, 0
    while True:
        part = await call.services.store.scan(
            call.tenant, kinds.kind(resource), after, min(SCAN_BATCH, left + 1)
        )
        left -= len(part.resources)
        if left < 0:
            raise errors.TooMany
        for stored in part.resources:
            yield stored
        if part.after is None:
            return
        after = part.after


async def _shown(
    call: Call, found: Sequence[Stored], query: Query
) -> AsyncIterator[dict[str, Any]]:
    """The resources as the query shows them. Raises TooMany for more members than a list shows."""
    room = call.services.listed_members_limit
    for stored in found:
        doc = resources.loads(stored.doc)
        rendered = projection.render(doc, version=stored.version, base_url=call.base_url)
        joined = await memberships.joined(call, rendered, query.view)
        room -= len(joined.get("members", ()))
        if room < 0:
            raise errors.TooMany(
                "The groups of this list have too many members to show. Ask with"
                " excludedAttributes=members, or for fewer groups with count."
            )
        yield query.view.of(joined)


def _note_matches(call: Call, total: int) -> None:
    result = ("none", "one")[total] if total < 2 else "many"
    call.facts.noted["matches"] = result
    call.services.metrics.filter_matches.labels(result).inc()
