"""F64: everything at once for a long time, and then every account must agree.

    python -m tests.chaos.soak SECONDS

Two gateways and two workers, of which one each is killed again and again; Redis is killed, stopped
and cut off; five of a hundred calls on BLDNG fail; clients hang up. People and groups come, change
and leave meanwhile, and come back. Then the faults end, the queue drains, and the oracle compares
what was acknowledged with what Redis and BLDNG hold. Exit code 1 when they disagree.
"""

import asyncio
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TextIO

from clients.bldng.sandbox.faults import Fault
from clients.bldng.sandbox.state import Logged, Modes
from clients.redis import keys
from clients.redis.stack import open_stack
from clients.redis.types import Guard
from tests.chaos.lives import Crowd
from tests.chaos.scene import Entra, base_url, resident_kb
from tests.support import oracle, proxy
from tests.support import stack as stacks
from tests.support.proxy import Proxy, Rule
from tests.support.stack import TENANT, Process, Stack

RATE = 120.0
"""Changes a second that the clients begin."""
DRAIN_S = 300.0
FAULTS = (
    Fault(action="status", status=500, when="before", probability=0.008),
    Fault(action="status", status=500, when="after", probability=0.008),
    Fault(action="status", status=503, when="before", probability=0.006),
    Fault(action="reset", when="before", probability=0.008),
    Fault(action="reset", when="after", probability=0.008),
    Fault(action="hang", when="before", probability=0.002),
    Fault(action="hang", when="after", probability=0.002),
    Fault(action="body", body="html", probability=0.002),
    Fault(action="body", body="truncated", probability=0.002),
    Fault(action="status", status=429, retry_after="1", probability=0.001),
    Fault(action="delay", delay_ms=100, probability=0.005),
)
"""About five of a hundred calls on BLDNG go wrong, half of them after they took effect."""

PACE = {"BLDNG_SCIM_LEASE_MS": "3000", "BLDNG_SCIM_SETTLE_MS": "1500"}


class Ledger(deque[Logged]):
    """A short log of the sandbox that counts the faults."""

    def __init__(self) -> None:
        super().__init__(maxlen=1000)
        self.faults: Counter[str] = Counter()

    def append(self, row: Logged, /) -> None:
        if row.fault:
            self.faults[row.fault] += 1
        super().append(row)


