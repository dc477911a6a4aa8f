"""Turns an HTTP answer of BLDNG into a checked record or an error. No I/O here."""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from clients.bldng import errors
from mappers.bldng.vocabulary import Problem

RecordT = TypeVar("RecordT", bound=BaseModel)
ItemT_co = TypeVar("ItemT_co", covariant=True)


class Page(Protocol[ItemT_co]):
    """What every page of the vocabulary has."""

    @property
    def items(self) -> tuple[ItemT_co, ...]:
        """The records of this page."""

    @property
    def next_cursor(self) -> str | None:
        """Where the next page begins."""


def failure(
    status: int, headers: Mapping[str, str], body: bytes, *, now_s: float
) -> errors.BldngError | None:
    """The error that a status means, or None for a 2xx. `now_s` is Unix time in seconds."""
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return errors.Redirected(status)
    if status == 429 or (status == 503 and "Retry-After" in headers):
        wait_s = retry_after_s(headers.get("Retry-After", ""), now_s=now_s)
        return errors.Throttled(status, retry_after_s=wait_s)
    return errors.Unavailable(status) if status >= 500 else _refused(status, body)


def record(body: bytes, model: type[RecordT], *, expected_id: str = "") -> RecordT:
    """Read the body of a 2xx strictly. Raises ProtocolError."""
    if not body.strip():
        raise errors.ProtocolError("no_body")
    try:
        found = model.model_validate_json(body)
    except ValidationError as error:
        invalid = error.errors(include_url=False, include_input=False)[0]["type"]
        reason = "not_json" if invalid == "json_invalid" else "wrong_body"
        raise errors.ProtocolError(reason) from None
    if expected_id and getattr(found, "id", expected_id) != expected_id:
        raise errors.ProtocolError("wrong_id")
    return found


def whole(page: Page[ItemT_co]) -> tuple[ItemT_co, ...]:
    """The items of a look-up, which must fit one page. Raises ProtocolError: not filtered."""
    if page.next_cursor is not None:
        raise errors.ProtocolError("wrong_items")
    return page.items


def retry_after_s(text: str, *, now_s: float) -> float | None:
    """Read a Retry-After value (RFC 9110 10.2.3): seconds or a date; None when unreadable.

    The old form of a date names no zone: it is GMT too.
    """
    if re.fullmatch(r"[0-9]{1,9}", text.strip()):
        return float(text)
    try:
        then = parsedate_to_datetime(text)
        then_s = (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, then_s - now_s)


def _refused(status: int, body: bytes) -> errors.Refused:
    """A 4xx keeps what its problem body says, as far as it has one."""
    try:
        problem = Problem.model_validate_json(body)
    except ValidationError:
        return errors.Refused(status)
    return errors.Refused(
        status,
        problem_code=errors.clean(problem.code),
        detail=errors.clean(problem.detail),
        fields=tuple(
            field.model_copy(
                update={
                    "field": errors.clean(field.field),
                    "code": errors.clean(field.code),
                    "message": errors.clean(field.message),
                }
            )
            for field in problem.errors[:20]
        ),
        conflict=problem.conflict,
    )
