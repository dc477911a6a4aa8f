"""One PATCH operation over a bound path (RFC 7644 3.5.2). No I/O here."""

from dataclasses import dataclass
from typing import Any

from mappers.scim.expressions import Path


@dataclass(frozen=True, slots=True)
class Operation:
    """`op` is add, replace or remove; `value` has the shape of the path's target (`values.tidy`).

    A None value of add and replace unsets the target. A value of remove names what alone is to be
    removed; None removes all that the path selects.
    """

    op: str
    path: Path
    value: Any = None

    @property
    def removes(self) -> bool:
        """Whether the operation takes something away."""
        return self.op == "remove" or self.value is None
