"""The shape of values: whatever a client sent for an attribute, as the schema has it. No I/O here.

`tidy` is tolerant of every shape seen from Entra and strict in what it gives back: booleans are
booleans, lists are lists, a manager is an object. Texts are kept as they were sent. Nothing is
empty: null, "", [] and objects of only such mean that the attribute is not set, which is None.
`tidy(tidy(x)) == tidy(x)`.
"""

from typing import Any

from mappers.scim import errors
from mappers.scim.attributes import Attribute, Type
from mappers.tolerance import tolerance

_LABELS_ONLY = frozenset({"type", "primary"})


@tolerance(
    seen="Logic App validation, SCIM_Null_Update",
    test="unit/mappers/test_entra.py::test_an_empty_value_unsets_the_attribute",
)
def is_empty(value: Any) -> bool:
    """An empty value (`""`, null, `[]`, `{}`) says that the attribute is not set."""
    return value is None or value in ("", [], {})


def tidy(attribute: Attribute, value: Any, ignored: list[str]) -> Any:
    """The value in the attribute's shape, or None for an empty one.

    Names of unknown sub-attributes are added to `ignored`. Raises InvalidValue.
    """
    if type(value) is attribute.plain:  # in shape already: the usual case
        return None if value == "" else value
    if attribute.multi:
        return _many(attribute, value, ignored)
    return tidy_element(attribute, value, ignored)


def tidy_element(attribute: Attribute, value: Any, ignored: list[str]) -> Any:
    """One element of a multi-valued attribute in shape, or None."""
    if attribute.type is Type.OPEN:
        return None if is_empty(value) else value
    return _one(attribute, value, ignored)


def is_husk(element: Any) -> bool:
    """Whether an element of a multi-valued attribute has lost its value and keeps only labels."""
    return isinstance(element, dict) and element.keys() <= _LABELS_ONLY


@tolerance(
    seen="simstudioai/sim #7567",
    test="unit/mappers/scim/test_values.py::test_the_last_primary_of_a_list_is_the_one",
)
def one_primary(elements: list[Any], *, winner: int | None = None) -> list[Any]:
    """At most one element is primary: `winner`, else the last that says so (RFC 7643 2.4)."""
    if len(elements) < 2:
        return elements
    primary = [
        at
        for at, element in enumerate(elements)
        if isinstance(element, dict) and element.get("primary") is True
    ]
    if len(primary) < 2:
        return elements
    keep = winner if winner in primary else primary[-1]
    return [
        {**element, "primary": False} if at in primary and at != keep else element
        for at, element in enumerate(elements)
    ]


def _many(attribute: Attribute, value: Any, ignored: list[str]) -> list[Any] | None:
    tidied = [_one(attribute, element, ignored) for element in as_list(value)]
    kept = [element for element in tidied if element is not None and not is_husk(element)]
    return one_primary(kept) or None


@tolerance(
    seen="snipe-it #19183",
    test="unit/mappers/scim/test_values.py::test_a_value_takes_its_attributes_shape",
)
def as_list(value: Any) -> list[Any]:
    """One element for a list is a list of one."""
    return value if isinstance(value, list) else [value]


@tolerance(
    seen="SimpleIdServer #733",
    test="unit/mappers/scim/test_values.py::test_unknown_sub_attributes_are_reported",
)
def pass_over(attribute: Attribute, name: str, ignored: list[str]) -> None:
    """An unknown sub-attribute is left out and reported."""
    ignored.append(f"{attribute.name}.{name}")


def _one(attribute: Attribute, value: Any, ignored: list[str]) -> Any:
    if attribute.type is Type.COMPLEX and isinstance(value, dict):
        return _object(attribute, value, ignored)
    value = only_element(attribute, value)
    if is_empty(value):
        return None
    if attribute.type is Type.COMPLEX:
        return _object(attribute, _as_object(attribute, value), ignored)
    shape = boolean if attribute.type is Type.BOOLEAN else text
    return shape(attribute, bare_value(value))


@tolerance(
    seen="AzureAD-BYOA samples #22",
    test="unit/mappers/test_entra.py::test_a_manager_in_every_shape",
)
def only_element(attribute: Attribute, value: Any) -> Any:
    """A list of one for a single value is that value: `manager: [{"value": "x"}]`.

    Printed in Microsoft's SCIM tutorial, and seen in AzureAD-BYOA samples #22.
    """
    if not isinstance(value, list):
        return value
    if len(value) > 1:
        raise errors.InvalidValue(
            f"{attribute.label} takes one value, but a list of {len(value)} was sent. Send one."
        )
    return value[0] if value else None


@tolerance(
    seen="azure-docs #42220",
    test="unit/mappers/test_entra.py::test_a_leaver_is_disabled_in_every_spelling",
)
def bare_value(value: Any) -> Any:
    """`{"$ref": null, "value": "x"}` for a scalar is "x" (azure-docs #42220)."""
    return value["value"] if isinstance(value, dict) and "value" in value else value


@tolerance(
    seen="our choice, for string mappings of other types",
    test="unit/mappers/scim/test_values.py::test_a_value_takes_its_attributes_shape",
)
def text(attribute: Attribute, value: Any) -> str | None:
    """A number or boolean for a text is its text, as Entra's string mappings have it."""
    match value:
        case str():
            return value or None
        case bool() | int() | float():
            return str(value)
        case None:
            return None
        case _:
            raise errors.InvalidValue(f"{attribute.label} must be text. Send one string.")


@tolerance(
    seen="rancher #52996, scimmy #86",
    test="unit/mappers/test_entra.py::test_a_leaver_is_disabled_in_every_spelling",
)
def boolean(attribute: Attribute, value: Any) -> bool | None:
    """True and False also as text in any case: `"False"` (rancher #52996, scimmy #86)."""
    if isinstance(value, bool) or is_empty(value):
        return value if isinstance(value, bool) else None
    folded = value.strip().casefold() if isinstance(value, str) else ""
    if folded not in {"true", "false"}:
        raise errors.InvalidValue(f"{attribute.label} must be true or false. Send one of them.")
    return folded == "true"


def _object(
    attribute: Attribute, value: dict[str, Any], ignored: list[str]
) -> dict[str, Any] | None:
    tidied: dict[str, Any] = {}
    for name, sent in value.items():
        sub = attribute.find(name)
        if sub is None:
            pass_over(attribute, name, ignored)
            continue
        found = sent if type(sent) is sub.plain else _one(sub, sent, ignored)
        if found is not None and found != "":
            tidied[sub.name] = found
    return tidied or None


def _as_object(attribute: Attribute, value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else from_text(attribute, value)


@tolerance(
    seen="SCIM-SDK #541, SCIMReferenceCode #20",
    test="unit/mappers/test_entra.py::test_a_manager_in_every_shape",
)
def from_text(attribute: Attribute, value: Any) -> dict[str, Any]:
    """A bare text for an object is its `value`, of type work where there is one.

    A manager arrives as the plain id (SCIM-SDK #541), an e-mail as the plain address.
    """
    if attribute.find("value") is None or not isinstance(value, str):
        example = ", ".join(sub.name for sub in attribute.sub[:3])
        raise errors.InvalidValue(f"{attribute.label} must be an object with {example}, …")
    kind = attribute.find("type")
    works = kind is not None and "work" in kind.canonical_values
    return {"value": value, "type": "work"} if works else {"value": value}
