"""Laws of filters: they read back as printed, and an index finds what a scan finds."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from mappers.scim import errors, indexes, path, resources
from mappers.scim import filter as filters
from mappers.scim.schemas import ENTERPRISE_USER, USER
from tests.properties import strategies
from tests.properties.strategies import LAW, Doc, outcome, words

names = st.sampled_from([
    "userName",
    "externalId",
    "title",
    "name.givenName",
    "emails.value",
    "emails",
    'emails[type eq "work"].value',
    "manager",
    "department",
    f"{ENTERPRISE_USER}:employeeNumber",
    "urn:example:ext:User:tag",
    "schemas",
])
operators = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "EQ"])
quoted = words.map(lambda text: orjson.dumps(text).decode())

comparisons = st.one_of(
    st.builds(lambda name, op, value: f"{name} {op} {value}", names, operators, quoted),
    st.builds(lambda name: f"{name} pr", names),
    st.builds(lambda name: f"{name} eq null", names),
    st.sampled_from(["active eq true", 'active ne "False"', 'meta.created gt "2026-01-01"']),
    st.builds(lambda value: f"urn:example:ext:User:n gt {value}", st.integers(-99, 99)),
    st.builds(lambda value: f'emails[type eq "work" and value co {value}]', quoted),
)
texts = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds(lambda a, b: f"({a}) and ({b})", inner, inner),
        st.builds(lambda a, b: f"{a} or {b}", inner, inner),
        st.builds(lambda a, b: f"{a} and {b}", inner, inner),
        st.builds(lambda a: f"not ({a})", inner),
    ),
    max_leaves=5,
)


def document(body: Doc) -> Doc:
    doc = resources.parse(orjson.dumps(body), USER).doc
    return resources.new(doc, id="i", now_iso="2026-01-02T03:04:05Z", resource=USER)


@LAW
@given(texts, strategies.users)
def test_a_printed_filter_means_the_same(text: str, body: Doc) -> None:
    once = filters.parse(text, USER)
    again = filters.parse(str(once), USER)

    assert str(again) == str(once)
    assert filters.shape(again) == filters.shape(once)
    assert filters.matches(again, document(body)) == filters.matches(once, document(body))
    assert filters.lookup(again) == filters.lookup(once)


@LAW
@given(names)
def test_a_printed_path_is_the_same_path(text: str) -> None:
    assert str(path.parse(str(path.parse(text, USER)), USER)) == str(path.parse(text, USER))


@LAW
@given(st.text(max_size=60) | st.text("()[] \"'eqandornotpr.:user", max_size=40))
def test_no_text_brings_the_parsers_down(text: str) -> None:
    by_filter = outcome(lambda: filters.parse(text, USER))
    by_path = outcome(lambda: path.parse(text, USER))

    assert isinstance(by_filter, errors.InvalidFilter | filters.Filter)
    assert isinstance(by_path, errors.InvalidPath | path.Path)


@LAW
@given(
    st.lists(strategies.users, max_size=6),
    st.sampled_from([
        "userName",
        "externalId",
        'emails[type eq "work"].value',
        "employeeNumber",
        "id",
    ]),
    st.data(),
)
def test_an_index_finds_what_a_scan_finds(
    bodies: list[Doc], name: str, data: st.DataObject
) -> None:
    docs = [_with_one_work_email(document(body)) for body in bodies]
    found = [text for doc in docs for text in path.values(path.parse(name, USER), doc)]
    value = data.draw(st.sampled_from(found) if found else words)
    text = data.draw(st.sampled_from([value, value.upper(), value.swapcase()]))
    asked = filters.parse(f"{name} eq {orjson.dumps(text).decode()} and userName pr", USER)

    lookup = filters.lookup(asked)

    assert lookup is not None
    by_index = [doc for doc in docs if _indexed(doc).get(lookup.index) == lookup.value]
    by_scan = [doc for doc in docs if filters.matches(asked, doc)]
    assert [doc for doc in by_index if filters.matches(asked, doc)] == by_scan


def _with_one_work_email(doc: Doc) -> Doc:
    """An index holds one work e-mail of a person: identity providers send one of each type."""
    work = [one for one in doc.get("emails", []) if one.get("type") == "work"]
    return {**doc, "emails": work[:1]}


def _indexed(doc: Doc) -> dict[str, Any]:
    return {**indexes.values(doc, USER), "id": doc["id"]}
