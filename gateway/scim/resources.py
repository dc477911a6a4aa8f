"""One resource: GET, POST, PUT, PATCH, DELETE; what groups do differently is in `groups`.

A write says what became of it in the fact `result`: applied, or noop when nothing differed.
"""

from typing import Any

from aiohttp import web

from gateway.scim import answers, bodies, memberships, preconditions, queries, writes
from gateway.scim.call import Call
from mappers.scim import members, patch, projection, resources
from mappers.scim.attributes import ResourceType

Doc = dict[str, Any]


async def get(call: Call, resource: ResourceType) -> web.Response:
    """200 with the resource, 304 when the client has this version, 404, 412."""
    stored = await writes.read(call, resource)
    preconditions.require_match(call.request.headers, stored.version)
    if _is_held(call, stored.version):
        return answers.empty(304, headers={"ETag": preconditions.etag(stored.version)})
    return await shown(call, writes.Committed(resources.loads(stored.doc), stored.version))


async def create(call: Call, resource: ResourceType) -> web.Response:
    """201 with the resource and its Location; 400, 409, 503. A group's members join after it."""
    call.services.room.require()
    parsed = bodies.parsed(call, await call.body(), resource)
    doc = resources.new(
        parsed.doc, id=call.services.new_id(), now_iso=call.now_iso(), resource=resource
    )
    committed = await writes.create(call, resource, doc)
    call.facts.noted["resource_id"] = doc["id"]
    joining = members.Membership(parsed.members or ())
    committed = await memberships.commit(call, committed, joining)
    return await shown(call, committed, status=201)


async def replace(call: Call, resource: ResourceType) -> web.Response:
    """PUT: 200 with the resource; 404 comes before a fault in the body; 400, 409, 412."""
    body = await call.body()

    def decide(before: Doc) -> Doc:
        parsed = bodies.parsed(call, body, resource)
        return resources.replaced(before, parsed.doc, now_iso=call.now_iso())

    return await shown(call, await writes.change(call, resource, decide))


async def modify(call: Call, resource: ResourceType) -> web.Response:
    """PATCH: 200 with the resource; 404 comes before a fault in the body; 400, 409, 412."""
    body = await call.body()

    def decide(before: Doc) -> Doc:
        asked = bodies.patch(call, body, resource)
        after = patch.apply(before, asked.operations, resource, strictly=call.strict)
        return resources.touched(before, after, call.now_iso())

    return await shown(call, await writes.change(call, resource, decide))


async def delete(call: Call, resource: ResourceType) -> web.Response:
    """204; 404 for a resource that is not there, so also for the second DELETE."""
    await writes.change(call, resource, lambda before: None)
    return answers.empty(204)


def _is_held(call: Call, version: int) -> bool:
    """Whether the client has what it would be shown.

    A user's groups change without the user's version, so whoever asks for them is told them.
    """
    if not preconditions.is_unmodified(call.request.headers, version):
        return False
    return not queries.view(call.request).asks_for("groups")


async def shown(call: Call, committed: writes.Committed, *, status: int = 200) -> web.Response:
    """The resource as the view of the request shows it, with its ETag."""
    view, headers = queries.view(call.request), {"ETag": preconditions.etag(committed.version)}
    rendered = projection.render(committed.doc, version=committed.version, base_url=call.base_url)
    if status == 201:
        headers["Location"] = rendered["meta"]["location"]
    joined = await memberships.joined(call, rendered, view)
    return answers.document(view.of(joined), status=status, headers=headers)
