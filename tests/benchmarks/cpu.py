"""Processor time of a running process, which a busy machine disturbs less than rates."""

import os
from dataclasses import dataclass
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


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
    """Seconds of processor time that a process has used, in user and kernel mode (proc(5))."""
    after_name = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) * TICK_S
