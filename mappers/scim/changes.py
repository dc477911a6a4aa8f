"""What one operation makes of one attribute's value (RFC 7644 3.5.2.1 to 3.5.2.3). No I/O here.

Each function takes the current value and gives the new one; None means that it is not set. Values
are never altered in place.
"""

from typing import Any

from mappers.scim import comparison, errors, expressions, values
from mappers.scim.attributes import Attribute, Type
from mappers.scim.expressions import Path, Value
from mappers.scim.operations import Operation
from mappers.tolerance import tolerance

Element = dict[str, Any]


def change(operation: Operation, path: Path, attribute: Attribute, current: Any) -> Any:
    """The attribute's new value. Raises NoTarget when a filter makes no element."""
    if _is_list(attribute, path, current):
        return _list(operation, path, attribute, list(current or ())) or None
    if path.sub is not None or path.where is not None or attribute.type is Type.COMPLEX:
        return _object(operation, path, attribute, current if isinstance(current, dict) else {})
    return _value(operation, attribute, current)


def _is_list(attribute: Attribute, path: Path, current: Any) -> bool:
    """An open attribute is a list when it holds one, or when a filter looks for elements."""
    if attribute.type is Type.OPEN:
        return isinstance(current, list) or (current is None and path.where is not None)
    return attribute.multi


def _value(operation: Operation, attribute: Attribute, current: Any) -> Any:
    """A value as a whole. A remove that names a value removes only that one."""
    if not operation.removes:
        return operation.value
    named = operation.value
    return current if named is not None and not _same(attribute, current, named) else None


@tolerance(
    seen="scim-patch #453",
    test="unit/mappers/scim/test_patch.py::test_what_an_operation_makes_of_an_attribute",
)
def _object(
    operation: Operation, path: Path, attribute: Attribute, current: Element
) -> Element | None:
    """A filter on a single object is read as on a list of one (scim-patch #453)."""
    if path.where is not None and not comparison.matches(path.where, current):
        if operation.removes:
            return current or None
        current = _created(path)
    return _element(operation, path, attribute, current)


def _element(
    operation: Operation, path: Path, attribute: Attribute, element: Element
) -> Element | None:
    """One object after the operation, or None when nothing of it is left."""
    if path.sub is None:
        return _whole(operation, attribute, element)
    key = expressions.find_key(element, path.sub.name)
    value = _value(operation, path.sub, element.get(key))
    if value is None:
        return {name: kept for name, kept in element.items() if name != key} or None
    return _merged(attribute, element, {key: value})


def _whole(operation: Operation, attribute: Attribute, element: Element) -> Element | None:
    if not operation.removes:
        return _merged(attribute, element, operation.value)
    named = operation.value
    return element if named is not None and not covers(attribute, element, named) else None


def _merged(attribute: Attribute, element: Element, given: Element) -> Element:
    """Sub-attributes that are not given stay; but another manager does not keep the old name."""
    renewed = not attribute.multi and "value" in given
    if renewed and element.get("value", given["value"]) != given["value"]:
        return given
    return {**element, **given}


def _list(
    operation: Operation, path: Path, attribute: Attribute, elements: list[Any]
) -> list[Any]:
    if path.where is not None or path.sub is not None:
        return _selected(operation, path, attribute, elements)
    if operation.removes:
        return _without(attribute, elements, operation.value)
    given = operation.value if isinstance(operation.value, list) else [operation.value]
    return given if operation.op == "replace" else _appended(attribute, elements, given)


def _appended(attribute: Attribute, elements: list[Any], given: list[Any]) -> list[Any]:
    """The list with what it does not hold yet; an element that is added as primary becomes it."""
    for new in given:
        if any(covers(attribute, element, new, exact=True) for element in elements):
            continue
        elements = values.one_primary([*elements, new], winner=len(elements))
    return elements


@tolerance(
    seen="SCIMReferenceCode #87",
    test="unit/mappers/scim/test_patch.py::test_what_an_operation_makes_of_an_attribute",
)
def _without(attribute: Attribute, elements: list[Any], named: Any) -> list[Any]:
    """Removing what is not there succeeds; without a name there is nothing left."""
    if named is None:
        return []
    listed = named if isinstance(named, list) else [named]
    return [
        element
        for element in elements
        if not any(covers(attribute, element, one) for one in listed)
    ]


def _selected(
    operation: Operation, path: Path, attribute: Attribute, elements: list[Any]
) -> list[Any]:
    """The list after a change of the elements that the path selects.

    When there is none, add and replace create it, as Entra expects (scim-for-keycloak #73).
    """
    hits = [at for at, element in enumerate(elements) if _is_hit(path, element)]
    if operation.removes:
        return _reduced(operation, path, attribute, elements, hits)
    if not hits:
        hits, elements = [len(elements)], [*elements, _created(path)]
    for at in hits:
        changed = _element(operation, path, attribute, _base(operation, path, elements[at]))
        elements = [*elements[:at], changed, *elements[at + 1 :]]
        elements = values.one_primary(elements, winner=at)
    return elements


def _is_hit(path: Path, element: Any) -> bool:
    if not isinstance(element, dict):
        return False
    return path.where is None or comparison.matches(path.where, element)


def _base(operation: Operation, path: Path, element: Element) -> Element:
    """What an element starts from: replacing it as a whole keeps only what the filter says."""
    if operation.op != "replace" or path.sub is not None or path.where is None:
        return element
    return _labels(expressions.equalities(path.where) or {})


def _reduced(
    operation: Operation,
    path: Path,
    attribute: Attribute,
    elements: list[Any],
    hits: list[int],
) -> list[Any]:
    changed = {at: _element(operation, path, attribute, elements[at]) for at in hits}
    kept = (changed.get(at, element) for at, element in enumerate(elements))
    return [element for element in kept if element is not None]


@tolerance(
    seen="scim-for-keycloak #73, sourcegraph #49200",
    test="unit/mappers/scim/test_patch.py::test_several_operations_land_in_one_element",
)
def _created(path: Path) -> Element:
    """A filter that matches nothing creates the element that it describes."""
    if path.where is None:
        return {}
    found = expressions.equalities(path.where)
    if found is None:
        raise errors.NoTarget(
            "The filter in the path selects no value, and a new one can be created only from "
            "comparisons by eq."
        )
    return _labels(found)


def _labels(found: dict[str, Value]) -> Element:
    return {name: value for name, value in found.items() if value is not None}


def covers(attribute: Attribute, element: Any, named: Any, *, exact: bool = False) -> bool:
    """Whether an element has every sub-attribute that `named` has, by the schema's case rules."""
    if not isinstance(element, dict) or not isinstance(named, dict):
        return bool(element == named)
    return all(
        name in element
        and (
            element[name] == value if exact else _same(attribute.find(name), element[name], value)
        )
        for name, value in named.items()
    )


def _same(attribute: Attribute | None, left: Any, right: Any) -> bool:
    if attribute is None:
        return bool(left == right)
    return comparison.same(attribute, left, right)
