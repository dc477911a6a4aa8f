"""Random histories of the queue; the seed of a failure is printed and replays it."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.engine.machine import QueueMachine

REPEATABLE_OR_NEW = pytest.mark.parametrize(
    "repeatable", [True, pytest.param(False, marks=pytest.mark.long)]
)
"""The same histories in every normal run; new ones each time when asked for by name."""


@REPEATABLE_OR_NEW
def test_every_history_keeps_every_invariant(redis_url: str, *, repeatable: bool) -> None:
    machine = type("Machine", (QueueMachine,), {"url": redis_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=50,
            stateful_step_count=50,
            deadline=None,
            derandomize=repeatable,
            phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
