"""The letter of RFC 7643 and 7644, for clients that ask for it. No I/O here.

A body is checked here before the tolerant reading sees it. What passes means the same to both, so
strictness refuses more and changes nothing else. Names have no case here either (RFC 7643 2.1).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from mappers.scim import binding, comparison, documents, errors, messages
from mappers.scim import path as paths
from mappers.scim.attributes import Attribute, ResourceType, Schema, Type
from mappers.scim.expressions import Path, find_key
from mappers.scim.operations import Operation

_VERBS = frozenset({"add", "replace", "remove"})


def require_resource(body: bytes, resource: ResourceType) -> None:
    """Check a body of POST or PUT. Raises InvalidSyntax, InvalidValue."""
    sent = documents.read_object(body)
    listed = _schemas(sent, resource.schema.id)
    try:
        _members(sent, resource)
    except errors.UnknownAttribute as error:
        raise errors.InvalidSyntax(error.detail) from None
    for name in sent:
        if ":" in name and name.casefold() not in listed:
            raise errors.InvalidSyntax(f"schemas must name {errors.shown(name)} too.")


def require_patch(body: bytes, resource: ResourceType) -> None:
    """Check a body of PATCH.

    Raises InvalidSyntax, UnknownAttribute, InvalidPath, InvalidValue, NoTarget, Mutability.
    """
    sent = documents.read_object(body)
    _schemas(sent, messages.PATCH_OP)
    listed = sent.get(find_key(sent, "Operations"))
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict):  # what is no operation at all, everybody refuses
            _operation(each, resource)


def require_message(body: bytes, urn: str) -> None:
    """Check that a message says what it is. Raises InvalidSyntax."""
    _schemas(documents.read_object(body), urn)


def require_target(doc: Mapping[str, Any], operation: Operation) -> None:
    """Raise NoTarget when the filter in the path matches nothing (RFC 7644 3.5.2, table 9)."""
    path = operation.path
    if path.where is None:
        return
    if not comparison.values(Path(path.urn, path.attribute, path.where), doc):
        raise errors.NoTarget("The filter in the path matches no value.")


def _schemas(sent: Mapping[str, Any], urn: str) -> frozenset[str]:
    """The URNs in `schemas`, case-folded."""
    listed = sent.get(find_key(sent, "schemas"))
    texts = listed if isinstance(listed, list) else []
    folded = frozenset(text.casefold() for text in texts if isinstance(text, str))
    if urn.casefold() not in folded:
        raise errors.InvalidSyntax(f"schemas must be a list that holds {urn}.")
    return folded


def _members(sent: Mapping[str, Any], resource: ResourceType, *, patch: bool = False) -> None:
    """The members of a resource, whole or, in a PATCH without a path, in part."""
    for name, value in sent.items():
        if ":" in name:
            _extension(_known_schema(name, resource), value)
            continue
        attribute = _common(name, resource) or resource.schema.find(name)
        if attribute is None:
            raise errors.UnknownAttribute(name)
        if patch and attribute.read_only:
            raise _read_only(attribute)
        if not attribute.read_only:
            _value(attribute, value)


def _common(name: str, resource: ResourceType) -> Attribute | None:
    return next((one for one in resource.common if one.name.casefold() == name.casefold()), None)


def _known_schema(urn: str, resource: ResourceType) -> Schema:
    """The schema of a URN that is spelt as published."""
    schema = resource.find_schema(urn)
    if schema is None or schema.id.casefold() != urn.casefold():
        raise errors.UnknownAttribute(urn)
    return schema


def _extension(schema: Schema, value: Any) -> None:
    if value is None:
        return
    if not isinstance(value, dict):
        raise errors.InvalidValue(f"{schema.id} must be an object.")
    for name, inner in value.items():
        attribute = schema.find(name)
        if attribute is not None:
            _value(attribute, inner)
        elif name.casefold() != "schemas":  # every SCIM object may say what it is
            raise errors.UnknownAttribute(f"{schema.id}:{name}")


def _value(attribute: Attribute, value: Any) -> None:
    if value is None or value == []:
        return  # RFC 7643 2.5: null and the empty list unset the attribute
    if not attribute.multi:
        _one(attribute, value)
        return
    if not isinstance(value, list):
        raise errors.InvalidValue(f"{attribute.label} must be a list.")
    _elements(attribute, value)


def _elements(attribute: Attribute, elements: list[Any]) -> None:
    for element in elements:
        _one(attribute, element)
    primary = [each for each in elements if isinstance(each, dict) and _is_primary(each)]
    if len(primary) > 1:
        raise errors.InvalidValue(f"{attribute.label}: only one value may be primary.")


def _is_primary(element: Mapping[str, Any]) -> bool:
    return element.get(find_key(element, "primary")) is True


def _one(attribute: Attribute, value: Any) -> None:
    match attribute.type:
        case Type.COMPLEX:
            _object(attribute, value)
        case Type.BOOLEAN:
            _require(attribute, isinstance(value, bool), "true or false")
        case Type.DATE_TIME:
            sound = isinstance(value, str) and binding.instant(value) is not None
            _require(attribute, sound, "a date like 2026-01-31T12:00:00Z")
        case Type.OPEN:
            return
        case _:
            _require(attribute, isinstance(value, str), "text")


def _object(attribute: Attribute, value: Any) -> None:
    _require(attribute, isinstance(value, dict), "an object")
    for name, inner in value.items():
        sub = attribute.find(name)
        if sub is None:
            raise errors.UnknownAttribute(f"{attribute.name}.{name}")
        if not sub.read_only:
            _value(sub, inner)


def _require(attribute: Attribute, sound: bool, shape: str) -> None:  # noqa: FBT001 - reads as prose
    if not sound:
        raise errors.InvalidValue(f"{attribute.label} must be {shape}.")


def _operation(sent: Mapping[str, Any], resource: ResourceType) -> None:
    op, text, value = (sent.get(find_key(sent, name)) for name in ("op", "path", "value"))
    if op not in _VERBS:
        raise errors.InvalidSyntax("op must be add, replace or remove, in lower case.")
    if text is None:
        _whole(op, value, resource)
        return
    path = _path(text, resource)
    _require_writable(op, path)
    if op == "remove":
        if value is not None:
            raise errors.InvalidValue(
                "A remove takes no value: name what to remove in the path, like"
                ' members[value eq "id"].'
            )
    elif path.attribute is None:
        _extension(_known_schema(path.urn or "", resource), value)
    else:
        _at(path, path.attribute, value)


def _whole(op: str, value: Any, resource: ResourceType) -> None:
    """An operation without a path: its value is a resource in part (RFC 7644 3.5.2.1)."""
    if op == "remove":
        raise errors.NoTarget("A remove needs a path that names what to remove.")
    if not isinstance(value, dict):
        raise errors.InvalidValue(f"A {op} without a path needs an object of attributes.")
    _members(value, resource, patch=True)


def _path(text: Any, resource: ResourceType) -> Path:
    """The path, when nothing in it needs to be guessed."""
    if not isinstance(text, str) or not text.strip():
        raise errors.InvalidPath("A path must be text, like name.givenName.")
    path = paths.parse(text.strip(), resource)
    if path.urn is not None:
        urn = _known_schema(path.urn, resource).id
        if not text.strip().casefold().startswith(urn.casefold()):
            raise errors.UnknownAttribute(text.strip().partition("[")[0])
    if path.where is not None and path.attribute is not None and not path.attribute.multi:
        raise errors.InvalidPath(f"{path.attribute.label} has one value: it takes no filter.")
    return path


def _require_writable(op: str, path: Path) -> None:
    for attribute in _named(path):
        if attribute.read_only:
            raise _read_only(attribute)
        if attribute.mutability == "immutable":
            raise immutable(attribute)


def _named(path: Path) -> Iterable[Attribute]:
    return (one for one in (path.attribute, path.sub) if one is not None)


def _at(path: Path, attribute: Attribute, value: Any) -> None:
    """A value of add or replace at a path."""
    if path.sub is not None:
        _value(path.sub, value)
    elif path.where is not None:
        _one(attribute, value)
    elif attribute.multi and isinstance(value, dict):
        _elements(attribute, [value])
    else:
        _value(attribute, value)


def _read_only(attribute: Attribute) -> errors.Mutability:
    return errors.Mutability(f"{attribute.label} is read-only. Leave it out.")


def immutable(attribute: Attribute) -> errors.Mutability:
    """The error for a change of what is set once and for all (RFC 7643 7)."""
    return errors.Mutability(
        f"{attribute.label} cannot be changed. Remove the old value and add the new one."
    )
