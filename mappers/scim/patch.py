"""PATCH as a function of a document (RFC 7644 3.5.2). No I/O here.

All operations apply or none: the document that comes in is never altered. Beyond the RFC, and
because identity providers rely on it: a filter that matches nothing creates the element, several
operations of one request land in one element, removing what is not there succeeds.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from mappers.scim import binding, changes, errors, expressions, strict, values
from mappers.scim.attributes import Attribute, ResourceType, Type
from mappers.scim.expressions import Path
from mappers.scim.operations import Operation
from mappers.tolerance import tolerance

__all__ = ["Operation", "apply"]

Doc = dict[str, Any]


def apply(
    doc: Doc, operations: Iterable[Operation], resource: ResourceType, *, strictly: bool = False
) -> Doc:
    """The document after all operations, in order; equal content gives an equal document.

    `strictly`, a filter that matches nothing is NoTarget. `meta.lastModified` is the caller's
    business (`resources.touched`), and so are a group's members (`members.split`). Raises
    Mutability, NoTarget, InvalidValue, InvalidPath.
    """
    result = doc
    lists: set[str] = set()
    for operation in operations:
        if strictly:
            strict.require_target(result, operation)
        path, attribute = operation.path, operation.path.attribute
        if attribute is None:
            result = _without_extension(result, operation)
        elif attribute.read_only or attribute in resource.common:
            _require_unchanged(result, operation, attribute)
        else:
            _require_kept(operation, attribute)
            result = _applied(result, operation, path, attribute)
            if attribute.multi:
                lists.add(attribute.name)
    result = _without_husks(result, lists)
    require(result, resource)
    return with_schemas(result, resource)


def require(doc: Mapping[str, Any], resource: ResourceType) -> None:
    """Raise InvalidValue unless every required attribute has a value."""
    for attribute in resource.required:
        if not str(doc.get(attribute.name) or "").strip():
            raise errors.InvalidValue(
                f"{attribute.name} is required and must not be empty. "
                f"Map an attribute that every {resource.name} has to {attribute.name}."
            )


def with_schemas(doc: Doc, resource: ResourceType) -> Doc:
    """The document with `schemas` naming the core schema and the extensions it has data of."""
    known = [schema.id for schema in resource.extensions]
    present = [name for name in known if name in doc]
    others = [
        name for name in doc if ":" in name and name not in known and binding.is_extension(name)
    ]
    schemas = [resource.schema.id, *present, *others]
    return doc if doc.get("schemas") == schemas else {**doc, "schemas": schemas}


def _applied(doc: Doc, operation: Operation, path: Path, attribute: Attribute) -> Doc:
    if path.urn is None:
        return _changed(doc, operation, path, attribute)
    urn = expressions.find_key(doc, path.urn)
    before = doc.get(urn) or {}
    return _with(doc, urn, _changed(before, operation, path, attribute) or None)


def _changed(holder: Doc, operation: Operation, path: Path, attribute: Attribute) -> Doc:
    key = attribute.name
    if attribute.type is Type.OPEN:
        key = expressions.find_key(holder, key)
    return _with(holder, key, changes.change(operation, path, attribute, holder.get(key)))


def _with(holder: Doc, key: str, value: Any) -> Doc:
    """The object with one key set, or without it when the value is None."""
    if value is not None:
        return {**holder, key: value}
    return {name: kept for name, kept in holder.items() if name != key}


def _without_extension(doc: Doc, operation: Operation) -> Doc:
    """Remove an extension as a whole; setting one is a matter of its attributes."""
    urn = operation.path.urn or ""
    if not operation.removes or urn.casefold() == doc.get("schemas", [""])[0].casefold():
        raise errors.InvalidPath(f"{errors.shown(urn)} is a schema. Name one of its attributes.")
    return _with(doc, expressions.find_key(doc, urn), None)


@tolerance(
    seen="path-less operations that carry the resource's own id",
    test="unit/mappers/scim/test_patch.py::test_naming_a_read_only_attribute_as_it_is_changes_nothing",
)
def _require_unchanged(doc: Doc, operation: Operation, attribute: Attribute) -> None:
    """What is read-only may be named as it is; `schemas` follows the data, whatever is sent."""
    sub = operation.path.sub
    current = doc.get(attribute.name)
    if sub is not None:
        current = (current or {}).get(sub.name)
    unchanged = not operation.removes and changes.covers(attribute, current, operation.value)
    if attribute.read_only and not unchanged:
        raise errors.Mutability(
            f"{attribute.label} is read-only. Remove it from the attribute mapping."
        )


def _require_kept(operation: Operation, attribute: Attribute) -> None:
    """A remove of what every resource must have (RFC 7644 3.5.2.2)."""
    if operation.op == "remove" and attribute.required and operation.value is None:
        raise errors.Mutability(
            f"{attribute.label} is required and cannot be removed. Replace it instead."
        )


def _without_husks(doc: Doc, lists: Iterable[str]) -> Doc:
    """Drop elements that lost their value and keep only `type` or `primary`.

    Done after all operations, because the next one may fill the element that one has made.
    """
    for name in lists:
        elements = doc.get(name, [])
        kept = [element for element in elements if not values.is_husk(element)]
        if len(kept) != len(elements):
            doc = _with(doc, name, kept or None)
    return doc
