"""Filters: reading, matching, and which of them an index answers (RFC 7644 3.4.2.2). No I/O here.

A filter that cannot be read, or that names an attribute no schema has, is an error: answering it
with every resource makes an identity provider take over the wrong account (eneo #443).
"""

from dataclasses import dataclass
from functools import lru_cache

from mappers.scim import binding, errors, indexes, syntax
from mappers.scim.attributes import ResourceType
from mappers.scim.comparison import matches
from mappers.scim.expressions import And, Compare, Filter, Not, Or, paths

__all__ = ["CACHED_FILTERS", "Filter", "Lookup", "lookup", "matches", "parse", "shape", "uses"]

CACHED_FILTERS = 1024
"""Filters kept compiled; a match query is repeated when it is retried."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A question to an index: its name (`id`, `un`, `xid`, …) and the value as it is indexed."""

    index: str
    value: str


@lru_cache(maxsize=CACHED_FILTERS)
def parse(text: str, resource: ResourceType) -> Filter:
    """Compile a filter. Raises InvalidFilter, which names what is wrong and never a value."""
    try:
        return binding.expression(syntax.parse_filter(text), resource)
    except syntax.Malformed as error:
        raise errors.InvalidFilter(
            f'The filter cannot be read: {error}. Write it like userName eq "joy@example.com".'
        ) from None
    except errors.UnknownAttribute as error:
        raise errors.InvalidFilter(
            f"The filter names {errors.shown(error.attribute)}, which a {resource.name} does not "
            "have. Choose another matching attribute; /Schemas lists them."
        ) from None


def lookup(expression: Filter) -> Lookup | None:
    """The index that holds every match, or None when all resources must be looked at.

    One conjunct of an `and` suffices, so what the index finds must still be checked by `matches`.
    """
    asked = _conjuncts(expression)
    return next(
        (
            Lookup(index.name, index.fold(comparison.value))
            for index in indexes.ALL
            for comparison in asked
            if isinstance(comparison.value, str) and indexes.answers(index, comparison)
        ),
        None,
    )


def uses(expression: Filter, attribute: str) -> bool:
    """Whether the filter compares the attribute called `attribute`."""
    return any(
        path.attribute is not None and path.attribute.name == attribute
        for path in paths(expression)
    )


def shape(expression: Filter) -> str:
    """The filter with `?` for each value, fit for a log line: `userName eq ?`."""
    match expression:
        case Compare(path=path, op=op):
            name = path.attribute.name if path.attribute else path.urn
            where = f"[{shape(path.where)}]" if path.where else ""
            sub = f".{path.sub.name}" if path.sub else ""
            text = f"{name}{where}{sub}"
            return f"{text} pr" if op == "pr" else f"{text} {op} ?"
        case Not(part=part):
            return f"not ({shape(part)})"
        case And(parts=parts):
            return " and ".join(f"({shape(part)})" for part in parts)
        case Or(parts=parts):
            return " or ".join(f"({shape(part)})" for part in parts)


def _conjuncts(expression: Filter) -> tuple[Compare, ...]:
    match expression:
        case Compare():
            return (expression,)
        case And(parts=parts):
            return tuple(one for part in parts for one in _conjuncts(part))
        case _:
            return ()
