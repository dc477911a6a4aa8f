"""Reading PATCH paths and filters as text, before names have a meaning (RFC 7644 3.4.2.2, 3.5.2).

No I/O and no schema here. Text in, a tree of names out. Beyond the RFC's grammar these are read:
values without quotes, and a comparison after a bracket (`emails[type eq "work"].value eq "x"`),
both of which Microsoft's documentation prints.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from mappers.tolerance import tolerance

MAX_CHARS = 8192
"""Longest path or filter that is read."""

MAX_DEPTH = 16
"""Deepest nesting of parentheses and brackets that is read."""

OPERATORS = frozenset({"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"})

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<mark>[()\[\]])|(?P<word>[^\s()\[\]"]+))""",
    re.DOTALL,
)


class Malformed(ValueError):
    """The text does not follow the grammar; the message says where."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value to compare with; `quoted` tells "1" from 1."""

    text: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class RawPath:
    """`name[where].sub`; `name` still holds a URN and a sub-attribute if the text had them."""

    name: str
    where: "RawFilter | None" = None
    sub: str = ""


@dataclass(frozen=True, slots=True)
class RawCompare:
    """A comparison; `pr` has no literal."""

    path: RawPath
    op: str
    literal: Literal | None = None


@dataclass(frozen=True, slots=True)
class RawGroup:
    """Parts joined by `and`, by `or`, or one part under `not`."""

    kind: str
    parts: tuple["RawFilter", ...]


RawFilter = RawCompare | RawGroup


def parse_filter(text: str) -> RawFilter:
    """Read a whole filter. Raises Malformed."""
    parser = _Parser(text)
    tree = parser.disjunction()
    parser.expect_end()
    return tree


def parse_path(text: str) -> RawPath:
    """Read a whole PATCH path. Raises Malformed."""
    parser = _Parser(text)
    path = parser.path()
    parser.expect_end()
    return path


class _Parser:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0
        self._in_brackets = False

    def disjunction(self) -> RawFilter:
        return self._joined("or", self._conjunction)

    def _conjunction(self) -> RawFilter:
        return self._joined("and", self._factor)

    def _joined(self, keyword: str, operand: Callable[[], RawFilter]) -> RawFilter:
        parts = [operand()]
        while self._peek().casefold() == keyword:
            self._at += 1
            parts.append(operand())
        return parts[0] if len(parts) == 1 else RawGroup(keyword, tuple(parts))

    def _factor(self) -> RawFilter:
        if self._peek() == "(":
            return self._parenthesised()
        if self._peek().casefold() == "not" and self._peek(1) == "(":
            self._at += 1
            return RawGroup("not", (self._parenthesised(),))
        return self._comparison()

    def _parenthesised(self) -> RawFilter:
        self._at += 1
        return self._nested(")")

    def _nested(self, closing: str) -> RawFilter:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Malformed(f"it is nested deeper than {MAX_DEPTH} levels")
        tree = self.disjunction()
        if self._take() != closing:
            raise Malformed(f"a '{closing}' is missing")
        self._depth -= 1
        return tree

    @tolerance(
        seen="Microsoft's SCIM tutorial, eneo #443",
        test="unit/mappers/scim/test_filter.py::test_a_filter_that_holds",
    )
    def _comparison(self) -> RawFilter:
        """A comparison may stand after a bracket: `emails[type eq "work"].value eq "x"`."""
        path = self.path()
        operator = self._peek().casefold()
        if operator == "pr":
            self._at += 1
            return RawCompare(path, "pr")
        if operator in OPERATORS:
            self._at += 1
            return RawCompare(path, operator, self._literal())
        if path.where is not None and not path.sub:
            return RawCompare(path, "pr")
        raise Malformed("after an attribute must come eq, ne, co, sw, ew, gt, ge, lt, le or pr")

    def path(self) -> RawPath:
        name = self._word("an attribute name")
        if self._peek() != "[":
            return RawPath(name)
        if self._in_brackets:
            raise Malformed("a bracket cannot stand inside brackets")
        self._at += 1
        self._in_brackets = True
        where = self._nested("]")
        self._in_brackets = False
        return RawPath(name, where, self._sub_attribute())

    def _sub_attribute(self) -> str:
        if not self._peek().startswith("."):
            return ""
        return self._take()[1:] or self._word("a sub-attribute")

    @tolerance(
        seen="Microsoft's SCIM tutorial",
        test="unit/mappers/scim/test_filter.py::test_a_filter_that_holds",
    )
    def _literal(self) -> Literal:
        """A value may stand without quotes: `externalId eq jyoung`."""
        token = self._take()
        if token.startswith('"'):
            return Literal(_unquoted(token), quoted=True)
        if not token or token[0] in "()[]":
            raise Malformed("a value is missing after the operator")
        return Literal(token, quoted=False)

    def _word(self, what: str) -> str:
        token = self._take()
        if not token or token[0] in '"()[]':
            raise Malformed(f"{what} is missing")
        return token

    def expect_end(self) -> None:
        if self._peek():
            raise Malformed("there is more text than can be read; values with spaces need quotes")

    def _peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._at += 1
        return token


def _tokens(text: str) -> list[str]:
    if len(text) > MAX_CHARS:
        raise Malformed(f"it is longer than {MAX_CHARS} characters")
    tokens, at, end = [], 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None:
            raise Malformed(f"at character {at + 1} a quote is not closed")
        tokens.append(found.group("text") or found.group("mark") or found.group("word"))
        at = found.end()
    return tokens


def _unquoted(token: str) -> str:
    """A JSON string's text; raw control characters are let through, half characters are not."""
    try:
        text = str(json.loads(token, strict=False))
        text.encode()
    except ValueError:
        raise Malformed("a quoted value has a wrong escape") from None
    return text
