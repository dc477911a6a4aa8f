"""Users and changes of users, as an identity provider could send them."""

from collections.abc import Callable
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st

from mappers.scim.errors import ScimError
from mappers.scim.schemas import ENTERPRISE_USER

LAW = settings(deadline=None, max_examples=100)
"""Enough examples to meet the corner cases, few enough for every run of the tests."""

Doc = dict[str, Any]
T = TypeVar("T")


def outcome(call: Callable[[], T]) -> T | ScimError:
    """What a call gives, or the SCIM error that it ends in; any other exception is a fault."""
    try:
        return call()
    except ScimError as error:
        return error


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1).filter(
    lambda text: bool(text.strip())
)
flags = st.booleans()

SIMPLE = ("displayName", "title", "nickName", "externalId", "locale", "preferredLanguage")
NAME = ("name.givenName", "name.familyName", "name.formatted")
ENTERPRISE = tuple(
    f"{ENTERPRISE_USER}:{name}" for name in ("department", "costCenter", "employeeNumber")
)
WORK = ('emails[type eq "work"].value', 'phoneNumbers[type eq "mobile"].value')
TEXT_PATHS = (*SIMPLE, *NAME, *ENTERPRISE, *WORK, 'addresses[type eq "work"].locality')


def element(*types: str) -> st.SearchStrategy[Doc]:
    """An element of a multi-valued attribute."""
    return st.fixed_dictionaries(
        {"value": words}, optional={"type": st.sampled_from(types), "display": words}
    )


def elements(*types: str) -> st.SearchStrategy[list[Doc]]:
    """A list of different elements, at most one of them primary."""
    unique = st.lists(element(*types), min_size=1, max_size=4, unique_by=lambda one: one["value"])
    return st.tuples(unique, st.none() | st.integers(0, 3)).map(_with_primary)


def _with_primary(drawn: tuple[list[Doc], int | None]) -> list[Doc]:
    found, at = drawn
    if at is None:
        return found
    return [
        {**one, "primary": True} if index == at % len(found) else one
        for index, one in enumerate(found)
    ]


names = st.dictionaries(
    st.sampled_from(["givenName", "familyName", "formatted", "middleName"]), words, min_size=1
)

enterprise = st.fixed_dictionaries(
    {"department": words},
    optional={"employeeNumber": words, "manager": st.fixed_dictionaries({"value": words})},
)

users = st.fixed_dictionaries(
    {"userName": words},
    optional={
        **dict.fromkeys(SIMPLE, words),
        "active": flags,
        "name": names,
        "emails": elements("work", "home", "other"),
        "phoneNumbers": elements("work", "mobile", "fax"),
        "roles": elements("a", "b"),
        ENTERPRISE_USER: enterprise,
    },
)
"""Bodies of POST in canonical form."""

json_values = st.recursive(
    st.none() | flags | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
"""Anything at all that JSON can say."""
