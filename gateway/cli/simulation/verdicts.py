"""Did an answer do what the call was for? Empty is yes, else what is wrong. No I/O."""

from collections.abc import Mapping
from typing import Any

from gateway.cli.simulation.transport import Answer


def unless(answer: Answer, *statuses: int) -> str:
    """Empty when the status is one of those, else the server's own words."""
    return "" if answer.status in statuses else answer.detail


def not_created(answer: Answer) -> str:
    """A create answers 201 and the new resource with its id (RFC 7644 section 3.3)."""
    named = isinstance(answer.body.get("id"), str)
    return unless(answer, 201) or ("" if named else "answer has no id")


def not_empty_list(answer: Answer) -> str:
    """The connection test looks for a value that nobody has."""
    found = _resources(answer)
    if found is None:
        return _not_a_list(answer)
    return "the filter was ignored: it found somebody who does not exist" if found else ""


def not_one_match(answer: Answer, attribute: str, value: str) -> str:
    """A filter on a matching attribute finds one resource with that value, or none."""
    found = _resources(answer)
    if found is None:
        return _not_a_list(answer)
    if len(found) > 1:
        return f"{len(found)} resources match one {attribute} (DuplicateTargetEntries)"
    if found and str(found[0].get(attribute, "")).casefold() != value.casefold():
        return "the filter found somebody else"
    return ""


def _resources(answer: Answer) -> list[Mapping[str, Any]] | None:
    """The resources of a ListResponse (RFC 7644 section 3.4.2); None when it is not one."""
    found = answer.body.get("Resources", [])
    counted = isinstance(answer.body.get("totalResults"), int)
    return found if answer.status == 200 and counted and isinstance(found, list) else None


def _not_a_list(answer: Answer) -> str:
    return answer.detail if answer.status != 200 else "the answer is not a SCIM ListResponse"
