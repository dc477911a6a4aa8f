"""Entra's dialects of PATCH, as operations of RFC 7644. No I/O here.

Entra speaks two dialects, and one tenant both of them: cycles follow the flag in the Tenant URL,
on-demand runs do not. Each deviation from the RFC is one function here, named for what it does and
linked to where it can be seen; what values may look like is told in `mappers.scim.values`.

    legacy  {"op": "Replace", "path": "active", "value": "False"}, one operation per attribute
    flag    {"op": "replace", "value": {"active": false, "name.givenName": "Joy"}}

https://learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-config-problem-scim-compatibility
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mappers.scim import documents, errors, expansion, values
from mappers.scim import path as paths
from mappers.scim.attributes import ResourceType
from mappers.scim.expressions import Path, find_key
from mappers.scim.operations import Operation
from mappers.tolerance import tolerance

MAX_OPERATIONS = 2000
"""Operations in one request; Entra sends one per changed attribute or removed member."""

_VERBS = frozenset({"add", "replace", "remove"})
_UNSAID = object()
"""Tells a value that was not sent from null."""

_TOMBSTONE = re.compile(r"[0-9a-f]{32}(?P<login>.+)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Patch:
    """A PATCH request read: its operations, and names in it that no schema here has."""

    operations: tuple[Operation, ...]
    ignored: tuple[str, ...] = ()


def operations(body: bytes, resource: ResourceType) -> Patch:
    """Read a PATCH body in either dialect.

    An operation on an unknown attribute is left out and reported: it must not keep the
    deactivation beside it from happening (snipe-it #14708). Raises InvalidSyntax for what is no
    PATCH, InvalidPath, InvalidValue, NoTarget.
    """
    ignored: list[str] = []
    read: list[Operation] = []
    for sent in _sent_operations(documents.read_object(body)):
        read += _read(sent, resource, ignored)
    return Patch(tuple(read), expansion.reported(ignored))


@tolerance(
    seen="onyx #14074",
    test="unit/mappers/test_entra.py::test_a_tombstone_and_a_restore_round_trip",
)
def is_tombstone(doc: Mapping[str, Any]) -> bool:
    """A userName of 32 hex digits and a login, with `active` false, is a deleted account's.

    Entra renames a soft-deleted user to its object id without dashes and the old login
    (onyx #14074), and disables it in the same request.
    """
    return _tombstone(doc) is not None


def login_name(doc: Mapping[str, Any]) -> str:
    """The userName without a tombstone's prefix: what the backend may know as login."""
    found = _tombstone(doc)
    return found["login"] if found else str(doc["userName"])


def _tombstone(doc: Mapping[str, Any]) -> re.Match[str] | None:
    return _TOMBSTONE.fullmatch(doc["userName"]) if doc.get("active") is False else None


def _sent_operations(message: Mapping[str, Any]) -> list[Any]:
    listed = member_in_any_case(message, "Operations")
    if not isinstance(listed, list) or not listed:
        raise errors.InvalidSyntax("Operations must be a list of at least one operation.")
    if len(listed) > MAX_OPERATIONS:
        raise errors.InvalidSyntax(
            f"Operations holds {len(listed)} operations. Send at most {MAX_OPERATIONS} at a time."
        )
    return listed


def _read(sent: Any, resource: ResourceType, ignored: list[str]) -> Iterator[Operation]:
    if not isinstance(sent, dict):
        raise errors.InvalidSyntax("Each of Operations must be an object with op, path and value.")
    verb = verb_in_any_case(sent)
    text = no_empty_path(sent)
    value = member_in_any_case(sent, "value", default=_UNSAID)
    if text is None:
        yield from keys_as_paths(verb, value, resource, ignored)
        return
    path = known_path(text, resource, ignored)
    if path is None:
        return
    if verb == "remove":
        yield from only_the_named_values(path, value, ignored)
    elif value is _UNSAID:
        raise errors.InvalidValue(f"A {verb} needs a value. To unset the attribute use remove.")
    else:
        yield from map(active_is_said, expansion.by_path(verb, path, value, resource, ignored))


@tolerance(
    seen="Microsoft's Postman collection",
    test="unit/mappers/test_entra.py::test_operations_in_any_case",
)
def member_in_any_case(sent: Mapping[str, Any], name: str, *, default: Any = None) -> Any:
    """`operations` is read like `Operations`: names have no case (RFC 7643 2.1)."""
    return sent.get(find_key(sent, name), default)


@tolerance(
    seen="https://learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-config-problem-scim-compatibility",
    test="unit/mappers/test_entra.py::test_verb_in_any_case",
)
def verb_in_any_case(sent: Mapping[str, Any]) -> str:
    """`Add`, `Replace` and `Remove` are the RFC's words in the legacy dialect."""
    verb = member_in_any_case(sent, "op")
    folded = verb.casefold() if isinstance(verb, str) else ""
    if folded not in _VERBS:
        raise errors.InvalidSyntax("op must be add, replace or remove.")
    return folded


@tolerance(
    seen="https://learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-config-problem-scim-compatibility",
    test="unit/mappers/test_entra.py::test_no_empty_path",
)
def no_empty_path(sent: Mapping[str, Any]) -> str | None:
    """An empty path is no path (the flag dialect has operations without one)."""
    path = member_in_any_case(sent, "path")
    if path is not None and not isinstance(path, str):
        raise errors.InvalidPath("A path must be text, like name.givenName.")
    return path.strip() or None if path else None


@tolerance(
    seen="snipe-it #14708, kortix-ai/suna #7302",
    test="unit/mappers/test_entra.py::test_an_unknown_attribute_does_not_keep_a_leaver_active",
)
def known_path(text: str, resource: ResourceType, ignored: list[str]) -> Path | None:
    """An operation on an unknown attribute is passed over and reported; those beside it count."""
    try:
        return paths.parse(text, resource)
    except errors.UnknownAttribute as error:
        ignored.append(error.attribute)
        return None


@tolerance(
    seen="SCIM-SDK #26, https://learn.microsoft.com/answers/questions/1435791",
    test="unit/mappers/test_entra.py::test_keys_as_paths",
)
def keys_as_paths(
    verb: str, value: Any, resource: ResourceType, ignored: list[str]
) -> Iterator[Operation]:
    """Without a path every key is one: `name.givenName`, `urn:…:User:department` (SCIM-SDK #26).

    https://learn.microsoft.com/answers/questions/1435791
    """
    if verb == "remove":
        raise errors.NoTarget("A remove needs a path that names what to remove.")
    if not isinstance(value, dict):
        raise errors.InvalidValue(
            f"A {verb} without a path needs a value that is an object of attributes."
        )
    for name, part in value.items():
        yield from map(active_is_said, expansion.by_name(verb, name, part, resource, ignored))


@tolerance(
    seen="azure-docs #30826, SCIM-SDK #149",
    test="unit/mappers/test_entra.py::test_only_the_named_values",
)
def only_the_named_values(path: Path, value: Any, ignored: list[str]) -> Iterator[Operation]:
    """Remove with a value removes that value only, never the whole list (azure-docs #30826).

    A value that names nothing (`[]`, `{"value": ""}`) removes nothing.
    """
    attribute = path.attribute
    if attribute is None or (path.where is not None and path.sub is None):
        yield Operation("remove", path)
        return
    plural = attribute.multi and path.sub is None
    if value is None or value is _UNSAID or (value == "" and not plural):
        yield Operation("remove", path)
        return
    sent = _with_objects(value) if plural else value
    named = values.tidy(path.sub or attribute, sent, ignored)
    if named is not None:
        yield Operation("remove", path, named)


def _with_objects(value: Any) -> list[Any]:
    """A bare text names an element by its value, whatever its type."""
    listed = value if isinstance(value, list) else [value]
    return [{"value": one} if isinstance(one, str) else one for one in listed]


def active_is_said(operation: Operation) -> Operation:
    """An empty value unsets any attribute, but for `active` it would let a leaver back in.

    Entra's default mapping says "True" or "False"; a wrong expression comes out empty
    (cloudflare-docs #30543).
    """
    attribute = operation.path.attribute
    if operation.value is None and attribute is not None and attribute.name == "active":
        raise errors.InvalidValue(
            "active must be true or false, but it was empty. Map Switch([IsSoftDeleted], , "
            '"False", "True", "True", "False") to active.'
        )
    return operation
