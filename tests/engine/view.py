"""A dump seen as one tenant. No I/O here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.engine.harness import Dump

ROOT = "sg:{p0}:"


@dataclass
class View:
    """A tenant's part of a dump."""

    name: str
    dump: Dump
    states: dict[str, Mapping[str, str]] = field(default_factory=dict)
    docs: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        root = f"{ROOT}{self.name}:"
        for key, value in self.dump.items():
            if key.startswith(root + "s:"):
                self.states[key.removeprefix(root + "s:")] = value  # type: ignore[assignment]
            elif key.startswith(root + "d:"):
                self.docs[key.removeprefix(root + "d:")] = orjson.loads(str(value))

    def table(self, name: str) -> dict[str, float]:
        return self.dump.get(f"{ROOT}{self.name}:{name}", {})  # type: ignore[return-value]

    def texts(self, name: str) -> dict[str, str]:
        return self.dump.get(f"{ROOT}{self.name}:{name}", {})  # type: ignore[return-value]

    def of_partition(self, name: str) -> Mapping[str, Any]:
        return self.dump.get(ROOT + name, {})  # type: ignore[return-value]

    @property
    def leases(self) -> set[str]:
        prefix = self.name + "/"
        mine = (each for each in self.of_partition("l") if each.startswith(prefix))
        return {each.removeprefix(prefix) for each in mine}

    def placed(self, *letters: str) -> set[str]:
        return {rk for rk, state in self.states.items() if state["st"] in letters}
