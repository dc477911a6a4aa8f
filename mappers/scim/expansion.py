"""Assignments to attributes as operations with bound paths and tidy values. No I/O here.

An object is spread over its parts: a value without a path over its attributes, an extension over
its attributes, `name` over its sub-attributes. So a null inside it unsets just that part.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mappers.scim import errors, values
from mappers.scim import path as paths
from mappers.scim.attributes import Attribute, ResourceType, Type, open_attribute
from mappers.scim.expressions import Path
from mappers.scim.operations import Operation
from mappers.tolerance import tolerance

MAX_REPORTED = 20
"""How many ignored names are reported of one request."""


_SENT_ALONG = frozenset({"meta", "groups"})
"""Read-only attributes of resources that clients read, change and send back whole."""


def reported(ignored: Iterable[str]) -> tuple[str, ...]:
    """Names to report as ignored: each once, cut, and not too many, for they are foreign text."""
    names = dict.fromkeys(name[: errors.MAX_NAME_CHARS] for name in ignored)
    return tuple(names)[:MAX_REPORTED]


def by_name(
    op: str, name: str, value: Any, resource: ResourceType, ignored: list[str]
) -> Iterator[Operation]:
    """`op` (add, replace) of one member of an object, whose name is read as a path.

    Unknown attributes are added to `ignored`; `meta` and `groups`, which clients send along with
    the rest, have no effect. Raises InvalidPath, InvalidValue.
    """
    try:
        path = paths.parse(name, resource)
    except errors.UnknownAttribute as error:
        ignored.append(error.attribute)
        return
    if is_sent_along(path):
        return
    if isinstance(value, dict) and _is_foreign_extension(path, resource):
        path = Path(name, None)
    yield from by_path(op, path, value, resource, ignored)


@tolerance(
    seen="our choice: RFC 7644 3.5.1 has it so for PUT",
    test="unit/mappers/test_entra.py::test_keys_as_paths",
)
def is_sent_along(path: Path) -> bool:
    """Read-only attributes that a client read and sends back among others have no effect."""
    return path.attribute is not None and path.attribute.name in _SENT_ALONG and path.urn is None


def by_path(
    op: str, path: Path, value: Any, resource: ResourceType, ignored: list[str]
) -> Iterator[Operation]:
    """`op` (add, replace) of a value at a path. Raises InvalidPath, InvalidValue."""
    if path.attribute is None:
        yield from _schema(op, path, value, resource, ignored)
    elif path.where is not None and path.sub is None:
        yield _element(op, path, path.attribute, value, ignored)
    elif _is_spread(path, value):
        yield from _parts(op, path, path.attribute, value, ignored)
    else:
        yield Operation(op, path, values.tidy(path.sub or path.attribute, value, ignored))


def _is_foreign_extension(path: Path, resource: ResourceType) -> bool:
    """Whether a URN with an object is an extension nobody described, not an attribute of one.

    `urn:…:User:tag` is an attribute of `urn:…:User`, whatever its value.
    """
    if path.urn is None or path.attribute is None or path.sub or path.where:
        return False
    suffix = f":{resource.name}".casefold()
    known = resource.find_schema(path.urn) is not None
    return not known and not path.urn.casefold().endswith(suffix)


def _schema(
    op: str, path: Path, value: Any, resource: ResourceType, ignored: list[str]
) -> Iterator[Operation]:
    """A whole extension, or the core schema, named by its URN."""
    urn = path.urn or ""
    if values.is_empty(value):
        yield Operation("remove", path)
        return
    if not isinstance(value, dict):
        raise errors.InvalidValue(
            f"{errors.shown(urn)} is a schema. Send an object with its attributes."
        )
    known = resource.find_schema(urn) is not None
    for name, part in value.items():
        if known:
            prefix = "" if urn == resource.schema.id else f"{urn}:"
            yield from by_name(op, f"{prefix}{name}", part, resource, ignored)
        else:
            attribute = open_attribute(name)
            yield Operation(op, Path(urn, attribute), values.tidy(attribute, part, ignored))


def _is_spread(path: Path, value: Any) -> bool:
    attribute = path.attribute
    return (
        isinstance(value, dict)
        and bool(value)
        and path.sub is None
        and attribute is not None
        and attribute.type is Type.COMPLEX
        and not attribute.multi
        and attribute.find("value") is None
    )


def _parts(
    op: str, path: Path, attribute: Attribute, value: Mapping[str, Any], ignored: list[str]
) -> Iterator[Operation]:
    for name, part in value.items():
        sub = attribute.find(name)
        if sub is None:
            values.pass_over(attribute, name, ignored)
            continue
        yield Operation(op, Path(path.urn, attribute, None, sub), values.tidy(sub, part, ignored))


@tolerance(
    seen="our choice; as for whole attributes",
    test="unit/mappers/test_entra.py::test_an_element_may_be_given_as_text",
)
def _element(
    op: str, path: Path, attribute: Attribute, value: Any, ignored: list[str]
) -> Operation:
    """A bare text for the elements that a filter selects is their `value`."""
    value = values.only_element(attribute, value)
    if isinstance(value, str) and value:
        sub = attribute.find("value") or open_attribute("value")
        return Operation(op, Path(path.urn, attribute, path.where, sub), value)
    if not isinstance(value, dict) and not values.is_empty(value):
        raise errors.InvalidValue(f"{attribute.label} with a filter takes an object.")
    return Operation(op, path, values.tidy_element(attribute, value, ignored))
