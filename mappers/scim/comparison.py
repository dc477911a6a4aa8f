"""Evaluating a bound filter against a document (RFC 7644 3.4.2.2). No I/O here.

Text is compared by the schema's case rule, dates as moments, booleans also when stored as text.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from mappers.scim import binding
from mappers.scim.attributes import Attribute, Type
from mappers.scim.expressions import And, Compare, Filter, Not, Or, Path, find_key


def matches(expression: Filter, doc: Mapping[str, Any]) -> bool:
    """Whether the document, or the element of a multi-valued attribute, satisfies the filter."""
    match expression:
        case Compare():
            return _compare(expression, doc)
        case And(parts=parts):
            return all(matches(part, doc) for part in parts)
        case Or(parts=parts):
            return any(matches(part, doc) for part in parts)
        case Not(part=part):
            return not matches(part, doc)


def values(path: Path, doc: Mapping[str, Any]) -> list[Any]:
    """Every value that the path selects, multi-valued attributes one by one."""
    container = doc if path.urn is None else doc.get(find_key(doc, path.urn))
    if path.attribute is None:
        return [] if container is None else [container]
    if not isinstance(container, dict):
        return []
    elements = _listed(_member(container, path.attribute))
    if path.where is not None:
        elements = [each for each in _objects(elements) if matches(path.where, each)]
    if path.sub is None:
        return elements
    return [leaf for each in _objects(elements) for leaf in _listed(_member(each, path.sub))]


def _objects(elements: list[Any]) -> list[dict[str, Any]]:
    return [each for each in elements if isinstance(each, dict)]


def _member(container: Mapping[str, Any], attribute: Attribute) -> Any:
    if attribute.type is Type.OPEN:
        return container.get(find_key(container, attribute.name))
    return container.get(attribute.name)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _compare(comparison: Compare, doc: Mapping[str, Any]) -> bool:
    found = values(comparison.path, doc)
    match comparison.op, comparison.value:
        case ("pr", _) | ("ne", None):
            return any(value not in ("", [], {}) for value in found)
        case "eq", None:
            return not found or found[0] is None
        case _, None:
            return False
        case "ne", _:
            return not any(_test("eq", comparison, value) for value in found)
        case op, _:
            return any(_test(op, comparison, value) for value in found)


def _test(op: str, comparison: Compare, value: Any) -> bool:
    attribute = comparison.path.target
    if attribute is None:
        return False
    try:
        return _TESTS[op](comparable(attribute, value), comparable(attribute, comparison.value))
    except TypeError:
        return False  # an open attribute may hold a number where the filter has a text


def comparable(attribute: Attribute, value: Any) -> Any:
    """The value in the form in which the attribute's values are compared."""
    if not isinstance(value, str):
        return str(value).casefold() if isinstance(value, bool) else value
    if attribute.type is Type.DATE_TIME:
        return binding.instant(value) or value
    return value if attribute.case_exact else value.casefold()


def same(attribute: Attribute, left: Any, right: Any) -> bool:
    """Whether two values are equal under the attribute's case rule."""
    return bool(comparable(attribute, left) == comparable(attribute, right))


_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "co": operator.contains,
    "sw": lambda value, wanted: str(value).startswith(str(wanted)),
    "ew": lambda value, wanted: str(value).endswith(str(wanted)),
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
