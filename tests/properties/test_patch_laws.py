"""Laws of PATCH, whoever sends it and in whichever dialect."""

import copy
from functools import partial
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers import entra
from mappers.scim import errors, patch, resources
from mappers.scim.schemas import ENTERPRISE_USER, USER
from tests.properties import strategies
from tests.properties.strategies import LAW, TEXT_PATHS, Doc, outcome, words

NOW = "2026-01-02T03:04:05Z"


def stored(body: Doc) -> Doc:
    doc = resources.parse(orjson.dumps(body), USER).doc
    return resources.new(doc, id="6b4a5c3e", now_iso=NOW, resource=USER)


def asked(operations: list[Doc]) -> tuple[Any, ...]:
    return entra.operations(orjson.dumps({"Operations": operations}), USER).operations


def patched(doc: Doc, operations: list[Doc]) -> Doc:
    return patch.apply(doc, asked(operations), USER)


documents = strategies.users.map(stored)
values = words | st.just("") | st.none()
changes = st.dictionaries(st.sampled_from(TEXT_PATHS), values, min_size=1, max_size=6)

replace_or_remove = st.one_of(
    st.builds(
        lambda path, value: {"op": "replace", "path": path, "value": value},
        st.sampled_from(TEXT_PATHS),
        values,
    ),
    st.builds(
        lambda path: {"op": "remove", "path": path},
        st.sampled_from((*TEXT_PATHS, 'emails[type eq "home"]', "emails", "roles", "name")),
    ),
    st.builds(
        lambda value: {"op": "replace", "path": "emails", "value": value},
        strategies.elements("work", "home"),
    ),
    st.builds(
        lambda kind: {"op": "replace", "path": f'emails[type eq "{kind}"].primary', "value": True},
        st.sampled_from(["work", "home", "other"]),
    ),
)

anything = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "replace", "remove"])},
    optional={
        "path": st.sampled_from([
            *TEXT_PATHS,
            "emails",
            "emails.value",
            'emails[type eq "home"]',
            'emails[value co "a"].type',
            "roles",
            'roles[primary eq "True"].display',
            "manager",
            'manager[value eq "x"]',
            "name",
            "active",
            "userName",
            "schemas",
            "id",
            ENTERPRISE_USER,
            "urn:example:ext:User:tag",
            'urn:example:ext:User:rows[k eq "v"].n',
            "urn:example:ext:User:rows[k pr]",
        ]),
        "value": strategies.json_values,
    },
)


@LAW
@given(documents, changes, st.booleans())
def test_both_dialects_give_the_same_resource(doc: Doc, wanted: Doc, active: bool) -> None:  # noqa: FBT001
    """One change, as Entra sends it with and without the flag in the Tenant URL."""
    legacy = [{"op": "Replace", "path": path, "value": value} for path, value in wanted.items()]
    filtered = {path: value for path, value in wanted.items() if "[" in path}
    plain = {path: value for path, value in wanted.items() if "[" not in path}
    flag = [
        {"op": "replace", "value": {**plain, "active": active}},
        *({"op": "replace", "path": path, "value": value} for path, value in filtered.items()),
    ]

    by_legacy = patched(doc, [*legacy, {"op": "Add", "path": "active", "value": str(active)}])

    assert resources.digest(by_legacy) == resources.digest(patched(doc, flag))


@LAW
@given(documents, st.lists(replace_or_remove, min_size=1, max_size=5))
def test_replace_and_remove_are_idempotent(doc: Doc, operations: list[Doc]) -> None:
    once = patched(doc, operations)

    assert patched(once, operations) == once


@LAW
@given(documents, changes)
def test_a_digest_changes_with_the_content_and_only_then(doc: Doc, wanted: Doc) -> None:
    after = patched(doc, [{"op": "replace", "path": k, "value": v} for k, v in wanted.items()])

    assert (resources.digest(after) == resources.digest(doc)) == (after == doc)


@LAW
@given(documents, st.sampled_from(["emails", "roles"]), strategies.elements("work", "home"))
def test_adding_twice_equals_adding_once(doc: Doc, path: str, added: list[Doc]) -> None:
    operation = {"op": "add", "path": path, "value": added}
    once = patched(doc, [operation])

    assert patched(once, [operation]) == once


@LAW
@given(documents, st.lists(anything, min_size=1, max_size=6))
def test_a_patch_leaves_its_input_alone_and_is_all_or_nothing(
    doc: Doc, operations: list[Doc]
) -> None:
    before = copy.deepcopy(doc)

    after = outcome(lambda: patched(doc, operations))

    assert doc == before
    if isinstance(after, errors.ScimError):
        assert after.status == 400
    else:
        assert (after["id"], after["meta"]) == (doc["id"], doc["meta"])
        assert after["userName"].strip()


@LAW
@given(documents, st.lists(replace_or_remove | anything, min_size=1, max_size=6))
def test_whatever_a_patch_made_is_a_document(doc: Doc, operations: list[Doc]) -> None:
    """It reads back as itself: nothing empty, nothing misspelt, at most one primary."""
    after = doc
    for operation in operations:
        done = outcome(partial(patched, after, [operation]))
        after = after if isinstance(done, errors.ScimError) else done

    read = resources.parse(resources.dumps(after), USER)

    assert read.ignored == ()
    assert resources.replaced(after, read.doc, now_iso="later") == after
    for name in ("emails", "roles"):
        assert sum(one.get("primary") is True for one in after.get(name, [])) <= 1


@LAW
@given(documents, st.lists(replace_or_remove, min_size=1, max_size=5))
def test_a_failing_last_operation_undoes_the_others(doc: Doc, operations: list[Doc]) -> None:
    before = copy.deepcopy(doc)

    with pytest.raises(errors.Mutability):
        patched(doc, [*operations, {"op": "replace", "path": "id", "value": "evil"}])

    assert doc == before
