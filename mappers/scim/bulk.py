"""Bulk requests: reading them, their order, and what refers to what (RFC 7644 3.7). No I/O here.

`bulkId:<id>` stands for the id of what another operation of the request creates. It may stand
wherever an id can: as a value, at the end of a URL or path, in quotes in the filter of a path.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mappers.scim import documents, errors, messages
from mappers.scim.expressions import find_key
from mappers.tolerance import tolerance

MAX_OPERATIONS = 1000
"""Operations in one request: a few seconds of work; also what /ServiceProviderConfig says."""

_PREFIX = "bulkId:"
_INSIDE = re.compile(r'(?<=[/"])bulkId:([^"/\s\]]+)')
"""A reference within a URL or a filter."""

Doc = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as it was sent, `at` its place among them.

    `refers` are the bulkIds that it refers to. `data` is None when none was sent.
    """

    at: int
    method: str
    path: str
    bulk_id: str | None = None
    version: str | None = None
    data: Any = None
    refers: frozenset[str] = frozenset()

    @property
    def creates(self) -> bool:
        """Whether it makes a resource that others may refer to."""
        return self.method == "POST" and self.bulk_id is not None


@dataclass(frozen=True, slots=True)
class Request:
    """A bulk request. It ends at the `fail_on_errors`-th error; None: never before its end."""

    operations: tuple[Operation, ...]
    fail_on_errors: int | None = None


def read(body: bytes) -> Request:
    """Read the message; whether an operation can be done is told by doing it.

    Raises InvalidSyntax, InvalidValue, and PayloadTooLarge for more than MAX_OPERATIONS.
    """
    sent = documents.read_object(body)
    listed = _member(sent, "Operations")
    if not isinstance(listed, list) or not listed:
        raise errors.InvalidSyntax("Operations must be a list of at least one operation.")
    if len(listed) > MAX_OPERATIONS:
        raise errors.PayloadTooLarge(
            f"Operations holds {len(listed)} operations. Send at most {MAX_OPERATIONS} at a time."
        )
    operations = tuple(_operation(at, one) for at, one in enumerate(listed))
    _require_unique(operations)
    return Request(operations, _fail_on_errors(_member(sent, "failOnErrors")))


def in_order(operations: Sequence[Operation]) -> tuple[Operation, ...]:
    """Each operation after those that create what it refers to, and otherwise as sent.

    In a circle one of them must come before what it refers to.
    """
    creators = {each.bulk_id: each for each in operations if each.creates}
    placed: dict[int, Operation] = {}
    begun: set[int] = set()
    waiting = list(reversed(operations))
    while waiting:
        current = waiting[-1]
        begun.add(current.at)
        before = [creators[name] for name in current.refers if name in creators]
        first = [each for each in before if each.at not in begun]
        if first and current.at not in placed:
            waiting += sorted(first, key=lambda each: -each.at)
        else:
            placed.setdefault(current.at, waiting.pop())
    return tuple(placed.values())


def resolved(operation: Operation, ids: Mapping[str, str]) -> Operation:
    """The operation with ids for references. Raises InvalidValue for one that names nothing."""

    def known(bulk_id: str) -> str:
        if bulk_id not in ids:
            raise errors.InvalidValue(
                f"No POST of this request has the bulkId {errors.shown(bulk_id)}."
            )
        return ids[bulk_id]

    if not operation.refers:
        return operation
    path = _replaced(operation.path, known)
    return replace(operation, path=path, data=_mapped(operation.data, known))


def result(
    operation: Operation,
    status: int,
    *,
    location: str | None = None,
    version: str | None = None,
    response: Doc | None = None,
) -> Doc:
    """What became of an operation; `response` is the error of one that failed."""
    told = {
        "method": operation.method,
        "bulkId": operation.bulk_id,
        "location": location,
        "version": version,
        "status": str(status),
        "response": response,
    }
    return {name: value for name, value in told.items() if value is not None}


def response(results: Iterable[Doc]) -> Doc:
    """The answer to the whole request."""
    return {"schemas": [messages.BULK_RESPONSE], "Operations": list(results)}


def _operation(at: int, sent: Any) -> Operation:
    if not isinstance(sent, dict):
        raise errors.InvalidSyntax("Each of Operations must be an object with method and path.")
    method, path, data = (_member(sent, name) for name in ("method", "path", "data"))
    bulk_id, version = _member(sent, "bulkId"), _member(sent, "version")
    if not isinstance(method, str) or not isinstance(path, str):
        raise errors.InvalidSyntax(f"Operation {at + 1} needs a method and a path, both text.")
    if not isinstance(bulk_id, str | None) or not isinstance(version, str | None):
        raise errors.InvalidSyntax(f"Operation {at + 1}: bulkId and version must be text.")
    refers: set[str] = set()

    def note(name: str) -> str:
        refers.add(name)
        return ""

    _replaced(path, note)
    _mapped(data, note)
    return Operation(
        at, method_in_capitals(method), path.strip(), bulk_id, version, data, frozenset(refers)
    )


@tolerance(
    seen="our choice; no client is known to need it",
    test="entra/test_bulk.py::test_every_method_at_once",
)
def method_in_capitals(text: str) -> str:
    """A method may be written in any case."""
    return text.strip().upper()


def _require_unique(operations: Sequence[Operation]) -> None:
    created = [each.bulk_id for each in operations if each.creates]
    if len(set(created)) != len(created):
        raise errors.InvalidValue("A bulkId is used twice: give every POST one of its own.")


@tolerance(
    seen="our choice; RFC 7644 does not say what 0 means",
    test="unit/mappers/scim/test_bulk.py::test_when_it_ends",
)
def _fail_on_errors(sent: Any) -> int | None:
    """No error accepted (0) and one that ends the request (1) are the same."""
    if sent is None:
        return None
    if not isinstance(sent, int) or isinstance(sent, bool) or sent < 0:
        raise errors.InvalidValue("failOnErrors must be a whole number of errors.")
    return max(sent, 1)


def _member(sent: Mapping[str, Any], name: str) -> Any:
    return sent.get(find_key(sent, name))


def _mapped(value: Any, known: Callable[[str], str]) -> Any:
    """The value with every reference in it replaced by what `known` gives for its bulkId."""
    match value:
        case str():
            return _replaced(value, known)
        case dict():
            return {name: _mapped(inner, known) for name, inner in value.items()}
        case list():
            return [_mapped(inner, known) for inner in value]
        case _:
            return value


def _replaced(text: str, known: Callable[[str], str]) -> str:
    if _PREFIX not in text:
        return text
    if text.startswith(_PREFIX):
        return known(text.removeprefix(_PREFIX))
    return _INSIDE.sub(lambda found: known(found[1]), text)
