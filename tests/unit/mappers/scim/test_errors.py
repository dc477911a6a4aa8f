import pytest

from mappers.scim import errors


@pytest.mark.parametrize("condition", errors.CATALOGUE, ids=lambda condition: condition.name)
def test_every_row_is_an_error_message_of_rfc_7644(condition: type[errors.ScimError]) -> None:
    answer = errors.body(condition(), ref="0123456789ab")

    assert answer["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert answer["status"] == str(condition.status)
    assert answer["detail"].endswith(" (ref 0123456789ab)")
    assert len(answer["detail"]) > len(" (ref 0123456789ab)")
    assert answer.get("scimType") == condition.scim_type
    assert None not in answer.values()


def test_the_rows_have_different_names() -> None:
    names = [condition.name for condition in errors.CATALOGUE]

    assert len(set(names)) == len(names)


def test_every_error_class_is_in_the_catalogue() -> None:
    def below(condition: type[errors.ScimError]) -> set[type[errors.ScimError]]:
        subs = set(condition.__subclasses__())
        return subs.union(*(below(sub) for sub in subs))

    # an unknown attribute is an invalid path on the wire
    assert below(errors.ScimError) - {errors.UnknownAttribute} == set(errors.CATALOGUE)


def test_scim_types_are_those_of_rfc_7644() -> None:
    allowed = {
        "invalidFilter",
        "tooMany",
        "uniqueness",
        "mutability",
        "invalidSyntax",
        "invalidPath",
        "noTarget",
        "invalidValue",
    }

    assert {c.scim_type for c in errors.CATALOGUE if c.scim_type} == allowed


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        (errors.Unauthorized(), {"WWW-Authenticate": "Bearer"}),
        (errors.MethodNotAllowed(allow=("GET", "POST")), {"Allow": "GET, POST"}),
        (errors.RateLimited(retry_after_s=7), {"Retry-After": "7"}),
        (errors.Unavailable(retry_after_s=3), {"Retry-After": "3"}),
        (errors.VersionConflict(), {"Retry-After": "1"}),
        (errors.NotFound(), {}),
    ],
)
def test_headers_belong_to_the_condition(error: errors.ScimError, headers: dict[str, str]) -> None:
    assert error.headers == headers


def test_a_detail_is_one_short_line() -> None:
    detail = errors.InvalidValue("a\nb\r\n" + "x" * 1000).detail

    assert detail.startswith("a b xxx")
    assert len(detail) == 300


def test_a_foreign_name_is_made_printable_and_cut() -> None:
    assert errors.shown("a\x00b\u202e\n") == "'a?b??'"
    assert len(errors.shown("x" * 1000)) < 110
