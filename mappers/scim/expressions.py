"""Bound paths and filters: trees whose names are attributes of the schema table. No I/O here.

`str()` of a path or filter is text that reads back as an equal tree.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from mappers.scim.attributes import Attribute

Value = str | bool | int | float | None
"""What a filter compares with."""


@dataclass(frozen=True, slots=True)
class Compare:
    """`path op value`. `op` is lower-case; `pr` has no value."""

    path: "Path"
    op: str
    value: Value = None

    def __str__(self) -> str:
        if self.op == "pr":
            return str(self.path) if self.path.where and not self.path.sub else f"{self.path} pr"
        return f"{self.path} {self.op} {orjson.dumps(self.value).decode()}"


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold; at least two parts."""

    parts: tuple["Filter", ...]

    def __str__(self) -> str:
        return " and ".join(_grouped(part, And, Or) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds; at least two parts."""

    parts: tuple["Filter", ...]

    def __str__(self) -> str:
        return " or ".join(_grouped(part, Or) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Filter"

    def __str__(self) -> str:
        return f"not ({self.part})"


Filter = Compare | And | Or | Not


@dataclass(frozen=True, slots=True)
class Path:
    """Where a value is: `[urn:]attribute[where].sub`.

    `urn` names the extension that holds the attribute (None: the resource itself). Without an
    attribute the path is that extension, or the core schema, as a whole.
    """

    urn: str | None
    attribute: Attribute | None
    where: Filter | None = None
    sub: Attribute | None = None

    def __str__(self) -> str:
        name = self.attribute.name if self.attribute else ""
        where = f"[{self.where}]" if self.where else ""
        sub = f".{self.sub.name}" if self.sub else ""
        return ":".join(part for part in (self.urn, f"{name}{where}{sub}") if part)

    @property
    def target(self) -> Attribute | None:
        """The attribute whose value is read or written."""
        return self.sub or self.attribute


def find_key(container: Mapping[str, Any], name: str) -> str:
    """The key that `container` has for `name`, in any case; `name` itself when it has none."""
    if name in container:
        return name
    folded = name.casefold()
    return next((key for key in container if key.casefold() == folded), name)


def equalities(where: Filter) -> dict[str, Value] | None:
    """What an element must hold to satisfy `where`; None when that does not follow from it."""
    match where:
        case Compare(path=Path(attribute=Attribute(name=name), sub=None), op="eq", value=value):
            return {name: value}
        case And(parts=parts):
            merged: dict[str, Value] = {}
            for part in parts:
                found = equalities(part)
                if found is None:
                    return None
                merged.update(found)
            return merged
        case _:
            return None


def paths(expression: Filter) -> Iterator[Path]:
    """Every path that the filter compares."""
    match expression:
        case Compare(path=path):
            yield path
        case Not(part=part):
            yield from paths(part)
        case And(parts=parts) | Or(parts=parts):
            for part in parts:
                yield from paths(part)


def _grouped(part: Filter, *kinds: type) -> str:
    return f"({part})" if isinstance(part, kinds) else str(part)
