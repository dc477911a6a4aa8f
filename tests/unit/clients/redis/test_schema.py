"""Which stored data a program of which number may work on."""

import pytest

from clients.redis import schema
from clients.redis.types import IncompatibleData


@pytest.mark.parametrize(
    ("stored", "known", "number"),
    [(None, 1, 1), ("1", 1, 1), ("1", 2, 1), ("2", 2, 2), (None, 2, 1), ("4", 5, 4)],
)
def test_a_program_works_on_its_own_layout_and_the_one_before(
    stored: str | None, known: int, number: int
) -> None:
    assert schema.check(stored, known=known) == number


@pytest.mark.parametrize(
    ("stored", "known", "cure"),
    [
        ("2", 1, "run the newer bldng-scim"),
        ("1", 3, "upgrade through the releases between"),
        (None, 3, "upgrade through the releases between"),
        ("two", 1, "names no schema"),
        ("", 1, "names no schema"),
        ("-1", 1, "names no schema"),
    ],
)
def test_other_data_is_refused_with_the_cure(stored: str | None, known: int, cure: str) -> None:
    with pytest.raises(IncompatibleData, match=cure):
        schema.check(stored, known=known)
