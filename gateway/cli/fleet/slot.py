"""One place in the fleet and whichever process holds it."""

import asyncio
from collections.abc import Callable
from typing import Final

from structlog.typing import FilteringBoundLogger

from gateway.cli.fleet import child, pace, words
from gateway.cli.fleet.child import Child, Post
from gateway.cli.output import ExitCode, Failure

READY_S: Final = 60.0
"""How long a successor may take until it serves; the one it would relieve goes on meanwhile."""


class Slot:
    """Keeps one process of a fleet running. `end_s` is how long one may take to drain.

    `living` holds every process of the place that has not ended: two while one is replaced.
    """

    def __init__(
        self, post: Post, *, end_s: float, clock: Callable[[], float], log: FilteringBoundLogger
    ) -> None:
        self.living: set[Child] = set()
        self.served = False
        self._post = post
        self._end_s = end_s
        self._clock = clock
        self._log = log.bind(process=post.index)
        self._turn = asyncio.Lock()
        self._deaths = 0

    async def keep(self, fleet_served: Callable[[], bool]) -> None:
        """Start a process, and another whenever it died, until cancelled.

        Raises Failure when it gives up before any of the fleet ever served: what is wrong then is
        wrong for all, and starting again would not mend it.
        """
        async with self._turn:
            self._holder = await self._start(succeeds=False)
        while True:
            holder = self._holder
            if await holder.is_ready():
                self.served = True
            code = await holder.ended()
            self._forget(holder)
            if code > 0 and not fleet_served():
                raise Failure(_known(code), f"process {self._post.index} does not start")
            async with self._turn:
                if holder is self._holder:
                    await self._start_again(holder, code)

    async def replace(self) -> bool:
        """Start a successor, and drain the holder when it serves; False when it never does."""
        async with self._turn:
            successor = await self._start(succeeds=True)
            if not await successor.is_ready_within(READY_S):
                self._log.error("successor_not_ready", pid=successor.pid)
                successor.kill()
                await successor.ended()
                self._forget(successor)
                return False
            before, self._holder = self._holder, successor
            self._log.info("process_relieved", pid=before.pid, successor=successor.pid)
            before.tell(words.RELIEVED)
            await before.ended_within(self._end_s)
        return True

    async def stop(self) -> list[int]:
        """Let whatever lives drain and end; their exit codes."""
        for each in self.living:
            each.tell(words.STOP)
        return [await each.ended_within(self._end_s) for each in self.living]

    def kill(self) -> None:
        for each in self.living:
            each.kill()

    async def _start(self, *, succeeds: bool) -> Child:
        started = await child.start(self._post, succeeds=succeeds, clock=self._clock)
        self.living.add(started)
        self._log.info("process_started", pid=started.pid)
        return started

    async def _start_again(self, died: Child, code: int) -> None:
        lived_s = self._clock() - died.started_s
        self._deaths = pace.deaths(self._deaths, lived_s=lived_s)
        pause_s = pace.pause_s(self._deaths)
        self._log.error("process_died", pid=died.pid, code=code, again_in_s=pause_s)
        await asyncio.sleep(pause_s)
        self._holder = await self._start(succeeds=False)

    def _forget(self, ended: Child) -> None:
        ended.close()
        self.living.discard(ended)


def _known(code: int) -> ExitCode:
    """The exit code to end with: the child's own when it is one of ours."""
    return ExitCode(code) if code in set(ExitCode) else ExitCode.ERROR
