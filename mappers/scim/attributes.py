"""What a schema is made of: attributes, schemas, resource types. No I/O here.

Names are found without regard to case (RFC 7643 2.1). All three compare by identity, which makes
them cheap keys of a cache.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from mappers.tolerance import tolerance

T = TypeVar("T")

Plain = type[str] | type[bool] | None
"""The Python type of a value that is no object and no list."""


class Type(StrEnum):
    """The data types of RFC 7643 2.3 in use here; OPEN is anything, kept as it was sent."""

    STRING = "string"
    BOOLEAN = "boolean"
    DATE_TIME = "dateTime"
    REFERENCE = "reference"
    BINARY = "binary"
    COMPLEX = "complex"
    OPEN = "open"


class Names(dict[str, T | None]):
    """What has a name, by that name in any case: `names[name]` is None when nothing has it.

    A name spelt as in the schema costs one look-up in C.
    """

    def name(self, name: str, what: T) -> None:
        """Let `what` be found; a name that is taken keeps its meaning."""
        self.setdefault(name, what)
        self.setdefault(name.casefold(), what)

    def __missing__(self, name: str) -> T | None:
        return self.get(name.casefold())


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """One attribute, its characteristics named as in RFC 7643 7.

    `label` is the name to print, for example `emails.value`. What is not `advertised` in /Schemas
    is still accepted, kept and returned. `find` gives the sub-attribute of a name in any case.
    `plain` is the Python type of its value, None when that is an object or a list.
    """

    name: str
    type: Type = Type.STRING
    description: str = ""
    multi: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: str = "readWrite"
    returned: str = "default"
    uniqueness: str = "none"
    canonical_values: tuple[str, ...] = ()
    reference_types: tuple[str, ...] = ()
    advertised: bool = True
    sub: tuple["Attribute", ...] = ()
    label: str = field(default="", repr=False)
    plain: Plain = field(init=False, repr=False)
    find: Callable[[str], "Attribute | None"] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", self.label or self.name)
        object.__setattr__(self, "plain", None if self.multi else _PLAIN.get(self.type, str))
        subs = Names[Attribute]()
        for sub in self.sub:
            object.__setattr__(sub, "label", f"{self.name}.{sub.name}")
            subs.name(sub.name, sub)
        object.__setattr__(self, "find", subs.__getitem__)

    @property
    def read_only(self) -> bool:
        """Whether only the server sets it."""
        return self.mutability == "readOnly"


_PLAIN: Mapping[Type, Plain] = {Type.BOOLEAN: bool, Type.COMPLEX: None}
"""The Python type of a value of these types; that of all others is str."""


def open_attribute(name: str) -> Attribute:
    """An attribute of an extension that no schema describes: kept and compared as it is."""
    return Attribute(name, Type.OPEN)


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """A schema by its URN. `aliases` are misspellings of the URN seen on the wire.

    `find` gives the attribute of a name in any case.
    """

    id: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]
    aliases: tuple[str, ...] = ()
    find: Callable[[str], Attribute | None] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names = Names[Attribute]()
        for attribute in self.attributes:
            names.name(attribute.name, attribute)
        object.__setattr__(self, "find", names.__getitem__)

    @property
    def spellings(self) -> tuple[str, ...]:
        """The URN and its known misspellings, case-folded."""
        return tuple(urn.casefold() for urn in (self.id, *self.aliases))


@dataclass(frozen=True, slots=True, eq=False)
class ResourceType:
    """A kind of resource: its core schema, its extensions, and where it is served.

    `required` are the attributes that a resource cannot be without. `find` gives the attribute of
    a bare name with the URN of its extension (None: not in one); a bare name of an extension's
    attribute (`department`) finds it there.
    """

    name: str
    endpoint: str
    description: str
    schema: Schema
    extensions: tuple[Schema, ...] = ()
    common: tuple[Attribute, ...] = ()
    required: tuple[Attribute, ...] = field(init=False, repr=False)
    find: Callable[[str], tuple[str | None, Attribute] | None] = field(init=False, repr=False)
    _urns: dict[str, Schema] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        names = Names[tuple[str | None, Attribute]]()
        for urn, attribute in self._everything():
            names.name(attribute.name, (urn, attribute))
        object.__setattr__(self, "find", names.__getitem__)
        for schema in (self.schema, *self.extensions):
            self._urns.update(dict.fromkeys((schema.id, *schema.spellings), schema))
        required = (attribute for attribute in self.schema.attributes if attribute.required)
        object.__setattr__(self, "required", tuple(required))

    @tolerance(
        seen="older revisions of Microsoft's SCIM tutorial",
        test="unit/mappers/scim/test_attributes.py::test_a_schema_is_found_in_any_case_and_when_misspelt",
    )
    def find_schema(self, urn: str) -> Schema | None:
        """A URN finds its schema, core or extension, in any case and in a known misspelling."""
        return self._urns.get(urn) or self._urns.get(urn.casefold())

    @property
    def urns(self) -> Mapping[str, Schema]:
        """Every known spelling of every known URN; the folded ones are among them."""
        return self._urns

    @tolerance(
        seen="Microsoft's Postman collection",
        test="unit/mappers/scim/test_attributes.py::test_a_name_is_found_in_any_case_and_in_extensions",
    )
    def _everything(self) -> Iterator[tuple[str | None, Attribute]]:
        """An attribute of an extension is found by its bare name too, like `department`."""
        for attribute in (*self.common, *self.schema.attributes):
            yield None, attribute
        for schema in self.extensions:
            for attribute in schema.attributes:
                yield schema.id, attribute
