"""Each planted bug is found by a directed test, and by the state machine where it looks."""

import asyncio
import importlib
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from clients.redis import scripts
from tests.engine import harness, invariants
from tests.engine.group_machine import GroupMachine
from tests.engine.machine import QueueMachine
from tests.mutants import planted, planted_guard, planted_members, planted_patrol

FAILURE = (Exception, pytest.fail.Exception)
"""Whatever a test fails with finds the bug."""


async def passes(name: str, url: str, library: Mapping[str, scripts.Script]) -> bool:
    """Whether a test that needs nothing but an engine passes with these scripts."""
    module, _, test = name.partition(".")
    story = getattr(importlib.import_module(f"tests.engine.{module}"), test)
    async with harness.open_engine(url, library) as engine:
        try:
            await story(engine)
            return await invariants.broken(engine) == []
        except FAILURE:
            return False


def machine_of(bug: planted.Bug) -> type[RuleBasedStateMachine]:
    return GroupMachine if bug in planted_members.BUGS else QueueMachine


def machine_passes(bug: planted.Bug, url: str) -> bool:
    library = planted.library(bug)
    machine = type("Mutant", (machine_of(bug),), {"url": url, "library": library})
    few = settings(
        max_examples=200,
        stateful_step_count=50,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(machine, settings=few)
    except FAILURE:
        return False
    return True


def named(bug: planted.Bug) -> str:
    return bug.name.replace(" ", "-")


SETS = (planted, planted_members, planted_guard)
ALL = tuple(bug for each in (*SETS, planted_patrol) for bug in each.BUGS)
QUICK = tuple(name for each in SETS for name in each.QUICK)
UNSEEN = frozenset(name for each in SETS for name in each.UNSEEN_BY_THE_MACHINE) | {
    bug.name for bug in planted_patrol.BUGS
}


@pytest.mark.parametrize("bug", ALL, ids=named)
def test_a_directed_test_finds_it(bug: planted.Bug, redis_url: str) -> None:
    sound = scripts.library(harness.TEST_CLOCK)
    assert asyncio.run(passes(bug.found_by, redis_url, sound))
    assert not asyncio.run(passes(bug.found_by, redis_url, planted.library(bug)))


@pytest.mark.parametrize(
    "bug",
    [
        pytest.param(bug, marks=[] if bug.name in QUICK else [pytest.mark.long])
        for bug in ALL
        if bug.name not in UNSEEN
    ],
    ids=named,
)
def test_the_state_machine_finds_it(bug: planted.Bug, redis_url: str) -> None:
    assert not machine_passes(bug, redis_url)
