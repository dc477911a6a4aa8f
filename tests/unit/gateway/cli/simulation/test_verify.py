"""A group read back: its name, and every member exactly once."""

import pytest

from gateway.cli.simulation import verify
from gateway.cli.simulation.group_cycle import GroupLink
from gateway.cli.simulation.transport import Answer

LINK = GroupLink("1", {"displayName": "Keys"}, frozenset({"a", "b"}))


def answer(*members: str, name: str = "Keys", status: int = 200) -> Answer:
    body = {"displayName": name, "members": [{"value": each} for each in members]}
    return Answer(status, body, 1.0)


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (answer("b", "a"), ""),
        (answer("a"), "1 members are missing, 0 too many"),
        (answer("a", "b", "c"), "0 members are missing, 1 too many"),
        (answer("a", "b", "b"), "1 members are listed twice"),
        (answer("a", "b", name="Other"), "is not what was sent: displayName"),
        (answer(status=404), "GET answers 404: no body"),
    ],
)
def test_what_differs_is_counted(found: Answer, problem: str) -> None:
    assert verify.group_differs(found, LINK) == problem


def test_a_group_that_was_there_before_may_hold_more() -> None:
    there_before = GroupLink("1", LINK.sent, LINK.members, ours=False)
    assert verify.group_differs(answer("a", "b", "c"), there_before) == ""
