import pytest

from mappers.scim import documents, errors
from tests.unit.mappers.scim import samples


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "not valid JSON"),
        (b'{ "acve": tre, ', "line 1, column"),
        (b"\xff\xfe", "not valid JSON"),
        (b"[]", "one JSON object"),
        (b'"x"', "one JSON object"),
        (b"null", "one JSON object"),
        (b'{"a":' * 17 + b"1" + b"}" * 17, "deeper than 16"),
        (b'{"a":' + b"[" * 16 + b"]" * 16 + b"}", "deeper than 16"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "JSON"),
    ],
)
def test_a_body_that_is_no_object_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(errors.InvalidSyntax) as caught:
        documents.read_object(body)

    assert said in caught.value.detail


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"a":' * 16 + b"1" + b"}" * 16,
        b'{"a":' + b"[" * 15 + b"]" * 15 + b"}",
        b'{"text":"{{{{{{{{{{{{{{{{{{{{{{{{{{"}',
        b'{"list":[' + b",".join([b"{}"] * 100) + b"]}",
    ],
)
def test_a_body_that_is_not_too_deep_is_read(body: bytes) -> None:
    assert isinstance(documents.read_object(body), dict)


def test_the_digest_tells_contents_apart_and_nothing_else() -> None:
    doc = samples.user()
    digest = documents.digest(doc)

    assert len(digest) == 16
    assert int(digest, 16) >= 0
    assert documents.digest(dict(reversed(doc.items()))) == digest
    assert documents.digest({**doc, "meta": {"lastModified": "later"}}) == digest
    assert documents.digest({**doc, "title": "x"}) != digest


def test_a_document_survives_storage() -> None:
    doc = samples.user(displayName="Zoë \u2028 😀")

    assert documents.loads(documents.dumps(doc)) == doc
