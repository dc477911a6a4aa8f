"""The attribute mapping: a person of the directory as a flat map of SCIM paths, and back. No I/O.

Entra knows a resource only as the paths of its attribute mapping, such as `name.givenName` or
`emails[type eq "work"].value`. Everything it sends is derived from two such maps: the one last
acknowledged and the one wanted.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from gateway.cli.simulation.people import Person, Standing

USER: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
MANAGER: Final = f"{ENTERPRISE}:manager"
NOT_MAPPED: Final = frozenset({"schemas", "id", "meta"})

Flat = Mapping[str, str | bool]
"""SCIM path -> value. A path that is absent is an attribute that is not assigned."""

_TYPED = re.compile(r'^(?P<attribute>\w+)\[type eq "(?P<type>\w+)"\]\.(?P<sub>\w+)$')


def mapped(person: Person, *, manager_id: str = "") -> Flat:
    """What the directory wants the target to hold; `manager_id` is the manager's SCIM id."""
    flat: dict[str, str | bool] = {
        "userName": login(person),
        "active": person.standing is Standing.ACTIVE,
        "externalId": person.object_id,
        "displayName": f"{person.given} {person.family}",
        "title": person.title,
        "preferredLanguage": person.language,
        "name.givenName": person.given,
        "name.familyName": person.family,
        "name.formatted": f"{person.given} {person.family}",
        'emails[type eq "work"].value': person.upn,
        'emails[type eq "work"].primary': True,
        'phoneNumbers[type eq "work"].value': person.phone,
        'phoneNumbers[type eq "mobile"].value': person.mobile,
        'addresses[type eq "work"].streetAddress': person.street,
        'addresses[type eq "work"].locality': person.city,
        f"{ENTERPRISE}:employeeNumber": person.employee_number,
        f"{ENTERPRISE}:department": person.department,
        MANAGER: manager_id,
    }
    return {path: value for path, value in flat.items() if value != ""}


def login(person: Person) -> str:
    """A deleted person's name carries the object id in front until the recycle bin is emptied."""
    gone = person.standing in {Standing.SOFT_DELETED, Standing.HARD_DELETED}
    return person.object_id.replace("-", "") + person.upn if gone else person.upn


def nested(flat: Flat) -> dict[str, Any]:
    """The JSON body of a flat map; the manager becomes `{"value": id}` as RFC 7643 section 4.3."""
    body: dict[str, Any] = {}
    for path, value in flat.items():
        if typed := _TYPED.match(path):
            _element(body.setdefault(typed["attribute"], []), typed["type"])[typed["sub"]] = value
        elif path.startswith(f"{ENTERPRISE}:"):
            name = path.rpartition(":")[2]
            extension = body.setdefault(ENTERPRISE, {})
            extension[name] = {"value": value} if path == MANAGER else value
        else:
            parent, _, name = path.rpartition(".")
            (body.setdefault(parent, {}) if parent else body)[name] = value
    return body


def flattened(resource: Mapping[str, Any]) -> Flat:
    """The flat map of a resource that a server returned; what no path can name keeps its key."""
    return dict(_paths(resource))


def different(wanted: Flat, found: Flat, *, exactly: bool) -> tuple[str, ...]:
    """The paths on which the target differs; paths it has in excess only count when `exactly`."""
    paths = wanted.keys() | found.keys() if exactly else wanted.keys()
    return tuple(sorted(path for path in paths if wanted.get(path) != found.get(path)))


def _element(elements: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The element of that type, made when there is none."""
    for element in elements:
        if element["type"] == kind:
            return element
    elements.append({"type": kind})
    return elements[-1]


def _paths(resource: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in resource.items():
        match value:
            case _ if name in NOT_MAPPED:
                continue
            case dict():
                separator = ":" if name.startswith("urn:") else "."
                yield from _complex(f"{name}{separator}", value)
            case [dict(), *_]:
                for element in value:
                    yield from _typed(name, element)
            case _:
                yield name, value


def _complex(prefix: str, value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, member in value.items():
        reference = prefix + name == MANAGER and isinstance(member, dict)
        yield prefix + name, member.get("value") if reference else member


def _typed(name: str, element: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    kind = element.get("type", "")
    for sub, member in element.items():
        if sub != "type":
            yield f'{name}[type eq "{kind}"].{sub}', member
