"""Which values of a document are indexed, and which comparisons an index answers. No I/O here.

    users   id, un userName, xid externalId, en employeeNumber, em the first work e-mail
    groups  id, gdn displayName, gxid externalId

un, gdn, em and en are case-folded, because those attributes are compared without case; externalId
and id are exact (RFC 7643 3.1). un, xid, gdn and gxid are unique in a tenant. A person's second
work e-mail is not indexed: identity providers send one value per type.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mappers.scim import path as paths
from mappers.scim.attributes import ResourceType
from mappers.scim.expressions import Compare, Filter, Path
from mappers.scim.schemas import GROUP, USER


@dataclass(frozen=True, slots=True)
class Index:
    """An index by its name and the path of the value it holds."""

    name: str
    path: Path

    def fold(self, value: str) -> str:
        """The value as it is indexed."""
        target = self.path.target
        return value if target is None or target.case_exact else value.casefold()


def _indexes(resource: ResourceType, **by_name: str) -> tuple[Index, ...]:
    return tuple(Index(name, paths.parse(text, resource)) for name, text in by_name.items())


_BY_RESOURCE: Mapping[ResourceType, tuple[Index, ...]] = {
    USER: _indexes(
        USER,
        un="userName",
        xid="externalId",
        en="employeeNumber",
        em='emails[type eq "work"].value',
    ),
    GROUP: _indexes(GROUP, gdn="displayName", gxid="externalId"),
}

ALL = (*_indexes(USER, id="id"), *(index for held in _BY_RESOURCE.values() for index in held))
"""Every index, the most selective first; no two resource types share one but `id`."""


def values(doc: Mapping[str, Any], resource: ResourceType) -> dict[str, str]:
    """Index name -> value as indexed, for every index but `id` that has one."""
    found = {}
    for index in _BY_RESOURCE[resource]:
        value = paths.first(index.path, doc)
        if isinstance(value, str) and value:
            found[index.name] = index.fold(value)
    return found


def answers(index: Index, comparison: Compare) -> bool:
    """Whether everything that satisfies the comparison is found in the index."""
    asked, held = comparison.path, index.path
    return (
        comparison.op == "eq"
        and asked.attribute is held.attribute
        and asked.sub is held.sub
        and _same_selection(asked.where, held.where)
    )


def _same_selection(asked: Filter | None, held: Filter | None) -> bool:
    """Whether both brackets select the same elements, the value's case aside."""
    if not isinstance(asked, Compare) or not isinstance(held, Compare):
        return asked is held
    return (
        asked.op == "eq"
        and asked.path == held.path
        and str(asked.value).casefold() == str(held.value).casefold()
    )
