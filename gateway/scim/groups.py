"""What a group does beside other resources: its members are changed and shown by their own rules.

A request that changes attributes and members is read as a whole before anything is written. The
attributes are written first: they alone can be refused, for a name that another group has.
"""

from aiohttp import web

from clients.redis.types import Stored
from gateway.scim import answers, bodies, memberships, preconditions, queries, writes
from gateway.scim import resources as handlers
from gateway.scim.call import Call
from gateway.scim.writes import Committed, Doc
from mappers.scim import members, patch, projection, resources
from mappers.scim.attributes import ResourceType
from mappers.scim.members import Membership
from mappers.scim.operations import Operation


async def get(call: Call, resource: ResourceType) -> web.Response:
    """200 with the group and all its members, or with the window of them that is asked for."""
    window = queries.window(call.request)
    if window is None:
        return await handlers.get(call, resource)
    stored = await writes.read(call, resource)
    doc, etag = resources.loads(stored.doc), preconditions.etag(stored.version)
    rendered = projection.render(doc, version=stored.version, base_url=call.base_url)
    part, following = await memberships.windowed(call, rendered, window)
    headers = {"ETag": etag} | ({memberships.NEXT_MEMBERS: following} if following else {})
    return answers.document(queries.view(call.request).of(part), headers=headers)


async def replace(call: Call, resource: ResourceType) -> web.Response:
    """PUT: 200 with the group; 404, 400, 409, 412. Without `members` in it the members stay."""
    body = await call.body()
    await writes.read(call, resource)  # 404 comes before a fault in the body
    parsed = bodies.parsed(call, body, resource)

    def decide(before: Doc) -> Doc:
        return resources.replaced(before, parsed.doc, now_iso=call.now_iso())

    committed = await writes.change(call, resource, decide)
    wanted = Membership() if parsed.members is None else Membership(parsed.members, replace=True)
    return await handlers.shown(call, await memberships.commit(call, committed, wanted))


async def modify(call: Call, resource: ResourceType) -> web.Response:
    """PATCH: 204, or 200 with the group when `attributes` are asked for; 404, 400, 409, 412."""
    body = await call.body()
    stored = await writes.read(call, resource)
    preconditions.require(call.request.headers, stored.version)
    asked = bodies.patch(call, body, resource)
    attributes, steps = members.split(asked.operations)
    if call.strict:
        await memberships.require_targets(call, steps)
    committed = await _changed(call, resource, stored, attributes)
    committed = await memberships.commit(call, committed, members.fold(steps))
    if queries.view(call.request).attributes:
        return await handlers.shown(call, committed)
    return answers.empty(204, headers={"ETag": preconditions.etag(committed.version)})


async def _changed(
    call: Call, resource: ResourceType, stored: Stored, operations: tuple[Operation, ...]
) -> Committed:
    """The group after operations on its attributes.

    Without any it is as it was read: changes of members alone take no turns.
    """
    if not operations:
        return Committed(resources.loads(stored.doc), stored.version)

    def decide(before: Doc) -> Doc:
        after = patch.apply(before, operations, resource, strictly=call.strict)
        return resources.touched(before, after, call.now_iso())

    return await writes.change(call, resource, decide)
