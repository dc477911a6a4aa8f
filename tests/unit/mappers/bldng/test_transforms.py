"""The named transforms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers.bldng import transforms

TABLES = {"floors": {"1": "Laboratory"}}


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("trim", " a b ", "a b"),
        ("lower", "ÆA", "æa"),
        ("upper", "æa", "ÆA"),
        ("digits", "+47 (0) 9٣", "4709"),
        ("default:x:y", None, "x:y"),
        ("default:x", "", "x"),
        ("default:x", "a", "a"),
        ("replace:+:00", "+47+", "004700"),
        ("replace:a:", "banana", "bnn"),
        ("map:floors", "1", "Laboratory"),
        ("map:floors", "2", "2"),
        ("map:floors", None, None),
        ("trim", None, None),
    ],
)
def test_what_they_do(name: str, before: str | None, after: str | None) -> None:
    assert transforms.parse(name, TABLES)(before) == after


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("titlecase", "use trim, lower"),
        ("", "use trim, lower"),
        ("trim:x", "use trim, lower"),
        ("default:", "use trim, lower"),
        ("default", "use trim, lower"),
        ("replace", "replace:<old>:<new>"),
        ("replace:a", "replace:<old>:<new>"),
        ("replace::b", "replace:<old>:<new>"),
        ("replace:a:b:c", "replace:<old>:<new>"),
        ("map:rooms", r"write \[tables.rooms\]"),
        ("map", "needs a table"),
    ],
)
def test_a_wrong_name_has_a_cure(name: str, cure: str) -> None:
    with pytest.raises(transforms.UnknownTransform, match=cure):
        transforms.parse(name, TABLES)


KNOWN = ["trim", "lower", "upper", "digits", "default:x", "replace:a:b", "map:floors"]


@given(st.sampled_from(KNOWN), st.none() | st.text())
def test_they_never_fail(name: str, value: str | None) -> None:
    result = transforms.parse(name, TABLES)(value)
    assert result is None or isinstance(result, str)
