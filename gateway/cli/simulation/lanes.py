"""Works through a list with a bounded number of calls at once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

Advance = Callable[[str, int, int], None]
"""Told the phase, how many of it are done, and how many there are."""


async def each(
    items: Sequence[T],
    work: Callable[[T], Awaitable[None]],
    *,
    at_once: int,
    done: Callable[[int], None] = lambda _count: None,
) -> None:
    """Work on every item in order, `at_once` at a time; `done` is told how many are finished."""
    waiting = iter(items)
    finished = 0

    async def take() -> None:
        nonlocal finished
        for item in waiting:
            await work(item)
            finished += 1
            done(finished)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(at_once):
            tasks.create_task(take())
