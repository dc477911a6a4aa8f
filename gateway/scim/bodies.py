"""Bodies of writes: by the letter when the client asks for it, else as clients write them.

What a tolerant reading leaves out is counted and logged here.
"""

from gateway.scim.call import Call
from mappers import entra
from mappers.entra import Patch
from mappers.scim import resources, strict
from mappers.scim.attributes import ResourceType
from mappers.scim.resources import Parsed


def parsed(call: Call, body: bytes, resource: ResourceType) -> Parsed:
    """The resource that a POST or PUT carries. Raises InvalidSyntax, InvalidValue."""
    if call.strict:
        strict.require_resource(body, resource)
    found = resources.parse(body, resource)
    call.note_ignored(found.ignored)
    return found


def patch(call: Call, body: bytes, resource: ResourceType) -> Patch:
    """The operations of a PATCH.

    Raises InvalidSyntax, InvalidPath, InvalidValue, NoTarget, Mutability.
    """
    if call.strict:
        strict.require_patch(body, resource)
    asked = entra.operations(body, resource)
    call.note_ignored(asked.ignored)
    return asked
