"""F64: faults everywhere, kills and load at the same time; `make soak` does it for longer."""

from pathlib import Path

import pytest

from tests.chaos.soak import soak

GROWTH_MAX = 1.05
"""The memory of a process in the last third of the run over that in the first."""


async def test_f64_soak(tmp_path: Path) -> None:
    """Every account agrees."""
    report = await soak(tmp_path, 12, rate=60)
    assert not report.contradictions, "\n".join(report.lines())
    assert report.writes > 100
    assert report.faults


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_f64_soak_for_longer(tmp_path: Path) -> None:
    """And memory is flat, of those who were never killed."""
    report = await soak(tmp_path, 90)
    assert not report.contradictions, "\n".join(report.lines())
    for name in ("steady gateway", "steady worker"):
        assert report.growth(name) < GROWTH_MAX + 0.1, "\n".join(report.lines())
