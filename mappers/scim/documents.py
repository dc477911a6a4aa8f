"""Resources as JSON text: reading, writing, telling contents apart. No I/O here."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson

from mappers.scim import errors

MAX_DEPTH = 16
"""Deepest nesting of a body; SCIM itself needs four."""


def loads(data: bytes) -> dict[str, Any]:
    """A stored document."""
    doc: dict[str, Any] = orjson.loads(data)
    return doc


def dumps(doc: Mapping[str, Any]) -> bytes:
    """A document as the bytes that are stored and sent."""
    return orjson.dumps(doc)


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object that a request carries. Raises InvalidSyntax."""
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise errors.InvalidSyntax(
            f"The body is not valid JSON (line {error.lineno}, column {error.colno})."
        ) from None
    if not isinstance(sent, dict):
        raise errors.InvalidSyntax("The body must be one JSON object, in braces.")
    # fewer opening brackets than levels allowed cannot be too deep: the usual case costs no walk
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH and _deeper(sent, MAX_DEPTH):
        raise errors.InvalidSyntax(f"The body is nested deeper than {MAX_DEPTH} levels.")
    return sent


def digest(doc: Mapping[str, Any]) -> str:
    """16 hex characters that are equal when the contents, `meta` aside, are equal."""
    content = {name: value for name, value in doc.items() if name != "meta"}
    return blake2b(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()


def _deeper(value: Any, levels: int) -> bool:
    """Whether objects and lists are nested in more than `levels` levels; walks level by level."""
    containers = [value]
    for _ in range(levels):
        inner = [
            each
            for outer in containers
            for each in (outer.values() if isinstance(outer, dict) else outer)
        ]
        containers = [each for each in inner if isinstance(each, dict | list)]
        if not containers:
            return False
    return True
