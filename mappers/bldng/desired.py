"""What BLDNG should hold of one person or group. No I/O here."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from mappers.bldng import vocabulary

Value = str | bool | None
"""A value of a BLDNG field."""

DEPARTMENT = "department"
"""Stands in `Desired.fields` for `departmentId`: the department's name, until it is resolved."""


class Kind(StrEnum):
    """What the record is; the values are the prefixes of resource keys."""

    USER = "u"
    GROUP = "g"


@dataclass(frozen=True, slots=True)
class Desired:
    """The fields of the mapping profile with the values BLDNG should hold.

    None is a mapped field without a value; a field that is not mapped is not a key.
    A user's department stands as a name under the key `department`.
    """

    fields: Mapping[str, Value]
    kind: Kind = Kind.USER

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The writable fields of this kind of record; bit i of a mask is field i."""
        return vocabulary.FIELDS if self.kind is Kind.USER else vocabulary.GROUP_FIELDS

    @property
    def subject(self) -> str | None:
        """The value that says whose record it is: `ssoSubject`, or a group's `externalId`."""
        return _text(self.fields.get("ssoSubject" if self.kind is Kind.USER else "externalId"))

    @property
    def login(self) -> str:
        """The value people know it by: `username`, or a group's `name`."""
        return _text(self.fields.get("username" if self.kind is Kind.USER else "name")) or ""

    @property
    def digest(self) -> str:
        """16 hex digits over the values; None counts as absent, equal digests as equal values."""
        held = {name: value for name, value in self.fields.items() if value is not None}
        text = json.dumps(held, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _text(value: Value) -> str | None:
    return value if isinstance(value, str) and value else None
