"""Tolerances: what is taken although RFC 7643 or 7644 has it otherwise. No I/O here.

Each is one function that is marked here with where it was seen and with its test;
docs/tolerances.md is made from the marks. A client that sends `Prefer: handling=strict` does
without those that read what it sends wrongly (`mappers.scim.strict`).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import FunctionType
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "tolerance"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """`seen` says where it is needed, `test` names its test as pytest does, below tests/."""

    seen: str
    test: str


def tolerance(*, seen: str, test: str) -> Callable[[F], F]:
    """Mark a function; calling it costs nothing more. Its docstring says what is tolerated."""

    def marked(function: F) -> F:
        function.__dict__[_MARK] = Tolerance(seen, test)
        return function

    return marked


def mark_of(function: object) -> Tolerance | None:
    """The mark of a function, None when it has none."""
    if not isinstance(function, FunctionType):
        return None
    found = function.__dict__.get(_MARK)
    return found if isinstance(found, Tolerance) else None


def reference_table(functions: Iterable[FunctionType]) -> str:
    """The table of docs/tolerances.md."""
    rows = sorted(_row(function) for function in functions)
    return "\n".join((
        "| Function | What is tolerated | Seen | Test |",
        "| --- | --- | --- | --- |",
        *rows,
    ))


def _row(function: FunctionType) -> str:
    mark = mark_of(function)
    if mark is None or not function.__doc__:
        raise ValueError(f"{function.__qualname__} needs a mark and a docstring")
    says = " ".join(function.__doc__.partition("\n\n")[0].split())
    name = f"{function.__module__}.{function.__qualname__}"
    cells = (f"`{name}`", says, mark.seen, f"`{mark.test}`")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
