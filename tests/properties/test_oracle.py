"""PATCH agrees with scim2-models, an independent implementation, on what RFC 7644 defines.

Left out is what the RFC leaves open or where identity providers need something else: a filter that
matches nothing, an element that is left with labels only, and one that is there already.
"""

from typing import Any

import orjson
import scim2_models
from hypothesis import given, settings
from hypothesis import strategies as st

from mappers import entra
from mappers.scim import patch, resources
from mappers.scim.schemas import ENTERPRISE_USER, USER
from tests.properties.strategies import LAW, Doc

Oracle = scim2_models.User[scim2_models.EnterpriseUser]

words = st.text("abcXYZ 12ß-", min_size=1, max_size=6).filter(lambda text: bool(text.strip()))
addresses = st.integers(0, 9).map("user{}@example.com".format)
MANY = ("emails", "phoneNumbers")
TYPES = ("work", "home")

SIMPLE = ("displayName", "title", "nickName", "externalId", "userType")
PARTS = ("name.givenName", "name.familyName", "name.formatted")
EXTENSION = (f"{ENTERPRISE_USER}:department", f"{ENTERPRISE_USER}:costCenter")
SCALARS = (*SIMPLE, *PARTS, *EXTENSION)


def lists(*, primary: bool) -> st.SearchStrategy[list[Doc]]:
    """One element of each of some types, at most one primary."""
    chosen = st.lists(st.sampled_from(TYPES), min_size=1, unique=True)
    at = st.integers(0, 2) if primary else st.just(2)
    return st.tuples(chosen, st.lists(addresses, min_size=2, max_size=2, unique=True), at).map(
        lambda drawn: [
            {"type": kind, "value": value} | ({"primary": True} if index == drawn[2] else {})
            for index, (kind, value) in enumerate(zip(*drawn[:2], strict=False))
        ]
    )


bodies = st.fixed_dictionaries(
    {"userName": words, "active": st.booleans()},
    optional={
        **dict.fromkeys(SIMPLE, words),
        "name": st.dictionaries(st.sampled_from(["givenName", "familyName"]), words, min_size=1),
        "emails": lists(primary=True),
        "phoneNumbers": lists(primary=True),
        ENTERPRISE_USER: st.fixed_dictionaries({"department": words}),
    },
)

verbs = st.sampled_from(["add", "replace"])


def step(op: Any, path: Any, value: Any) -> st.SearchStrategy[Doc]:
    return st.fixed_dictionaries({"op": op, "path": path, "value": value})


def steps(body: Doc) -> st.SearchStrategy[Doc]:
    """One operation that the RFC defines for this user."""
    choices = [
        step(verbs, st.sampled_from(SCALARS), words),
        step(verbs, st.just("active"), st.booleans()),
        step(verbs, st.just("name"), st.fixed_dictionaries({"givenName": words})),
        step(st.just("replace"), st.sampled_from(MANY), lists(primary=True)),
        st.fixed_dictionaries({
            "op": verbs,
            "value": st.dictionaries(st.sampled_from(SIMPLE), words, min_size=1),
        }),
        st.fixed_dictionaries({"op": st.just("remove"), "path": _held(body)}),
        *(_of_elements(body, name) for name in MANY if name in body),
    ]
    return st.one_of(choices)


def _held(body: Doc) -> st.SearchStrategy[str]:
    """The path of something that the user has and may lose."""
    names = [name for name in body if name not in {"userName", ENTERPRISE_USER}]
    parts = [f"name.{part}" for part in body.get("name", {})]
    extension = [EXTENSION[0]] if ENTERPRISE_USER in body else []
    elements = [f'{name}[type eq "{one["type"]}"]' for name in MANY for one in body.get(name, [])]
    return st.sampled_from([*names, *parts, *extension, *elements])


def _of_elements(body: Doc, name: str) -> st.SearchStrategy[Doc]:
    """An operation on elements that are there, or on the list as a whole."""
    kinds = st.sampled_from([one["type"] for one in body[name]])
    return st.one_of(
        step(verbs, kinds.map(lambda kind: f'{name}[type eq "{kind}"].value'), addresses),
        step(verbs, kinds.map(lambda kind: f'{name}[type eq "{kind}"].primary'), st.just(True)),
        step(st.just("add"), st.just(name), _additions),
    )


_additions = st.tuples(st.integers(10, 99), st.booleans()).map(
    lambda drawn: [{"value": f"new{drawn[0]}@example.com", "primary": drawn[1], "type": "other"}]
)


@settings(LAW, max_examples=250)
@given(st.data())
def test_one_operation_gives_what_the_oracle_gives(data: st.DataObject) -> None:
    body = data.draw(bodies)
    operation = data.draw(steps(body))

    assert _ours(body, [operation]) == _theirs(body, [operation])


@LAW
@given(bodies, st.lists(step(verbs, st.sampled_from(SCALARS), words), min_size=2, max_size=8))
def test_operations_in_order_give_what_the_oracle_gives(body: Doc, operations: list[Doc]) -> None:
    assert _ours(body, operations) == _theirs(body, operations)


def _ours(body: Doc, operations: list[Doc]) -> Doc:
    doc = resources.parse(orjson.dumps(body), USER).doc
    asked = entra.operations(orjson.dumps({"Operations": operations}), USER)
    assert asked.ignored == ()
    return _content(patch.apply(doc, asked.operations, USER))


def _theirs(body: Doc, operations: list[Doc]) -> Doc:
    user = Oracle.model_validate({"schemas": [str(scim2_models.User.__schema__)], **body})
    asked = scim2_models.PatchOp[Oracle].model_validate({"Operations": operations})
    asked.patch(user)
    return _content(user.model_dump(scim_ctx=scim2_models.Context.DEFAULT))


def _content(doc: Doc) -> Doc:
    """The document without what both maintain by themselves."""
    return {
        name: value for name, value in doc.items() if name not in {"schemas", "meta"} and value
    }
