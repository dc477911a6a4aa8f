"""Resources as documents: from a request body to what is stored (RFC 7643 3, RFC 7644 3.3, 3.5.1).

No I/O here. A document is a JSON object in canonical spelling: `schemas`, `id`, attributes,
extensions under their URN, `meta`. `meta.location` and `meta.version` are added by
`projection.render`. A group's document never holds its members.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mappers.scim import errors, expansion, indexes, members, patch, values
from mappers.scim.attributes import Attribute, ResourceType, Schema
from mappers.scim.documents import digest, dumps, loads, read_object
from mappers.scim.operations import Operation
from mappers.tolerance import tolerance

__all__ = [
    "Parsed",
    "digest",
    "dumps",
    "index_values",
    "is_deactivation",
    "is_return",
    "loads",
    "new",
    "parse",
    "replaced",
    "touched",
]

Doc = dict[str, Any]

index_values = indexes.values


@dataclass(frozen=True, slots=True)
class Parsed:
    """A body read.

    `doc` has no `id` and no `meta` yet. `ignored` are names that nothing here knows. `members` are
    a group's member ids; None when the body did not speak of members.
    """

    doc: Doc
    ignored: tuple[str, ...] = ()
    members: tuple[str, ...] | None = None


def parse(body: bytes, resource: ResourceType) -> Parsed:
    """Read the body of POST or PUT, tolerantly (`values`), into a canonical document.

    `schemas` and what is read-only (`id`, `meta`, `groups`) have no effect. Keys may be in any
    case, dotted, or bare names of an extension's attributes. Extensions that no schema describes
    are kept. Raises InvalidSyntax, InvalidValue.
    """
    reading = _Reading(resource)
    for name, value in read_object(body).items():
        reading.read(name, value)
    doc = patch.apply(reading.doc, reading.odd, resource)
    doc.pop("members", None)
    return Parsed(doc, expansion.reported(reading.ignored), reading.members)


def new(doc: Doc, *, id: str, now_iso: str, resource: ResourceType) -> Doc:  # noqa: A002 - SCIM's word
    """The document of a resource that begins now; a user's `active` is true unless it was said."""
    content = {name: value for name, value in doc.items() if name != "schemas"}
    if resource.schema.find("active"):
        content.setdefault("active", True)
    meta = {"resourceType": resource.name, "created": now_iso, "lastModified": now_iso}
    return {"schemas": doc["schemas"], "id": id, **content, "meta": meta}


@tolerance(
    seen="our choice: the RFC leaves open what an omitted attribute becomes",
    test="unit/mappers/scim/test_resources.py::test_put_without_active_does_not_let_a_leaver_back_in",
)
def replaced(stored: Doc, doc: Doc, *, now_iso: str) -> Doc:
    """A PUT without `active` leaves it as it is: silence must not let a leaver back in.

    All other attributes that are not sent are unset; `id` and `created` stay.
    """
    kept = {"active": stored["active"]} if "active" in stored else {}
    content = {**kept, **{name: value for name, value in doc.items() if name != "schemas"}}
    after = {"schemas": doc["schemas"], "id": stored["id"], **content, "meta": stored["meta"]}
    return touched(stored, after, now_iso)


def touched(before: Doc, after: Doc, now_iso: str) -> Doc:
    """`after` with `lastModified` set to now, or `before` itself when the content is the same."""
    if digest(before) == digest(after):
        return before
    content = {name: value for name, value in after.items() if name != "meta"}
    return {**content, "meta": {**before["meta"], "lastModified": now_iso}}


def is_deactivation(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> bool:
    """Whether the person may sign in before and not after: such writes overtake all others."""
    was_active = before is None or before.get("active") is not False
    return was_active and after.get("active") is False


def is_return(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether the person may sign in again: such a write ends what holds the leaver back."""
    return is_deactivation(after, before)


class _Reading:
    """A document in the making. Names that are no plain attribute are kept as operations."""

    def __init__(self, resource: ResourceType) -> None:
        self.doc: Doc = {"schemas": [resource.schema.id]}
        self.members: tuple[str, ...] | None = None
        self.odd: list[Operation] = []
        self.ignored: list[str] = []
        self._resource = resource
        self._common = frozenset(resource.common)

    def read(self, name: str, value: Any) -> None:
        """Take in one member of the body."""
        found = self._resource.find(name)
        if found is not None:
            self._set(*found, value)
            return
        schema = self._resource.find_schema(name)
        if schema is not None and isinstance(value, dict):
            self._read_schema(schema, value)
        else:
            self._read_as_path(name, value)

    def _read_schema(self, schema: Schema, parts: Mapping[str, Any]) -> None:
        urn = None if schema is self._resource.schema else schema.id
        for name, value in parts.items():
            attribute = schema.find(name)
            if attribute is not None:
                self._set(urn, attribute, value)
            else:
                self._read_as_path(f"{schema.id}:{name}", value)

    def _set(self, urn: str | None, attribute: Attribute, value: Any) -> None:
        if attribute.read_only or attribute in self._common:
            return  # RFC 7644 3.3 and 3.5.1: what only the server sets is ignored
        tidied = values.tidy(attribute, value, self.ignored)
        if attribute.name == "members":
            self.members = members.ids(tidied or ())
        elif tidied is not None:
            holder = self.doc if urn is None else self.doc.setdefault(urn, {})
            holder[attribute.name] = tidied

    @tolerance(
        seen="SCIM-SDK #26",
        test="unit/mappers/scim/test_resources.py::test_a_body_is_read_into_canonical_form",
    )
    def _read_as_path(self, name: str, value: Any) -> None:
        """A key may be a path (`name.givenName`); one that nothing knows is left out, reported."""
        try:
            self.odd += expansion.by_name("add", name, value, self._resource, self.ignored)
        except errors.InvalidPath:
            self.ignored.append(name)
