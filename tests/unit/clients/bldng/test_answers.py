"""What a status, its headers and its body mean."""

import json

import pytest

from clients.bldng import answers, errors
from mappers.bldng.vocabulary import Department, DepartmentPage, User

NOW_S = 1_769_860_800.0  # Sat, 31 Jan 2026 12:00:00 GMT


@pytest.mark.parametrize(
    ("text", "wait_s"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("Sat, 31 Jan 2026 12:00:09 GMT", 9.0),
        ("Sat, 31 Jan 2026 11:00:00 GMT", 0.0),
        ("Saturday, 31-Jan-26 12:00:09 GMT", 9.0),
        ("Sat Jan 31 12:00:09 2026", 9.0),
        ("Sat, 31 Jan 2026 12:00:09 -0000", 9.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("nan", None),
        ("1e9", None),
        ("9" * 40, None),
        ("٣", None),
        ("Sat, 99 Jan 2026 12:00:00 GMT", None),
    ],
)
def test_retry_after(text: str, wait_s: float | None) -> None:
    assert answers.retry_after_s(text, now_s=NOW_S) == wait_s


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (200, {}, type(None)),
        (201, {}, type(None)),
        (204, {}, type(None)),
        (301, {}, errors.Redirected),
        (304, {}, errors.Redirected),
        (400, {}, errors.Refused),
        (401, {}, errors.Refused),
        (404, {"Retry-After": "1"}, errors.Refused),
        (409, {}, errors.Refused),
        (422, {}, errors.Refused),
        (429, {}, errors.Throttled),
        (500, {"Retry-After": "1"}, errors.Unavailable),
        (501, {}, errors.Unavailable),
        (503, {}, errors.Unavailable),
        (503, {"Retry-After": "soon"}, errors.Throttled),
        (504, {}, errors.Unavailable),
    ],
)
def test_each_status_has_one_class(status: int, headers: dict[str, str], kind: type) -> None:
    failed = answers.failure(status, headers, b"", now_s=NOW_S)
    assert type(failed) is kind
    assert failed is None or (failed.status, failed.code) == (status, str(status))


@pytest.mark.parametrize("status", [429, 503])
def test_a_throttled_answer_says_how_long(status: int) -> None:
    failed = answers.failure(status, {"Retry-After": "7"}, b"", now_s=NOW_S)
    assert isinstance(failed, errors.Throttled)
    assert failed.retry_after_s == pytest.approx(7.0)


def test_a_problem_body_is_kept_clean_and_short() -> None:
    problem = {
        "code": "user_exists\n\x1b[31m",
        "detail": "long " * 1000,
        "errors": [{"field": "username\0", "code": "taken", "message": "m" * 5000}] * 50,
        "conflict": {"field": "username", "id": "usr_1"},
    }
    failed = answers.failure(409, {}, json.dumps(problem).encode(), now_s=NOW_S)
    assert isinstance(failed, errors.Refused)
    assert failed.problem_code == "user_exists [31m"
    assert len(failed.detail) <= errors.DETAIL_MAX
    assert (failed.fields[0].field, len(failed.fields)) == ("username", 20)
    assert len(failed.fields[0].message) == errors.DETAIL_MAX
    assert failed.conflict is not None
    assert failed.conflict.id == "usr_1"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"conflict": 7}', b"\xff"])
def test_a_strange_error_body_still_is_the_refusal(body: bytes) -> None:
    failed = answers.failure(409, {}, body, now_s=NOW_S)
    assert isinstance(failed, errors.Refused)
    assert (failed.status, failed.detail, failed.conflict) == (409, "", None)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no_body"),
        (b"  \n", "no_body"),
        (b"<html></html>", "not_json"),
        (b'{"id": "dep_1", "na', "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"[]", "wrong_body"),
        (b"null", "wrong_body"),
        (b"{}", "wrong_body"),
        (b'{"id": "", "name": "x"}', "wrong_body"),
        (b'{"id": "usr_1", "name": "x"}', "wrong_body"),
        (b'{"id": "dep_../x", "name": "x"}', "wrong_body"),
        (b'{"id": "dep_1", "name": 7}', "wrong_body"),
        (b'{"id": 7, "name": "x"}', "wrong_body"),
        (b'{"id": "dep_2", "name": "x"}', "wrong_id"),
    ],
)
def test_a_2xx_against_the_contract(body: bytes, reason: str) -> None:
    with pytest.raises(errors.ProtocolError) as caught:
        answers.record(body, Department, expected_id="dep_1")
    assert (caught.value.reason, caught.value.code) == (reason, "protocol")


def test_unknown_fields_are_ignored() -> None:
    body = b'{"id": "usr_1", "username": "a", "active": true, "shoeSize": 44}'
    assert answers.record(body, User).username == "a"


@pytest.mark.parametrize("active", [b'"true"', b"1", b"null"])
def test_types_are_not_coerced(active: bytes) -> None:
    body = b'{"id": "usr_1", "username": "a", "active": ' + active + b"}"
    with pytest.raises(errors.ProtocolError):
        answers.record(body, User)


def test_a_look_up_with_more_pages_was_not_filtered() -> None:
    page = DepartmentPage(items=(), next_cursor="more")
    with pytest.raises(errors.ProtocolError):
        answers.whole(page)
