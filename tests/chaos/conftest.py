"""What the chaos tests share: a product with one gateway, and Entra in front of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.chaos.catalogue import Results
from tests.chaos.scene import Entra
from tests.support.stack import Stack, running


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rows", action="store_true", help="report each row of the fault catalogue at the end"
    )


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """One line for each row of the catalogue."""
    if not config.getoption("--rows", default=False):
        return
    results = Results()
    for outcome in ("passed", "failed", "error", "xfailed", "skipped"):
        for report in terminalreporter.getreports(outcome):
            name = "failed" if outcome == "error" else outcome
            results.note(report.nodeid, name, report.duration)
    terminalreporter.section("fault catalogue")
    for line in results.lines():
        terminalreporter.write_line(line)


@pytest.fixture
def entra(stack: Stack) -> Entra:
    """Entra with an empty journal; no worker runs yet."""
    return Entra(stack)


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Stack]:
    """A product of which only Redis and BLDNG run yet."""
    async with running(tmp_path) as each:
        yield each
