"""The rows of the fault catalogue: which tests show them, and which cannot be shown here.

A test belongs to the rows in its name (`test_f13_f14_...`), or to those in the id of its
parameters when there are some (`[f14-short]`).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROWS = range(1, 65)

NOT_BUILT: Mapping[int, str] = {}
"""Rows without a test, by what it would need."""

LIMITS: Mapping[int, str] = {
    11: "no released generation of scripts exists: the older one has the same text",
    14: "a process' death; power cannot be cut from a test",
    27: "a file size limit stands for a full disk",
    28: "a server that stops for 0.2 s at a time stands for a slow disk",
    29: "the scripts' clock is shifted, not the machine's",
}
"""What stands for the fault where a test cannot make the real one."""

_FUNCTION = re.compile(r"\bdef (test(?:_f\d\d)+)_")
_ROW = re.compile(r"f(\d\d)(?!\d)")


def rows_of(name: str) -> frozenset[int]:
    """The rows of a test's name, with the id of its parameters in brackets if it has some."""
    function, _, parameters = name.rpartition("::")[2].partition("[")
    named = re.match(r"test(?:_f\d\d)+", function)
    own = {int(each) for each in _ROW.findall(named[0])} if named else set()
    chosen = {int(each) for each in re.findall(r"\bf(\d\d)\b", parameters)}
    return frozenset(own & chosen or own)


def tested() -> frozenset[int]:
    """The rows that some test of the catalogue names."""
    files = (each.read_text() for each in Path(__file__).parent.glob("test_*.py"))
    names = (name for text in files for name in _FUNCTION.findall(text))
    return frozenset(row for name in names for row in rows_of(name))


@dataclass(slots=True)
class Results:
    """What a run saw of each row."""

    outcomes: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    seconds: dict[int, float] = field(default_factory=lambda: defaultdict(float))

    def note(self, node_id: str, outcome: str, seconds: float) -> None:
        """A test ended."""
        for row in rows_of(node_id):
            self.outcomes[row][outcome] += 1
            self.seconds[row] += seconds

    def verdict(self, row: int) -> str:
        """One word, and the reason where it is no plain pass."""
        seen = self.outcomes.get(row)
        if seen is None:
            return f"not built: {NOT_BUILT[row]}" if row in NOT_BUILT else "not run"
        worst = next((each for each in ("failed", "xfailed", "skipped") if seen[each]), "passed")
        return worst + (f" (limit: {LIMITS[row]})" if row in LIMITS else "")

    def lines(self) -> Iterator[str]:
        """One line a row, then the sum of them."""
        verdicts = {row: self.verdict(row) for row in ROWS}
        for row, verdict in verdicts.items():
            tests = sum(self.outcomes.get(row, {}).values())
            yield f"F{row:02}  {self.seconds[row]:7.1f} s  {tests:3} tests  {verdict}"
        yield total(verdicts.values(), sum(self.seconds.values()))


def total(verdicts: Iterable[str], seconds: float) -> str:
    """How many rows ended how."""
    counts = Counter(re.split(r"[:(]", each)[0].strip() for each in verdicts)
    parts = ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items()))
    return f"{len(ROWS)} rows: {parts}; {seconds:.0f} s"
