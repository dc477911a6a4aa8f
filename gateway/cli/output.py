"""What the command says and how it ends: data on stdout, talk on stderr, fixed exit codes.

Text is for people, `json` is one document, `jsonl` one object per line. Colour and progress go to
stderr only, and only to a terminal; rich honours `NO_COLOR` by itself.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum, StrEnum
from typing import Annotated, Any, NoReturn

import orjson
import typer

from gateway.cli import moments


class ExitCode(IntEnum):
    """How a command ended; scripts may rely on the numbers."""

    OK = 0
    ERROR = 1
    USAGE = 2
    CHECK_FAILED = 3
    REFUSED = 4
    UNREACHABLE = 5
    NOT_FOUND = 6
    CONFLICT = 7


class Failure(Exception):
    """Ends the command with `code` and one line on stderr that says what and how to mend it."""

    def __init__(self, code: ExitCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class Format(StrEnum):
    """The value of `-o`."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"


Output = Annotated[
    Format, typer.Option("-o", "--output", help="Form of the data on standard output.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would change; change nothing.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept in the audit trail.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask; needed when there is no terminal.")]

Row = Mapping[str, Any]


def talk(message: str) -> None:
    """Tell the person at the terminal something that is not data."""
    print(message, file=sys.stderr, flush=True)


def record(row: Row, form: Format, text: Callable[[Row], str] | None = None) -> None:
    """Print one object; as text it is `text(row)`, or one `name  value` line per member."""
    if form is Format.TEXT:
        print((text or lines)(row), flush=True)
    else:
        print(_dump(row, indent=form is Format.JSON), flush=True)


def table(rows: Sequence[Row], form: Format, columns: Sequence[str]) -> None:
    """Print a list of objects; as text in aligned `columns` under a heading."""
    match form:
        case Format.TEXT:
            print(grid([[_cell(row.get(name)) for name in columns] for row in rows], columns))
        case Format.JSON:
            print(_dump(list(rows), indent=True))
        case Format.JSONL:
            for row in rows:
                print(_dump(row, indent=False))


def lines(row: Row) -> str:
    """`name  value` lines, the values in one column."""
    width = max(map(len, row), default=0)
    return "\n".join(f"{name:<{width}}  {_cell(value)}" for name, value in row.items())


def grid(cells: Sequence[Sequence[str]], columns: Sequence[str]) -> str:
    """Rows of text in aligned columns, the heading in capitals."""
    heading = [name.replace("_", " ").upper() for name in columns]
    table_cells = [heading, *cells]
    widths = [max(len(row[i]) for row in table_cells) for i in range(len(columns))]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table_cells
    )


def milliseconds(text: str) -> int:
    """A duration given as an option. Raises Failure: USAGE."""
    try:
        return moments.duration_ms(text)
    except ValueError as error:
        raise Failure(ExitCode.USAGE, str(error)) from None


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something that cannot be taken back.

    Raises:
        Failure: REFUSED when the answer is no; USAGE when nobody can be asked.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise Failure(ExitCode.USAGE, f"{question} There is no terminal to ask: add --yes.")
    if not typer.confirm(question, err=True):
        raise Failure(ExitCode.REFUSED, "refused; nothing was changed")


def end(code: ExitCode) -> NoReturn:
    """End the command with `code`, having said everything."""
    raise typer.Exit(code)


def _dump(value: object, *, indent: bool) -> str:
    option = orjson.OPT_INDENT_2 if indent else 0
    return orjson.dumps(value, option=option).decode()


def _cell(value: object) -> str:
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)
