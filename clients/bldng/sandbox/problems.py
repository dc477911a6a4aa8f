"""Why the sandbox refuses a request (RFC 9457 problem details). No I/O here."""

from collections.abc import Sequence
from typing import Any


class Refusal(Exception):
    """One refused request; `body()` is its problem document."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        fields: Sequence[tuple[str, str, str]] = (),
        conflict: tuple[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.detail = detail
        self.fields = fields
        self.conflict = conflict

    def body(self) -> dict[str, Any]:
        """The problem document; a conflict names the record that holds the value."""
        problem: dict[str, Any] = {
            "type": "about:blank",
            "title": self.code.replace("_", " "),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "errors": [
                {"field": field, "code": code, "message": message}
                for field, code, message in self.fields
            ],
        }
        if self.conflict:
            problem["conflict"] = {"field": self.conflict[0], "id": self.conflict[1]}
        return problem


def not_found(what: str) -> Refusal:
    """404 for a record, an organisation or a path."""
    return Refusal(404, "not_found", f"There is no such {what}.")


def invalid(*fields: tuple[str, str, str]) -> Refusal:
    """422 for a body or a query; each field with a code and a message."""
    return Refusal(422, "validation", "The request is not valid.", fields=fields)


def exists(kind: str, *, field: str, holder: str) -> Refusal:
    """409: the record `holder` has that value of `field` already."""
    detail = f"Another {kind} has this {field}."
    return Refusal(409, f"{kind}_exists", detail, conflict=(field, holder))
