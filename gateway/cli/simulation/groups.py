"""Groups of the directory, and what happens to them between two cycles. No I/O: the seed decides.

A group's members are object ids of people. Some groups also hold the group that was made before
them: Entra does not nest groups, yet a target may be sent the id of one all the same.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Final

from gateway.cli.simulation import people
from gateway.cli.simulation.people import Person, Standing

ONE_IN: Final = 10
"""How rare it is that a group is renamed, or deleted, in a cycle."""
NESTED_EVERY: Final = 5
"""The second of so many groups holds the group before it."""
KINDS: Final = ("Everybody in", "Keys to", "Desks of", "Parking for", "Visitors of", "Floor of")


class Kind(StrEnum):
    """The kinds of change, in the words of the report."""

    CREATE = "group_create"
    RENAME = "group_rename"
    DELETE = "group_delete"
    JOIN = "join"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Group:
    """A directory group. `members` are object ids."""

    object_id: str
    number: int
    name: str
    members: frozenset[str] = frozenset()
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """`group` as of now; `happened` says what happened to it, a membership counting as one."""

    group: Group
    happened: Mapping[Kind, int]


@dataclass(frozen=True, slots=True)
class Scale:
    """How large the groups are, and the share of their members that changes in a cycle."""

    groups: int = 0
    members: int = 20
    churn: float = 0.05


def initial(
    scale: Scale, staff: Iterable[Person], *, domain: str, dice: Random
) -> tuple[Change, ...]:
    """The groups of the first cycle, each with as many members as there are people for."""
    made: list[Change] = []
    for number in range(1, scale.groups + 1):
        nested = {made[-1].group.object_id} if number % NESTED_EVERY == 2 else frozenset()
        founded = _founded(number, scale, _active(staff), domain=domain, dice=dice)
        made.append(_with(founded, nested))
    return tuple(made)


def incremental(
    directory: Mapping[str, Group],
    staff: Iterable[Person],
    scale: Scale,
    *,
    domain: str,
    dice: Random,
) -> tuple[Change, ...]:
    """One later cycle: of several groups one dies and one is founded; members come and go."""
    living = [group for group in directory.values() if not group.deleted]
    dice.shuffle(living)
    quota = max(1, len(living) // ONE_IN)
    dying, staying = (living[:quota], living[quota:]) if len(living) > 1 else ([], living)
    active = _active(staff)
    changes = [Change(replace(group, deleted=True), {Kind.DELETE: 1}) for group in dying]
    for place, group in enumerate(staying):
        moved = _churned(group, active, scale, dice)
        changes.append(_renamed(moved, domain, dice) if place < quota else moved)
    numbers = range(len(directory) + 1, len(directory) + 1 + len(dying))
    founded = [_founded(number, scale, active, domain=domain, dice=dice) for number in numbers]
    return (*changes, *founded)


def count(changes: Iterable[Change]) -> dict[str, int]:
    """How often each kind of change happened."""
    total = Counter[str]()
    for change in changes:
        total.update({kind.value: times for kind, times in change.happened.items() if times})
    return dict(total.most_common())


def _active(staff: Iterable[Person]) -> list[str]:
    """Object ids, in an order that depends on the seed only."""
    return sorted(one.object_id for one in staff if one.standing is Standing.ACTIVE)


def _founded(number: int, scale: Scale, active: list[str], *, domain: str, dice: Random) -> Change:
    members = frozenset(dice.sample(active, min(scale.members, len(active))))
    name = _name(number, domain, dice)
    group = Group(people.object_id(dice), number, name, members)
    return Change(group, {Kind.CREATE: 1, Kind.JOIN: len(members)})


def _with(change: Change, more: Iterable[str]) -> Change:
    group = change.group
    return replace(change, group=replace(group, members=group.members | frozenset(more)))


def _churned(group: Group, active: list[str], scale: Scale, dice: Random) -> Change:
    """About as many join as leave; at least one each, as long as there is anybody."""
    moving = max(1, int(len(group.members) * scale.churn))
    members = sorted(group.members)
    others = [one for one in active if one not in group.members]
    leave = dice.sample(members, min(moving, len(members)))
    join = dice.sample(others, min(moving, len(others)))
    now = replace(group, members=group.members.difference(leave).union(join))
    return Change(now, {Kind.LEAVE: len(leave), Kind.JOIN: len(join)})


def _renamed(change: Change, domain: str, dice: Random) -> Change:
    group, name = change.group, change.group.name
    while name == group.name:
        name = _name(group.number, domain, dice)
    return Change(replace(group, name=name), {**change.happened, Kind.RENAME: 1})


def _name(number: int, domain: str, dice: Random) -> str:
    """Unique by its number and the domain."""
    return f"{dice.choice(KINDS)} {dice.choice(people.DEPARTMENTS)} {number}, {domain}"
