"""Changes of members against a plain set: both dialects, any order, any number of times."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from mappers import entra
from mappers.scim import errors, members
from mappers.scim import filter as filters
from mappers.scim.members import Membership
from mappers.scim.schemas import GROUP
from tests.properties.strategies import LAW, outcome

IDS = [f"member-{letter}" for letter in "abcdef"]
Step = tuple[str, list[str]]

some = st.lists(st.sampled_from(IDS), max_size=4)
groups = st.frozensets(st.sampled_from(IDS))
step: st.SearchStrategy[Step] = st.tuples(
    st.sampled_from(["add", "remove", "replace"]), some
) | st.just(("clear", []))
steps = st.lists(step, max_size=6)


def model(before: Iterable[str], wanted: Sequence[Step]) -> set[str]:
    """What the steps in order make of a set."""
    group = set(before)
    for kind, ids in wanted:
        match kind:
            case "add":
                group |= set(ids)
            case "remove":
                group -= set(ids)
            case _:
                group = set(ids)
    return group


def applied(before: Iterable[str], change: Membership) -> set[str]:
    """What a change says, done to a set."""
    kept = set() if change.replace else set(before) - set(change.removes)
    return kept | set(change.adds)


def legacy(kind: str, ids: list[str]) -> list[dict[str, Any]]:
    """A step as Entra sends it by default."""
    if kind == "clear":
        return [{"op": "Remove", "path": "members"}]
    value = [{"$ref": None, "value": one} for one in ids]
    return [{"op": kind.capitalize(), "path": "members", "value": value}]


def flagged(kind: str, ids: list[str]) -> list[dict[str, Any]]:
    """A step as Entra sends it with the flag in the Tenant URL."""
    if kind == "remove":
        return [{"op": "remove", "path": f'members[value eq "{one}"]'} for one in ids]
    if kind == "clear":
        return [{"op": "remove", "path": "members"}]
    return [{"op": kind, "value": {"members": [{"value": one} for one in ids]}}]


def bare(kind: str, ids: list[str]) -> list[dict[str, Any]]:
    """A step with ids where elements belong, and all removals in one path."""
    if kind == "remove" and ids:
        where = " or ".join(f'value eq "{one}"' for one in ids)
        return [{"OP": "REMOVE", "Path": f"Members[{where}]"}]
    return (
        legacy("clear", []) if kind == "clear" else [{"op": kind, "path": "members", "value": ids}]
    )


dialects = st.sampled_from([legacy, flagged, bare])


def read(operations: Sequence[dict[str, Any]]) -> Membership:
    """The change that operations come to."""
    if not operations:
        return Membership()
    asked = entra.operations(orjson.dumps({"Operations": operations}), GROUP)
    attributes, changes = members.split(asked.operations)
    assert (attributes, asked.ignored) == ((), ())
    return members.fold(changes)


@LAW
@given(groups, st.lists(st.tuples(step, dialects), max_size=6))
def test_any_mix_of_dialects_is_what_a_set_does(
    before: frozenset[str], drawn: list[tuple[Step, Any]]
) -> None:
    operations = [each for (kind, ids), dialect in drawn for each in dialect(kind, ids)]
    change = read(operations)
    assert applied(before, change) == model(before, [step for step, _ in drawn])


@LAW
@given(steps)
def test_both_dialects_say_the_same(wanted: list[Step]) -> None:
    one, other = (
        read([each for kind, ids in wanted for each in dialect(kind, ids)])
        for dialect in (legacy, flagged)
    )
    assert one == other


@LAW
@given(groups, steps)
def test_a_change_that_is_repeated_changes_nothing_more(
    before: frozenset[str], wanted: list[Step]
) -> None:
    change = read([each for kind, ids in wanted for each in legacy(kind, ids)])
    once = applied(before, change)
    assert applied(once, change) == once


@LAW
@given(steps)
def test_a_change_names_every_member_once(wanted: list[Step]) -> None:
    change = read([each for kind, ids in wanted for each in flagged(kind, ids)])
    named = change.adds + change.removes
    assert len(named) == len(set(named))
    assert not (change.replace and change.removes)


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)


@LAW
@given(st.lists(names, min_size=1, unique=True))
def test_an_id_is_kept_as_it_was_sent_or_refused(ids: list[str]) -> None:
    change = outcome(lambda: read(flagged("add", ids)))
    if any(len(one) > members.MAX_ID_CHARS for one in ids):
        assert isinstance(change, errors.InvalidValue)
    else:
        assert change == Membership(tuple(ids))


def test_an_id_has_128_characters_at_most() -> None:
    assert read(flagged("add", ["x" * 128])) == Membership(("x" * 128,))
    for operations in (flagged("add", ["x" * 129]), flagged("remove", ["x" * 129])):
        assert isinstance(outcome(lambda sent=operations: read(sent)), errors.InvalidValue)  # type: ignore[misc]


def tree(depth: int) -> st.SearchStrategy[str]:
    """Filters over members and names."""
    leaf = st.sampled_from([
        *(f'members.value eq "{one}"' for one in IDS[:3]),
        f'members[value eq "{IDS[0]}"]',
        f'members.value ne "{IDS[1]}"',
        f'members eq "{IDS[2]}"',
        'displayName eq "g"',
    ])
    if not depth:
        return leaf
    inner = tree(depth - 1)
    pairs = st.tuples(inner, st.sampled_from(["and", "or"]), inner)
    return leaf | inner.map("not ({})".format) | pairs.map(lambda pair: "({} {} {})".format(*pair))


@LAW
@given(groups, st.sampled_from("gh"), tree(2))
def test_a_filter_needs_to_know_only_the_members_that_it_compares(
    group: frozenset[str], name: str, text: str
) -> None:
    expression = filters.parse(text, GROUP)
    whole = {"members": [{"value": one} for one in sorted(group)], "displayName": name}
    known = [{"value": one} for one in members.compared(expression) if one in group]
    told = {**whole, "members": known}
    assert filters.matches(expression, told) == filters.matches(expression, whole)
    required = members.required(expression)
    if required is not None and filters.matches(expression, whole):
        assert required in group
