"""Groups of the directory: seeded, every kind of change in time, names that never collide."""

from random import Random

import pytest

from gateway.cli.simulation import groups, people
from gateway.cli.simulation.groups import Change, Group, Kind, Scale

DOMAIN = "example.com"


def staff(count: int) -> list[people.Person]:
    dice = Random(1)
    return [people.person(number, domain=DOMAIN, dice=dice) for number in range(count)]


def life(seed: int, scale: Scale, *, cycles: int, users: int = 40) -> list[tuple[Change, ...]]:
    """The changes of the initial cycle and of the later ones."""
    dice, everyone = Random(seed), staff(users)
    batches = [groups.initial(scale, everyone, domain=DOMAIN, dice=dice)]
    directory = {change.group.object_id: change.group for change in batches[0]}
    for _ in range(cycles):
        batch = groups.incremental(directory, everyone, scale, domain=DOMAIN, dice=dice)
        directory |= {change.group.object_id: change.group for change in batch}
        batches.append(batch)
    return batches


def living(batches: list[tuple[Change, ...]]) -> list[Group]:
    latest = {change.group.object_id: change.group for batch in batches for change in batch}
    return [group for group in latest.values() if not group.deleted]


def test_the_same_seed_gives_the_same_life() -> None:
    scale = Scale(groups=6, members=10)
    assert life(5, scale, cycles=4) == life(5, scale, cycles=4)
    assert life(5, scale, cycles=4) != life(6, scale, cycles=4)


def test_without_groups_nothing_happens() -> None:
    assert life(1, Scale(), cycles=2) == [(), (), ()]


@pytest.mark.parametrize("seed", range(5))
def test_every_kind_happens_in_the_first_cycle_after_the_initial_one(seed: int) -> None:
    batches = life(seed, Scale(groups=3, members=10), cycles=1)
    assert set(groups.count(batches[0])) == {Kind.CREATE, Kind.JOIN}
    assert set(groups.count(batches[1])) == set(Kind)


@pytest.mark.parametrize("seed", range(5))
def test_names_of_the_living_never_collide(seed: int) -> None:
    names = [group.name.casefold() for group in living(life(seed, Scale(9, 3), cycles=8))]
    assert len(names) == len(set(names)) == 9


def test_a_group_alone_is_churned_and_renamed_and_never_deleted() -> None:
    batches = life(2, Scale(groups=1, members=10, churn=0.2), cycles=1)
    [change] = batches[1]
    assert change.happened == {Kind.JOIN: 2, Kind.LEAVE: 2, Kind.RENAME: 1}
    before = batches[0][0].group
    assert len(change.group.members ^ before.members) == 4
    assert change.group.name != before.name


def test_a_group_has_no_more_members_than_there_are_people() -> None:
    [change] = life(1, Scale(groups=1, members=1000), cycles=0)[0]
    assert len(change.group.members) == 40


def test_some_groups_hold_the_group_before_them() -> None:
    made = [change.group for change in life(1, Scale(groups=7, members=2), cycles=0)[0]]
    nested = [group.number for group in made if len(group.members) == 3]
    assert nested == [2, 7]
    assert made[0].object_id in made[1].members
