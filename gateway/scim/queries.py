"""What a client asks to see: from query parameters, or from the body of a search request."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.scim.call import Asked
from mappers.scim import documents, errors, listing, projection
from mappers.tolerance import tolerance

MAX_MEMBERS: Final = 1000
"""Most members in one window."""

_BRACKET: Final = re.compile(r"\[[^\]]*\]?")


@dataclass(frozen=True, slots=True)
class View:
    """Which attributes of a resource to show; None for either means no restriction."""

    attributes: projection.Names = None
    excluded: projection.Names = None

    def of(self, rendered: dict[str, Any]) -> dict[str, Any]:
        """The part of a rendered resource to show."""
        return projection.project(rendered, attributes=self.attributes, excluded=self.excluded)

    def shows(self, name: str) -> bool:
        """Whether an attribute that is returned by default is shown, or a part of it."""
        if self.attributes:
            return self.asks_for(name) and name not in _listed(self.excluded)
        return name not in _listed(self.excluded)

    def asks_for(self, name: str) -> bool:
        """Whether an attribute, or a part of it, is asked for by name."""
        return name in {listed.partition(".")[0] for listed in _listed(self.attributes)}


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a group's members: `count` of them, `after` what the part before it said."""

    count: int
    after: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """A list to give. `filter` is empty when all resources are wanted."""

    view: View
    paging: listing.Paging
    filter: str = ""


def view(request: Asked) -> View:
    """The view that the query parameters ask for."""
    if not request.query_string:
        return View()
    return _view(_folded(request.query))


def require_exclusive(given: Mapping[str, Any]) -> None:
    """Raise InvalidValue when both ways to choose attributes are used (RFC 7644, 3.9).

    For strict requests; else what is asked for is shown without what is excluded.
    """
    if {"attributes", "excludedattributes"} <= _folded(given).keys():
        raise errors.InvalidValue("Send attributes or excludedAttributes, not both.")


def window(request: Asked) -> Window | None:
    """The part of the members that `membersCount` and `membersAfter` ask for, None for all.

    A parameter of ours for operators: `GET /Groups/{id}?membersCount=100` gives about 100 members
    and, in the header Members-After, what to send as `membersAfter` for the next ones.

    Raises InvalidValue.
    """
    if not request.query_string:
        return None
    given = _folded(request.query)
    count, after = given.get("memberscount"), given.get("membersafter") or ""
    if count is None and not after:
        return None
    return Window(_members_count(count or MAX_MEMBERS), after)


def _members_count(text: str | int) -> int:
    """Too small is 1, too large is cut, as for `count`."""
    try:
        return min(max(int(text), 1), MAX_MEMBERS)
    except ValueError:
        raise errors.InvalidValue("membersCount must be a whole number.") from None


@tolerance(
    seen="https://learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-config-problem-scim-compatibility",
    test="entra/test_edge.py::test_paths_as_people_and_clients_write_them",
)
def of_parameters(request: Asked) -> Query:
    """Unknown query parameters mean nothing: Entra's flags follow the Tenant URL.

    Raises InvalidValue for page parameters that are no numbers.
    """
    return _query(_folded(request.query))


def of_search(body: bytes) -> Query:
    """The list that a SearchRequest asks for (RFC 7644, 3.4.3).

    Raises InvalidSyntax, and InvalidValue for members of the wrong type.
    """
    return _query(_folded(documents.read_object(body)))


def _folded(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in given.items()}


def _query(given: Mapping[str, Any]) -> Query:
    paging = listing.paging(given.get("startindex"), given.get("count"))
    text = given.get("filter") or ""
    if not isinstance(text, str):
        raise errors.InvalidValue("filter must be text.")
    return Query(_view(given), paging, text.strip())


def _view(given: Mapping[str, Any]) -> View:
    return View(_names(given, "attributes"), _names(given, "excludedattributes"))


def _names(given: Mapping[str, Any], name: str) -> projection.Names:
    value = given.get(name)
    if value is None or isinstance(value, str | list):
        return value
    raise errors.InvalidValue(f"{name} must be a list of attribute names.")


def _listed(names: projection.Names) -> frozenset[str]:
    """Attribute names as they compare: without case, URN and filter."""
    if not names:
        return frozenset()
    text = names if isinstance(names, str) else ",".join(str(name) for name in names)
    plain = _BRACKET.sub("", text).replace(" ", "").casefold()
    return frozenset(name.rpartition(":")[2] for name in plain.split(","))
