"""What happens in the directory: seeded, one change per person and cycle, every kind in time."""

from collections import Counter
from random import Random

import pytest

from gateway.cli.simulation import changes
from gateway.cli.simulation.changes import Change, Kind
from gateway.cli.simulation.people import Person, Standing

DOMAIN = "example.com"


def life(seed: int, *, users: int, cycles: int) -> list[tuple[Change, ...]]:
    """The changes of the initial cycle and of the later ones."""
    dice = Random(seed)
    directory: dict[str, Person] = {}
    batches = []
    for number in range(cycles + 1):
        if number == 0:
            batch = changes.initial(users, domain=DOMAIN, dice=dice)
        else:
            batch = changes.incremental(directory, domain=DOMAIN, dice=dice)
        directory |= {change.person.object_id: change.person for change in batch}
        batches.append(batch)
    return batches


def test_the_same_seed_gives_the_same_life() -> None:
    assert life(5, users=30, cycles=4) == life(5, users=30, cycles=4)


def test_another_seed_gives_another() -> None:
    assert life(5, users=30, cycles=1) != life(6, users=30, cycles=1)


@pytest.mark.parametrize("seed", range(10))
def test_every_kind_happens_within_three_cycles(seed: int) -> None:
    happened = Counter(change.kind for batch in life(seed, users=30, cycles=3) for change in batch)
    assert set(happened) == set(Kind)


@pytest.mark.parametrize("seed", range(10))
def test_nobody_changes_twice_in_a_cycle(seed: int) -> None:
    for batch in life(seed, users=60, cycles=5):
        ids = [change.person.object_id for change in batch]
        assert len(ids) == len(set(ids))


@pytest.mark.parametrize("seed", range(10))
def test_login_names_of_the_living_never_collide(seed: int) -> None:
    directory: dict[str, Person] = {}
    for batch in life(seed, users=40, cycles=8):
        directory |= {change.person.object_id: change.person for change in batch}
        living = [
            each.upn.casefold()
            for each in directory.values()
            if each.standing is not Standing.HARD_DELETED
        ]
        assert len(living) == len(set(living))


def test_one_person_alone_can_live_too() -> None:
    assert life(1, users=1, cycles=6)


def test_who_comes_back_has_a_new_object_id_and_the_old_login_name() -> None:
    batches = life(3, users=30, cycles=3)
    gone = {c.person.upn: c.person for b in batches for c in b if c.kind is Kind.HARD_DELETE}
    back = [c.person for b in batches for c in b if c.kind is Kind.REHIRE]
    assert back
    for each in back:
        assert gone[each.upn].object_id != each.object_id
