"""Which endpoint a path means. No I/O here.

A Tenant URL is typed by hand and every client joins paths its own way, so doubled and trailing
slashes are dropped and endpoint names compare without case (`/users/`, SCIMReferenceCode #43).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mappers.tolerance import tolerance

BASE: Final = ("scim", "v2")

ITEM: Final = "{id}"


@dataclass(frozen=True, slots=True)
class Target:
    """A path below a tenant: `endpoint` is the key of the endpoint table, `item` the id in it."""

    tenant: str
    endpoint: str
    item: str = ""


@tolerance(
    seen="SCIMReferenceCode #43",
    test="entra/test_manners.py::test_routes_have_no_case_and_slashes_do_not_count",
)
def locate(path: str) -> Target | None:
    """Slashes too many are dropped and endpoints have no case: `//users/` is `/Users`.

    Gives None for a decoded path that does not begin with the base and a tenant.

    `/scim/v2/acme/Users/42` gives `users/{id}` and `42`; `/scim/v2/acme/Users/.search` gives
    `users/.search`. An endpoint that does not exist gives a target all the same.
    """
    segments = [segment for segment in path.split("/") if segment]
    base = tuple(segment.lower() for segment in segments[: len(BASE)])
    if base != BASE or len(segments) <= len(BASE):
        return None
    tenant, *rest = segments[len(BASE) :]
    return Target(tenant, *_endpoint(rest))


def below(path: str) -> tuple[str, str]:
    """The endpoint's key and the id of a path below the Tenant URL: `/Users/42`."""
    return _endpoint([segment for segment in path.split("/") if segment])


def _endpoint(segments: Sequence[str]) -> tuple[str, str]:
    if len(segments) == 2 and segments[1].lower() != ".search":
        return f"{segments[0].lower()}/{ITEM}", segments[1]
    return "/".join(segments).lower(), ""
