"""Giving names a meaning: a raw path or filter becomes one over attributes. No I/O here.

URNs hold dots and colons, so a URN is recognised as the longest known prefix and never split at
the dot of `2.0` (pingidentity/scim2 #104). The URN of an unknown extension is split at its last
colon, and whatever comes after it is an open attribute.
"""

import re
from datetime import UTC, datetime

from mappers.scim import errors, syntax
from mappers.scim.attributes import Attribute, ResourceType, Type, open_attribute
from mappers.scim.expressions import And, Compare, Filter, Not, Or, Path, Value
from mappers.tolerance import tolerance

_RESERVED = ("urn:ietf:params:scim:schemas:core:", "urn:ietf:params:scim:api:")
"""URNs of SCIM itself: never an extension."""

_NAME = re.compile(r"[A-Za-z$][\w$-]*", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?([eE][+-]?\d{1,2})?", re.ASCII)
"""A number that a double holds; what is longer is text."""

_ORDERED = frozenset({"gt", "ge", "lt", "le"})
_TEXTUAL = frozenset({"co", "sw", "ew"})

_UNSUITED = {
    Type.BOOLEAN: _ORDERED | _TEXTUAL,
    Type.BINARY: _ORDERED,
    Type.DATE_TIME: _TEXTUAL,
}
"""Operators that make no sense for a type (RFC 7644 3.4.2.2)."""


def path(raw: syntax.RawPath, resource: ResourceType) -> Path:
    """Raises UnknownAttribute, or Malformed when a part is no name at all."""
    urn, name, sub = _split(raw.name, resource)
    if not name:
        if raw.where is not None or raw.sub:
            raise syntax.Malformed("a filter needs an attribute before its bracket")
        return Path(urn, None)
    if sub and raw.sub:
        raise syntax.Malformed("there is a sub-attribute on both sides of the bracket")
    holder, attribute = _attribute(urn, name, resource)
    where = None if raw.where is None else _inside(raw.where, attribute)
    sub_name = sub or raw.sub
    return Path(holder, attribute, where, _sub(attribute, sub_name) if sub_name else None)


def expression(raw: syntax.RawFilter, resource: ResourceType) -> Filter:
    """Raises UnknownAttribute, InvalidFilter when a comparison makes no sense, or Malformed."""
    match raw:
        case syntax.RawCompare():
            return _compare(path(raw.path, resource), raw)
        case syntax.RawGroup():
            return _group(raw.kind, tuple(expression(part, resource) for part in raw.parts))


def _inside(raw: syntax.RawFilter, attribute: Attribute) -> Filter:
    """Bind a filter in brackets: its names are sub-attributes of `attribute`."""
    if attribute.type not in {Type.COMPLEX, Type.OPEN}:
        raise syntax.Malformed(f"{attribute.label} has no sub-attributes to filter by")
    match raw:
        case syntax.RawCompare():
            return _compare(Path(None, _sub(attribute, raw.path.name)), raw)
        case syntax.RawGroup():
            return _group(raw.kind, tuple(_inside(part, attribute) for part in raw.parts))


def _group(kind: str, parts: tuple[Filter, ...]) -> Filter:
    if kind == "not":
        return Not(parts[0])
    return And(parts) if kind == "and" else Or(parts)


def _split(text: str, resource: ResourceType) -> tuple[str | None, str, str]:
    """`[urn:]name[.sub]` in its three parts; name is empty when the text is a URN alone."""
    urn, rest = _split_urn(text, resource) if ":" in text else (None, text)
    if urn and not rest:
        return urn, "", ""
    name, dot, sub = rest.partition(".")
    for part in (name, sub) if dot else (name,):
        if not all(_NAME.fullmatch(piece) for piece in part.split(".")):
            raise syntax.Malformed("a part of it is no attribute name")
    return urn, name, sub


def _split_urn(text: str, resource: ResourceType) -> tuple[str | None, str]:
    folded = text.casefold()
    for known in sorted(resource.urns, key=len, reverse=True):
        if folded == known or folded.startswith(f"{known}:"):
            schema = resource.urns[known]
            return schema.id, text[len(known) + 1 :]
    urn, _, last = text.rpartition(":")
    if not folded.startswith("urn:") or urn.casefold() in {"", "urn"}:
        raise syntax.Malformed("a name with a colon must be a URN")
    if last.casefold() == resource.name.casefold() or not _NAME.match(last):
        return text, ""
    return urn, last


def _attribute(urn: str | None, name: str, resource: ResourceType) -> tuple[str | None, Attribute]:
    """The extension that holds the attribute, and the attribute."""
    if urn is None:
        found = resource.find(name)
        if found is None:
            raise errors.UnknownAttribute(name)
        return found
    schema = resource.find_schema(urn)
    if schema is None:
        return _foreign(urn, name)
    attribute = schema.find(name)
    if attribute is None:
        raise errors.UnknownAttribute(f"{urn}:{name}")
    return (None if schema is resource.schema else schema.id), attribute


@tolerance(
    seen="Entra custom extensions, whose URN is not in `schemas`",
    test="unit/mappers/scim/test_path.py::test_the_longest_known_urn_is_the_schema",
)
def _foreign(urn: str, name: str) -> tuple[str, Attribute]:
    """An extension without a schema here is kept as it is; a URN of SCIM's own is none."""
    if urn.casefold().startswith(_RESERVED):
        raise errors.UnknownAttribute(f"{urn}:{name}")
    return urn, open_attribute(name)


def is_extension(urn: str) -> bool:
    """Whether a URN that no schema here has may name an extension."""
    folded = urn.casefold()
    return folded.startswith("urn:") and not folded.startswith(_RESERVED)


def _sub(attribute: Attribute, name: str) -> Attribute:
    if attribute.type is Type.OPEN:
        return open_attribute(name)
    found = attribute.find(name)
    if found is None:
        raise errors.UnknownAttribute(f"{attribute.name}.{name}")
    return found


def _compare(target: Path, raw: syntax.RawCompare) -> Compare:
    if raw.literal is None:
        return Compare(target, "pr")
    target = _comparable(target)
    attribute = target.target
    if attribute is None:
        raise errors.InvalidFilter("A filter compares attributes, not a whole schema.")
    if raw.op in _UNSUITED.get(attribute.type, ()):
        raise errors.InvalidFilter(f"{attribute.label} cannot be compared by {raw.op}: use eq.")
    return Compare(target, raw.op, _value(attribute, raw.literal))


def _comparable(target: Path) -> Path:
    """Comparing a complex attribute means comparing its `value` (RFC 7643 2.4)."""
    attribute = target.target
    if attribute is None or attribute.type is not Type.COMPLEX:
        return target
    value = attribute.find("value")
    if value is None:
        raise errors.InvalidFilter(
            f"{attribute.label} has several parts: name one, like {attribute.sub[0].label}."
        )
    return Path(target.urn, target.attribute, target.where, value)


def _value(attribute: Attribute, literal: syntax.Literal) -> Value:
    if literal.text == "null" and not literal.quoted:
        return None
    match attribute.type:
        case Type.BOOLEAN:
            return _boolean(attribute, literal)
        case Type.DATE_TIME:
            if instant(literal.text) is None:
                raise errors.InvalidFilter(
                    f"{attribute.label} takes a date like 2026-01-31T12:00:00Z."
                )
            return literal.text
        case Type.OPEN:
            return literal.text if literal.quoted else _guessed(literal.text)
        case _:
            return literal.text


@tolerance(
    seen='Entra role mappings, `roles[primary eq "True"]`',
    test="unit/mappers/scim/test_filter.py::test_a_filter_that_holds",
)
def _boolean(attribute: Attribute, literal: syntax.Literal) -> bool:
    """True and "True" alike: Entra writes `roles[primary eq "True"]`."""
    folded = literal.text.casefold()
    if folded not in {"true", "false"}:
        raise errors.InvalidFilter(f"{attribute.label} takes true or false.")
    return folded == "true"


def _guessed(text: str) -> Value:
    """An unquoted value of an unknown type, read as JSON would."""
    if text.casefold() in {"true", "false"}:
        return text.casefold() == "true"
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if set(text) & set(".eE") else int(text)


def instant(text: str) -> datetime | None:
    """A SCIM dateTime as a moment; without a zone it is UTC; None when it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
