"""Members who join and leave, in the two PATCH dialects."""

import pytest

from gateway.cli.simulation import membership
from gateway.cli.simulation.dialect import Dialect


@pytest.mark.parametrize(
    ("dialect", "operations"),
    [
        (
            Dialect.LEGACY,
            [
                {
                    "op": "Add",
                    "path": "members",
                    "value": [{"$ref": None, "value": "a"}, {"$ref": None, "value": "b"}],
                },
                {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": "c"}]},
            ],
        ),
        (
            Dialect.FLAG,
            [
                {"op": "add", "path": "members", "value": [{"value": "a"}, {"value": "b"}]},
                {"op": "remove", "path": 'members[value eq "c"]'},
            ],
        ),
    ],
)
def test_one_request_says_both(dialect: Dialect, operations: list[object]) -> None:
    assert membership.patch(["a", "b"], ["c"], dialect)["Operations"] == operations


@pytest.mark.parametrize("dialect", [Dialect.LEGACY, Dialect.FLAG])
def test_nobody_is_not_mentioned(dialect: Dialect) -> None:
    assert len(membership.patch(["a"], [], dialect)["Operations"]) == 1
    assert len(membership.patch([], ["a"], dialect)["Operations"]) == 1


def test_many_are_sent_in_several_requests() -> None:
    assert membership.batches("abcd", "xyz", size=3) == [
        (["a", "b", "c"], []),
        (["d"], ["x", "y"]),
        ([], ["z"]),
    ]
    assert membership.batches("", "") == []
