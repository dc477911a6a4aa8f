"""Attribute paths of PATCH, profiles and value look-ups (RFC 7644 3.5.2, 3.10). No I/O here."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from mappers.scim import binding, comparison, errors, syntax
from mappers.scim.attributes import ResourceType
from mappers.scim.expressions import Path

__all__ = ["CACHED_PATHS", "Path", "first", "parse", "values"]

CACHED_PATHS = 2048
"""Paths kept compiled. An identity provider repeats about 20; the rest name single members."""


@lru_cache(maxsize=CACHED_PATHS)
def parse(text: str, resource: ResourceType) -> Path:
    """Compile a path.

    Raises UnknownAttribute for an attribute that `resource` does not have, and InvalidPath for
    text that is no path.
    """
    try:
        return binding.path(syntax.parse_path(text), resource)
    except syntax.Malformed as error:
        raise errors.InvalidPath(
            f"The path {errors.shown(text.partition('[')[0])}… cannot be read: {error}. "
            'Write it like emails[type eq "work"].value.'
        ) from None
    except errors.InvalidFilter as error:
        raise errors.InvalidPath(error.detail) from None


def values(path: Path, doc: Mapping[str, Any]) -> list[Any]:
    """Every value that the path selects in a document, in order."""
    return comparison.values(path, doc)


def first(path: Path, doc: Mapping[str, Any]) -> Any:
    """The first value that the path selects, or None."""
    found = comparison.values(path, doc)
    return found[0] if found else None