@dataclass(slots=True)
class Report:
    """What a soak saw."""

    seconds: float = 0.0
    writes: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    harm: Counter[str] = field(default_factory=Counter)
    drain_s: float = 0.0
    contradictions: list[str] = field(default_factory=list)
    memory_kb: dict[str, list[int]] = field(default_factory=dict)

    def growth(self, name: str) -> float:
        """Memory in the last third of the run over that in the first, medians."""
        samples = self.memory_kb[name]
        third = max(1, len(samples) // 3)
        return median(samples[-third:]) / median(samples[:third])

    def lines(self) -> Iterator[str]:
        """The report for people."""
        kinds = Counter(map(kind, self.contradictions))
        yield f"{self.seconds:.0f} s, {self.writes} acknowledged writes"
        yield f"answers  {_counts(self.statuses)}"
        yield f"harm     {_counts(self.harm)}"
        yield f"BLDNG    {_counts(self.faults)}"
        yield f"drained in {self.drain_s:.1f} s"
        yield ", ".join(f"{kinds[name]} {name}" for name in ("lost", "duplicate", "wrong"))
        for name, samples in self.memory_kb.items():
            low, high = min(samples) // 1024, max(samples) // 1024
            yield f"memory   {name:<16} {low:4} to {high:4} MB, last third {self.growth(name):.2f}"
        yield from (each[:300] for each in self.contradictions[:50])


def kind(contradiction: str) -> str:
    """Whether something was lost, doubled or is otherwise wrong."""
    if " times" in contradiction:
        return "duplicate"
    lost = (" is gone", " lost ", " lacks ", "was acknowledged")
    return "lost" if any(each in contradiction for each in lost) else "wrong"


def _counts(counter: Counter[str] | Counter[int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counter.items(), key=str))


class Soak:
    """A running product, those who use it, and what harms it."""

    def __init__(self, stack: Stack, wire: Proxy, *, seed: int) -> None:
        self.report = Report()
        self._stack = stack
        self._wire = wire
        self._dice = random.Random(seed)
        self._processes: dict[str, Process] = {}
        self._ways: dict[str, str] = {}
        self._crowd = Crowd(Entra(stack), self._ways.values, seed=seed)

    async def run(self, seconds: float, *, rate: float, said: Callable[[str], None]) -> Report:
        """Harm it for so long, let it heal, and judge."""
        stack, report, ledger = self._stack, self.report, Ledger()
        stack.state.modes = Modes(uniqueness=False, idempotency=False)
        stack.state.log = ledger
        for name in ("steady gateway", "frail gateway", "steady worker", "frail worker"):
            await self._start(name)
        await self._let_all_go()
        began_s, stop = time.monotonic(), asyncio.Event()
        stack.faults.add(*FAULTS)
        async with asyncio.TaskGroup() as group:
            users = group.create_task(self._crowd.live(stop, rate=rate))
            watch = group.create_task(self._watch(said))
            await self._harm_until(began_s + seconds)
            stack.faults.clear()
            stop.set()
            await users
            watch.cancel()
        report.seconds = time.monotonic() - began_s
        await self._judge()
        report.writes = self._crowd.acknowledged
        report.statuses = Counter(self._crowd.entra.statuses)
        report.faults = ledger.faults
        return report

    async def _let_all_go(self) -> None:
        """In an hour more people leave than the mass-change guard lets go."""
        async with open_stack(self._stack.redis.url) as redis:
            tenant = await redis.tenants.get(TENANT)
            assert tenant is not None
            await redis.queue.set_guard(tenant, Guard(limit=0, window_ms=1000))

    async def _judge(self) -> None:
        began_s = time.monotonic()
        self.report.contradictions += [
            f"the {name} ended by itself: {process.log.read_text()[-300:]}"
            for name, process in self._processes.items()
            if not process.running
        ]
        async with open_stack(self._stack.redis.url) as redis:
            tenant = await redis.tenants.get(TENANT)
            assert tenant is not None
            try:
                await oracle.drained(redis, within_s=DRAIN_S)
            except AssertionError:
                ctl = await redis.client.hgetall(keys.of_tenant(tenant.partition, TENANT)[11])
                self.report.contradictions.append(f"not drained within {DRAIN_S} s: {ctl}")
            self.report.drain_s = time.monotonic() - began_s
            self.report.contradictions += self._crowd.complaints
            self.report.contradictions += await oracle.verdict(
                redis, tenant, self._stack.state, self._crowd.entra.journal
            )

    async def _start(self, name: str) -> None:
        behind = {"BLDNG_SCIM_REDIS_URL": f"redis://127.0.0.1:{self._wire.port}/0"}
        starts = self._stack.start_gateway if "gateway" in name else self._stack.start_worker
        self._processes[name] = process = await starts(**behind, **PACE)
        if "gateway" in name:
            self._ways[name] = base_url(process)

    async def _harm_until(self, end_s: float) -> None:
        while (left_s := end_s - time.monotonic()) > 0:
            await asyncio.sleep(min(left_s, self._dice.uniform(0.5, 3.0)))
            [harm] = self._dice.choices(list(HARMS), weights=[each[1] for each in HARMS.values()])
            self.report.harm[harm] += 1
            await HARMS[harm][0](self)

    async def kill(self, name: str) -> None:
        await asyncio.to_thread(self._processes[name].kill)
        await self._start(name)

    async def kill_gateway(self) -> None:
        await self.kill("frail gateway")

    async def kill_worker(self) -> None:
        await self.kill("frail worker")

    async def kill_redis(self) -> None:
        await asyncio.to_thread(self._stack.redis.kill)
        await asyncio.to_thread(self._stack.redis.start)

    async def stop_redis(self) -> None:
        pid = self._stack.redis.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(self._dice.uniform(0.2, 1.5))
        finally:
            os.kill(pid, signal.SIGCONT)

    async def cut(self) -> None:
        self._wire.cut()

    async def hold(self) -> None:
        self._wire.hold()
        await asyncio.sleep(self._dice.uniform(0.2, 1.5))
        self._wire.release()

    async def slow(self) -> None:
        self._wire.latency_s = 0.02
        await asyncio.sleep(self._dice.uniform(0.2, 1.0))
        self._wire.latency_s = 0.0

    async def lose_replies(self) -> None:
        self._wire.order(Rule("lose_reply", sent=b"EVALSHA", times=5))

    async def cut_requests(self) -> None:
        self._wire.order(Rule("half", sent=b"EVALSHA", times=2))

    async def _watch(self, said: Callable[[str], None]) -> None:
        """Sample the memory, and say now and then how it goes."""
        turns = 0
        while True:
            await asyncio.sleep(0.5)
            turns += 1
            for name, process in self._processes.items():
                self._sample(name, process.pid)
            if (pid := self._stack.redis.pid) is not None:
                self._sample("redis", pid)
            if turns % 60 == 0:
                written, bad = self._crowd.acknowledged, len(self._crowd.complaints)
                said(f"{turns // 2} s: {written} writes, {bad} complaints")

    def _sample(self, name: str, pid: int) -> None:
        try:
            found = resident_kb(pid)
        except (FileNotFoundError, ProcessLookupError, StopIteration):
            return
        self.report.memory_kb.setdefault(name, []).append(found)


HARMS: dict[str, tuple[Callable[[Soak], Awaitable[None]], int]] = {
    "gateway killed": (Soak.kill_gateway, 3),
    "worker killed": (Soak.kill_worker, 3),
    "redis killed": (Soak.kill_redis, 1),
    "redis stopped": (Soak.stop_redis, 2),
    "connections cut": (Soak.cut, 3),
    "connections held": (Soak.hold, 2),
    "connections slow": (Soak.slow, 2),
    "replies lost": (Soak.lose_replies, 3),
    "requests cut in half": (Soak.cut_requests, 2),
}


async def soak(
    directory: Path,
    seconds: float,
    *,
    rate: float = RATE,
    seed: int = 64,
    said: Callable[[str], None] = lambda _line: None,
) -> Report:
    """Run it in a directory of its own."""
    async with stacks.running(directory) as stack, proxy.between(stack.redis.port) as wire:
        return await Soak(stack, wire, seed=seed).run(seconds, rate=rate, said=said)


def main() -> int:
    """Run for as many seconds as the first argument says, and print the report."""
    with tempfile.TemporaryDirectory(prefix="soak-") as directory:
        report = asyncio.run(
            soak(Path(directory), float(sys.argv[1]), said=lambda line: _say(sys.stderr, line))
        )
    for line in report.lines():
        _say(sys.stdout, line)
    return bool(report.contradictions)


def _say(where: TextIO, line: str) -> None:
    print(line, file=where, flush=True)


if __name__ == "__main__":
    sys.exit(main())
