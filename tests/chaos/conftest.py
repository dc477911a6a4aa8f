"""What the chaos tests share: a product with one gateway, and Entra in front of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.chaos.scene import Entra
from tests.support.stack import Stack, running


@pytest.fixture
def entra(stack: Stack) -> Entra:
    """Entra with an empty journal; no worker runs yet."""
    return Entra(stack)


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Stack]:
    """A product of which only Redis and BLDNG run yet."""
    async with running(tmp_path) as each:
        yield each
