"""Every cause has a cure, in words."""

import pytest

from workers import cures
from workers.causes import Cause

OURS = ("crashloop", "held", "breaker")


@pytest.mark.parametrize("cause", [*(each.value for each in Cause if each), *OURS])
def test_every_cause_has_a_cure(cause: str) -> None:
    cure = cures.of(cause)
    assert cure is not cures.UNKNOWN
    assert cure.what.endswith(".")
    assert cure.do.endswith(".")


def test_a_cause_that_nobody_knows_is_not_silent() -> None:
    assert cures.of("unheard") is cures.UNKNOWN
