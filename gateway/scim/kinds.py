"""How a SCIM resource is named in the store. No I/O here."""

import re
from typing import Final

from mappers.scim.attributes import ResourceType

UNIQUE: Final = {
    "un": "userName",
    "xid": "externalId",
    "gdn": "displayName",
    "gxid": "externalId",
}
"""Unique index -> the attribute it is of."""

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def kind(resource: ResourceType) -> str:
    """The letter of a resource type: `u` or `g`."""
    return resource.name[0].lower()


def key(resource: ResourceType, scim_id: str) -> str:
    """The resource key: `u:<id>` or `g:<id>`."""
    return f"{kind(resource)}:{scim_id}"


def is_id(text: str) -> bool:
    """Whether `text` can be an id of ours: lower-case UUID text."""
    return _UUID.fullmatch(text) is not None
