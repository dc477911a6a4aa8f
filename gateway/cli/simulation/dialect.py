"""The two PATCH dialects in which Entra sends one and the same change. No I/O.

Legacy is what every custom application gets: capitalised operations, one per attribute, booleans
as text. `aadOptscim062020` in the Tenant URL asks for the other one: lower-case operations, plain
attributes together in one operation without a path, real booleans. On-demand provisioning ignores
the flag, so one tenant sends both. Source: Microsoft Learn, "Known issues and resolutions with
SCIM 2.0 protocol compliance".
"""

from enum import StrEnum
from typing import Any, Final

from gateway.cli.simulation import mapping
from gateway.cli.simulation.mapping import Flat

PATCH_OP: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

Operation = dict[str, Any]


class Dialect(StrEnum):
    """Which form a change takes; BOTH takes turns."""

    BOTH = "both"
    LEGACY = "legacy"
    FLAG = "flag"


def patch(before: Flat, after: Flat, dialect: Dialect) -> dict[str, Any]:
    """The PATCH body that turns `before` into `after` (BOTH is settled by `choose` first)."""
    write = flag if dialect is Dialect.FLAG else legacy
    return {"schemas": [PATCH_OP], "Operations": write(before, after)}


def choose(dialect: Dialect, turn: int) -> Dialect:
    """One of the two forms for one request: BOTH takes turns."""
    if dialect is not Dialect.BOTH:
        return dialect
    return Dialect.FLAG if turn % 2 else Dialect.LEGACY


def legacy(before: Flat, after: Flat) -> list[Operation]:
    """One operation per attribute: Add when nothing was there, Replace, or Remove."""
    writes = [
        {
            "op": "Replace" if path in before else "Add",
            "path": _legacy_path(path),
            "value": _legacy_value(path, value),
        }
        for path, value in _changed(before, after).items()
    ]
    return [*writes, *({"op": "Remove", "path": _legacy_path(p)} for p in _gone(before, after))]


def flag(before: Flat, after: Flat) -> list[Operation]:
    """Plain attributes without a path in one operation; filtered ones, active, manager apart."""
    changed = _changed(before, after)
    together = {path: value for path, value in changed.items() if not _stands_alone(path)}
    operations: list[Operation] = []
    for op, known in (("add", False), ("replace", True)):
        if values := {p: v for p, v in together.items() if (p in before) is known}:
            operations.append({"op": op, "value": values})
    operations.extend(
        {"op": "replace" if path in before else "add", "path": path, "value": value}
        for path, value in changed.items()
        if _stands_alone(path)
    )
    return [*operations, *({"op": "remove", "path": path} for path in _gone(before, after))]


def _changed(before: Flat, after: Flat) -> Flat:
    return {path: value for path, value in after.items() if before.get(path) != value}


def _gone(before: Flat, after: Flat) -> list[str]:
    return [path for path in before if path not in after]


def _stands_alone(path: str) -> bool:
    return "[" in path or path in {"active", mapping.MANAGER}


def _legacy_path(path: str) -> str:
    """The old dialect names the manager without its schema."""
    return "manager" if path == mapping.MANAGER else path


def _legacy_value(path: str, value: str | bool) -> Any:
    """Booleans arrive as text, the manager as a list of one reference."""
    if path == mapping.MANAGER:
        return [{"$ref": None, "value": value}]
    return str(value) if isinstance(value, bool) else value
