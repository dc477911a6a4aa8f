"""How Entra says that members join and leave a group, in both PATCH dialects. No I/O.

The old dialect lists elements with a null `$ref`, for removal as well; the other one removes by a
filter, one operation for each member.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from gateway.cli.simulation.dialect import PATCH_OP, Dialect, Operation

PATCH_MAX: Final = 100
"""Most members that one PATCH names; Entra publishes no number."""


def batches(
    joining: Iterable[str], leaving: Iterable[str], *, size: int = PATCH_MAX
) -> list[tuple[list[str], list[str]]]:
    """Who joins and who leaves, in requests of at most `size` members together."""
    moves = [*((one, True) for one in joining), *((one, False) for one in leaving)]
    parts = (moves[start : start + size] for start in range(0, len(moves), size))
    return [
        ([one for one, joins in part if joins], [one for one, joins in part if not joins])
        for part in parts
    ]


def patch(joining: Sequence[str], leaving: Sequence[str], dialect: Dialect) -> dict[str, Any]:
    """The PATCH body (BOTH is settled by `dialect.choose` first); the ids are SCIM ids."""
    write = _flag if dialect is Dialect.FLAG else _legacy
    return {"schemas": [PATCH_OP], "Operations": write(joining, leaving)}


def _legacy(joining: Sequence[str], leaving: Sequence[str]) -> list[Operation]:
    return [
        {"op": op, "path": "members", "value": [{"$ref": None, "value": one} for one in ids]}
        for op, ids in (("Add", joining), ("Remove", leaving))
        if ids
    ]


def _flag(joining: Sequence[str], leaving: Sequence[str]) -> list[Operation]:
    value = [{"value": one} for one in joining]
    added: list[Operation] = [{"op": "add", "path": "members", "value": value}] if value else []
    return [
        *added,
        *({"op": "remove", "path": f'members[value eq "{one}"]'} for one in leaving),
    ]
