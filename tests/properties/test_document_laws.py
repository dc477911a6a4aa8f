"""Laws of reading documents."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from mappers.scim import errors, resources, values
from mappers.scim.attributes import Attribute
from mappers.scim.schemas import GROUP, USER
from tests.properties import strategies
from tests.properties.strategies import LAW, Doc, outcome

ATTRIBUTES = [
    attribute
    for resource in (USER, GROUP)
    for schema in (resource.schema, *resource.extensions)
    for attribute in schema.attributes
]

keys = st.sampled_from([
    "userName",
    "USERNAME",
    "name",
    "name.givenName",
    "emails",
    'emails[type eq "work"].value',
    "manager",
    "active",
    "id",
    "meta",
    "unknown",
    "urn:example:ext:User",
    "urn:example:ext:User:tag",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
])


def read(body: Any) -> resources.Parsed:
    return resources.parse(orjson.dumps(body), USER)


@LAW
@given(st.sampled_from(ATTRIBUTES), strategies.json_values)
def test_a_tidy_value_is_tidy(attribute: Attribute, value: Any) -> None:
    once = outcome(lambda: values.tidy(attribute, value, []))

    if isinstance(once, errors.ScimError):
        assert isinstance(once, errors.InvalidValue)
    else:
        assert values.tidy(attribute, once, []) == once


@LAW
@given(strategies.users)
def test_canonical_bodies_are_kept_as_they_were_sent(body: Doc) -> None:
    doc = read(body).doc

    assert {name: value for name, value in doc.items() if name != "schemas"} == body


@LAW
@given(st.dictionaries(keys, strategies.json_values, max_size=8))
def test_any_body_is_read_or_refused_and_what_was_read_reads_back_as_itself(body: Doc) -> None:
    once = outcome(lambda: read({"userName": "u", **body}))

    if isinstance(once, errors.ScimError):
        assert once.status == 400
    else:
        again = read(once.doc)
        assert again.doc == once.doc
        assert again.ignored == ()


@LAW
@given(st.binary(max_size=40) | strategies.json_values.map(orjson.dumps))
def test_no_bytes_bring_the_reader_down(body: bytes) -> None:
    read_or_refused = outcome(lambda: resources.parse(body, USER))

    assert isinstance(read_or_refused, resources.Parsed) or read_or_refused.status == 400
