"""What to ask of BLDNG so that it holds what is desired. No I/O here: steps are values.

`managed` is a bit mask over the BLDNG fields: those that may hold a value we set. Only they are
ever cleared, so a value that BLDNG's own staff typed into a field we never set is left alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mappers.bldng.desired import DEPARTMENT, Desired, Value
from mappers.bldng.vocabulary import Group, User


@dataclass(frozen=True, slots=True)
class Known:
    """What BLDNG was last known to hold: `digest` is `Desired.digest` of the last applied state.

    `backend_id` is empty until a create was confirmed. `force` asks to send equal content again.
    """

    backend_id: str = ""
    managed: int = 0
    digest: str = ""
    force: bool = False


@dataclass(frozen=True, slots=True)
class Create:
    """Look the record up and, when nobody has it, POST these fields (none is None)."""

    fields: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Update:
    """PATCH these fields of the record; None clears one."""

    backend_id: str
    fields: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Delete:
    """DELETE the record."""

    backend_id: str


@dataclass(frozen=True, slots=True)
class Forget:
    """Nothing was confirmed at BLDNG, so there is nothing known to delete."""


Step = Create | Update | Delete | Forget


def diff(desired: Desired | None, known: Known) -> tuple[Step, ...]:
    """The steps from `known` to `desired` (None: the resource was deleted)."""
    if desired is None:
        return (Delete(known.backend_id) if known.backend_id else Forget(),)
    if not known.backend_id:
        return (Create(held(desired)),)
    if desired.digest == known.digest and not known.force:
        return ()
    return (Update(known.backend_id, changes(desired, known.managed)),)


def held(desired: Desired) -> dict[str, Value]:
    """The fields that have a value."""
    return {name: value for name, value in desired.fields.items() if value is not None}


def changes(desired: Desired, managed: int) -> dict[str, Value]:
    """The body of a PATCH: every value, and None for each mapped field we set earlier."""
    return {
        name: value
        for name, value in desired.fields.items()
        if value is not None or managed & _bit(desired, name)
    }


def mask(desired: Desired) -> int:
    """The `managed` mask once `desired` is applied."""
    return sum(_bit(desired, name) for name in held(desired))


def mask_unsettled(desired: Desired, managed: int) -> int:
    """The `managed` mask while it is unknown whether `desired` was applied: old and new bits."""
    return managed | mask(desired)


def adopt(desired: Desired, found: User | Group, *, managed: int = 0) -> dict[str, Value]:
    """The fields to PATCH on a record that exists already: those that differ from `found`.

    A department that is still a name cannot be compared and is always among them.
    """
    present = found.model_dump(by_alias=True)
    return {
        name: value
        for name, value in changes(desired, managed).items()
        if name not in present or present[name] != value
    }


def resolved(fields: Mapping[str, Value], department_id: str | None) -> dict[str, Value]:
    """The fields with the department's name replaced by its id, as BLDNG takes them."""
    others = {name: value for name, value in fields.items() if name != DEPARTMENT}
    return {**others, "departmentId": department_id} if DEPARTMENT in fields else others


def _bit(desired: Desired, name: str) -> int:
    field = "departmentId" if name == DEPARTMENT else name
    return 1 << desired.vocabulary.index(field)
