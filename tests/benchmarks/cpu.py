"""Processor time of a running process, which a busy machine disturbs less than rates."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Meter:
    """Adds up the processor time that a process uses between `start` and `stop`, all threads."""

    pid: int
    spent_s: float = 0.0
    _began_s: float = 0.0

    def start(self) -> None:
        self._began_s = used_s(self.pid)

    def stop(self) -> None:
        self.spent_s += used_s(self.pid) - self._began_s

    def per_call_us(self, calls: int) -> float:
        """Microseconds of processor time per call."""
        return self.spent_s / calls * 1e6


def used_s(pid: int) -> float:
    """Seconds that the threads of a process have run, in user and kernel mode.

    The first field of schedstat counts nanoseconds; `stat` would count hundredths of a second.
    """
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(each.read_text(encoding="ascii").split()[0]) for each in threads) / 1e9
