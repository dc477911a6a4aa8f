"""Wait for a condition instead of sleeping."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable


async def eventually(
    predicate: Callable[[], object] | Callable[[], Awaitable[object]],
    within_s: float = 5.0,
    *,
    every_s: float = 0.005,
) -> None:
    """Return as soon as the predicate is true; fail when it is not within `within_s`.

    `every_s` is for one that costs something to ask.
    """
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + within_s
    while True:
        answer = predicate()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return
        if loop.time() > give_up_at:
            name = getattr(predicate, "__qualname__", repr(predicate))
            raise AssertionError(f"not true within {within_s} s: {name}")
        await asyncio.sleep(every_s)
