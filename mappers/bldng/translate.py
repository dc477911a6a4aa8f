"""Stored SCIM documents into what BLDNG should hold. No I/O here."""

from collections.abc import Iterable, Mapping
from typing import Any

from mappers import entra, profile
from mappers.bldng.desired import Desired, Kind, Value
from mappers.scim import path


class Unmappable(Exception):
    """A value cannot become its BLDNG field. The message names the row and the cure, no value."""

    def __init__(self, rule: profile.Rule, cure: str) -> None:
        super().__init__(f"{rule.row.scim} cannot become {rule.row.bldng}: {cure}")
        self.field = rule.row.bldng


def to_user(doc: Mapping[str, Any], mapping: profile.Profile) -> Desired:
    """The BLDNG user of a stored SCIM user. Raises Unmappable.

    Every mapped field is a key; None means that the person has no value for it. `active` is true
    unless it says otherwise, and a soft-deleted person keeps the login they had.
    """
    readable = {**doc, "userName": entra.login_name(doc)} if doc.get("userName") else doc
    fields = _fields(readable, mapping.users)
    return Desired({**fields, "active": fields["active"] is not False})


def to_group(doc: Mapping[str, Any], mapping: profile.Profile) -> Desired:
    """The BLDNG group of a stored SCIM group, without its members. Raises Unmappable."""
    return Desired(_fields(doc, mapping.groups), Kind.GROUP)


def _fields(doc: Mapping[str, Any], rules: Iterable[profile.Rule]) -> dict[str, Value]:
    fields = {rule.row.bldng: _value(doc, rule) for rule in rules}
    for rule in rules:
        if rule.row.bldng in {"username", "name"} and not fields[rule.row.bldng]:
            raise Unmappable(rule, "BLDNG needs a value; map an attribute that everybody has")
    return fields


def _value(doc: Mapping[str, Any], rule: profile.Rule) -> Value:
    found = path.first(rule.path, doc)
    if rule.row.bldng == "active":
        return _flag(found, rule)
    return rule.transformed(_text(found, rule))


def _flag(found: Any, rule: profile.Rule) -> bool | None:
    if found is None or isinstance(found, bool):
        return found
    if isinstance(found, str) and found.casefold() in {"true", "false"}:
        return found.casefold() == "true"
    raise Unmappable(rule, "send true or false")


def _text(found: Any, rule: profile.Rule) -> str | None:
    if found is None or isinstance(found, str):
        return found
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, int | float):
        return str(found)
    raise Unmappable(rule, "it has several parts; map one of them")
