"""What happens in the directory between two cycles. No I/O: the seed decides.

One person has at most one change in a cycle. Each kind happens to at least one person who can
have it, and to about one in twenty.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Final

from gateway.cli.simulation import people
from gateway.cli.simulation.people import Person, Standing

ONE_IN: Final = 20
"""How rare a change of one kind is."""


class Kind(StrEnum):
    """The kinds of change, in the words of the report."""

    HIRE = "hire"
    UPDATE = "update"
    RENAME = "rename"
    DISABLE = "disable"
    ENABLE = "enable"
    SOFT_DELETE = "soft_delete"
    RESTORE = "restore"
    HARD_DELETE = "hard_delete"
    REHIRE = "rehire"
    MANAGER = "manager"
    NO_MANAGER = "no_manager"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Change:
    """`person` as of now. `UNCHANGED` is sent again in full, as after "Restart provisioning"."""

    kind: Kind
    person: Person


def initial(count: int, *, domain: str, dice: Random) -> tuple[Change, ...]:
    """The people of the first cycle: every fifth or so leads those who came after them."""
    staff: list[Person] = []
    for number in range(1, count + 1):
        leader = dice.choice(staff).object_id if staff and dice.random() < 0.8 else ""
        newcomer = people.person(number, domain=domain, dice=dice)
        staff.append(replace(newcomer, manager=leader))
    return tuple(Change(Kind.HIRE, newcomer) for newcomer in staff)


def incremental(
    directory: Mapping[str, Person], *, domain: str, dice: Random
) -> tuple[Change, ...]:
    """The changes of one later cycle over the accounts of `directory` (object id -> person)."""
    free = list(directory.values())
    dice.shuffle(free)
    changes: list[Change] = []
    for kind, (standings, after) in _LIFE.items():
        eligible = [one for one in free if one.standing in standings and _can(kind, one)]
        for one in eligible[: _quota(kind, len(directory))]:
            free.remove(one)
            changes.append(Change(kind, after(one, dice, domain)))
    changes.extend(_managers(directory, free, dice))
    changes.extend(_newcomers(directory, changes, domain=domain, dice=dice))
    return tuple(changes)


def _quota(kind: Kind, size: int) -> int:
    """How many people of `size`; twice as many soft deletions, since some of those return."""
    return max(1, size // ONE_IN) * (2 if kind is Kind.SOFT_DELETE else 1)


def _updated(one: Person, dice: Random, _domain: str) -> Person:
    return replace(
        one,
        title=f"Senior {dice.choice(people.TITLES)}",
        department=dice.choice(people.DEPARTMENTS),
        mobile=people.phone(dice),
        city=dice.choice(people.CITIES),
    )


def _renamed(one: Person, dice: Random, domain: str) -> Person:
    family = dice.choice([name for name in people.FAMILY if name != one.family])
    upn = people.upn(one.given, family, one.number, domain=domain)
    return replace(one, family=family, upn=upn)


def _to(standing: Standing) -> Callable[[Person, Random, str], Person]:
    return lambda one, _dice, _domain: replace(one, standing=standing)


def _same(one: Person, _dice: Random, _domain: str) -> Person:
    return one


def _can(kind: Kind, one: Person) -> bool:
    return kind is not Kind.NO_MANAGER or bool(one.manager)


def _without_manager(one: Person, _dice: Random, _domain: str) -> Person:
    return replace(one, manager="")


_ACTIVE = frozenset({Standing.ACTIVE})
_LIFE: Final = {
    Kind.ENABLE: (frozenset({Standing.DISABLED}), _to(Standing.ACTIVE)),
    Kind.HARD_DELETE: (frozenset({Standing.SOFT_DELETED}), _to(Standing.HARD_DELETED)),
    Kind.RESTORE: (frozenset({Standing.SOFT_DELETED}), _to(Standing.ACTIVE)),
    Kind.DISABLE: (_ACTIVE, _to(Standing.DISABLED)),
    Kind.SOFT_DELETE: (_ACTIVE, _to(Standing.SOFT_DELETED)),
    Kind.RENAME: (_ACTIVE, _renamed),
    Kind.UPDATE: (_ACTIVE, _updated),
    Kind.NO_MANAGER: (_ACTIVE, _without_manager),
    Kind.UNCHANGED: (_ACTIVE, _same),
}
"""Kind -> who can have it, and the person afterwards."""


def _managers(directory: Mapping[str, Person], free: list[Person], dice: Random) -> list[Change]:
    staff = [one for one in free if one.standing is Standing.ACTIVE]
    leaders = [one for one in directory.values() if one.standing is Standing.ACTIVE]
    moved = []
    for one in staff[: _quota(Kind.MANAGER, len(directory))]:
        others = [leader.object_id for leader in leaders if leader.object_id != one.object_id]
        if others:
            moved.append(Change(Kind.MANAGER, replace(one, manager=dice.choice(others))))
    return moved


def _newcomers(
    directory: Mapping[str, Person], changes: list[Change], *, domain: str, dice: Random
) -> list[Change]:
    """Somebody new, and somebody who was deleted and comes back under a new object id."""
    taken = {one.upn for one in directory.values() if one.standing is not Standing.HARD_DELETED}
    gone = [one for one in directory.values() if one.upn not in taken]
    newcomer = people.person(len(directory) + 1, domain=domain, dice=dice)
    back = [
        Change(
            Kind.REHIRE,
            replace(
                one,
                object_id=people.object_id(dice),
                standing=Standing.ACTIVE,
                manager="",
            ),
        )
        for one in gone[:1]
    ]
    return [Change(Kind.HIRE, newcomer), *back]
