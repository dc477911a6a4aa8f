"""Group membership out of PATCH operations, as changes to a set. No I/O here.

Members are never part of a stored group: a change of one member must not depend on how many there
are, and two requests at once must not lose each other's (FusionAuth #2784, scimmy #79).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from mappers.scim import errors, strict
from mappers.scim.attributes import Attribute
from mappers.scim.expressions import And, Compare, Filter, Not, Or, Path
from mappers.scim.operations import Operation
from mappers.tolerance import tolerance

MAX_ID_CHARS = 128
"""Longest id of a member; ids of ours have 36 characters."""


@dataclass(frozen=True, slots=True)
class MemberChange:
    """One step: add or remove `ids`, replace all members by `ids`, or clear them (no ids)."""

    kind: Literal["add", "remove", "replace", "clear"]
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Membership:
    """What steps in order come to: first drop everybody if `replace`, then add and remove.

    `adds` and `removes` have no id in common and each id once; with `replace`, `removes` is empty.
    """

    adds: tuple[str, ...] = ()
    removes: tuple[str, ...] = ()
    replace: bool = field(default=False, kw_only=True)


def split(
    operations: Iterable[Operation],
) -> tuple[tuple[Operation, ...], tuple[MemberChange, ...]]:
    """The operations on attributes, and the changes of members, each in order.

    Raises InvalidPath for a path into members that is not understood; it never means everybody.
    """
    attributes: list[Operation] = []
    steps: list[MemberChange] = []
    for operation in operations:
        if is_members(operation.path):
            steps.append(_step(operation))
        else:
            attributes.append(operation)
    return tuple(attributes), tuple(steps)


def fold(steps: Iterable[MemberChange]) -> Membership:
    """All steps as one change."""
    replace = False
    wanted: dict[str, bool] = {}
    for step in steps:
        if step.kind in {"replace", "clear"}:
            replace, wanted = True, {}
        wanted.update(dict.fromkeys(step.ids, step.kind != "remove"))
    return Membership(
        adds=tuple(member for member, stays in wanted.items() if stays),
        removes=tuple(member for member, stays in wanted.items() if not stays and not replace),
        replace=replace,
    )


def require_targets(steps: Iterable[MemberChange], held: frozenset[str]) -> None:
    """Raise NoTarget when one removes nobody, `held` being those of all ids who are members."""
    present = set(held)
    for step in steps:
        if step.kind == "remove" and not present.intersection(step.ids):
            raise errors.NoTarget("The filter in the path matches no member.")
        if step.kind in {"replace", "clear"}:
            present.clear()
        if step.kind == "remove":
            present -= set(step.ids)
        else:
            present |= set(step.ids)


@tolerance(
    seen="Microsoft's Postman collection",
    test="unit/mappers/scim/test_members.py::test_every_shape_of_a_change_of_members",
)
def ids(elements: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """An id that names nobody is kept: that person may arrive later. Each id once, in order.

    Raises InvalidValue for one without an id, or with one that is too long.
    """
    if not all("value" in element for element in elements):
        raise errors.InvalidValue("members: every member needs its id. Send it as value.")
    return _sound(element["value"] for element in elements)


def compared(expression: Filter) -> tuple[str, ...]:
    """The ids that a filter compares members with, each once.

    What else a filter may say about members cannot be answered without reading all of them, so it
    raises InvalidFilter.
    """
    match expression:
        case Compare(path=Path(urn=None, attribute=Attribute(name="groups"))):
            raise errors.InvalidFilter(
                "groups cannot be compared: filter /Groups by members.value, or read the User"
                " with attributes=groups."
            )
        case Compare(path=path):
            return (_compared(expression),) if is_members(path) else ()
        case Not(part=part):
            return compared(part)
        case And(parts=parts) | Or(parts=parts):
            return tuple(dict.fromkeys(one for part in parts for one in compared(part)))


def required(expression: Filter) -> str | None:
    """An id that every group has which satisfies the filter, or None."""
    match expression:
        case Compare(path=path, op="eq" | "pr") if is_members(path):
            return _compared(expression)
        case And(parts=parts):
            return next((one for part in parts if (one := required(part)) is not None), None)
        case _:
            return None


def is_members(path: Path) -> bool:
    """Whether the path leads into a group's members."""
    return path.urn is None and path.attribute is not None and path.attribute.name == "members"


def _step(operation: Operation) -> MemberChange:
    path = operation.path
    if path.where is not None:
        if path.sub is not None and path.sub.mutability == "immutable" and operation.value:
            raise strict.immutable(path.sub)
        if operation.op != "remove":
            raise _not_understood()
        return MemberChange("remove", _selected(path.where))
    named = _named(operation)
    match operation.op:
        case "remove" if named is None:
            return MemberChange("clear")
        case "remove":
            return MemberChange("remove", named or ())
        case "replace":
            return MemberChange("replace", named) if named else MemberChange("clear")
        case _:
            return MemberChange("add", named or ())


def _named(operation: Operation) -> tuple[str, ...] | None:
    """The ids in the operation's value, which may be at `members` or at `members.value`."""
    value, sub = operation.value, operation.path.sub
    if sub is None:
        return None if value is None else ids(value)
    if sub.name != "value" or value is None:
        raise _not_understood()
    return _sound([value])


def _selected(where: Filter) -> tuple[str, ...]:
    """The ids of `value eq "x"`, or of several joined by `or`."""
    match where:
        case Compare(op="eq", path=path, value=str(value)) if _is_value(path.attribute):
            return _sound([value]) if value else ()
        case Or(parts=parts):
            return tuple(dict.fromkeys(one for part in parts for one in _selected(part)))
        case _:
            raise _not_understood()


def _not_understood() -> errors.InvalidPath:
    return errors.InvalidPath(
        "members: this path is not understood. Use members with a value, "
        'or remove with members[value eq "id"].'
    )


def _sound(found: Iterable[str]) -> tuple[str, ...]:
    unique = tuple(dict.fromkeys(found))
    if any(len(member) > MAX_ID_CHARS for member in unique):
        raise errors.InvalidValue(
            f"members: an id has more than {MAX_ID_CHARS} characters. Send the id of the User."
        )
    return unique


def _compared(comparison: Compare) -> str:
    """The id in `members.value eq "x"` (or ne), or in `members[value eq "x"]`."""
    path = comparison.path
    match comparison:
        case Compare(op="eq" | "ne", value=str(value)) if path.where is None and _is_value(
            path.sub
        ):
            return value
        case Compare(op="pr", path=Path(where=Compare(op="eq", path=inner, value=str(value)))) if (
            path.sub is None and _is_value(inner.attribute)
        ):
            return value
        case _:
            raise errors.InvalidFilter(
                'members can be compared only by id and eq: write members.value eq "id".'
            )


def _is_value(attribute: Attribute | None) -> bool:
    return attribute is not None and attribute.name == "value"
