import pytest

from mappers.scim import errors, listing


@pytest.mark.parametrize(
    ("start_index", "count", "paging"),
    [
        (None, None, (1, 100)),
        ("", "", (1, 100)),
        ("6", "5", (6, 5)),
        (6, 5, (6, 5)),
        ("0", "-1", (1, 0)),
        ("-7", "0", (1, 0)),
        ("1", "100000", (1, 500)),
        ("999999999999", "1", (999999999999, 1)),
    ],
)
def test_page_parameters_are_read_leniently(
    start_index: str | int | None, count: str | int | None, paging: tuple[int, int]
) -> None:
    assert listing.paging(start_index, count) == listing.Paging(*paging)


@pytest.mark.parametrize(
    ("start_index", "count", "named"),
    [("x", None, "startIndex"), (None, "1.5", "count"), (None, "9" * 5000, "count")],
)
def test_text_that_is_no_number_is_refused_by_name(
    start_index: str | None, count: str | None, named: str
) -> None:
    with pytest.raises(errors.InvalidValue, match=named):
        listing.paging(start_index, count)


def test_a_list_says_how_many_there_are_and_how_many_it_holds() -> None:
    assert listing.list_response([{"id": "a"}], total=9, start_index=3) == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 9,
        "startIndex": 3,
        "itemsPerPage": 1,
        "Resources": [{"id": "a"}],
    }


def test_nothing_found_is_an_ordinary_list() -> None:
    empty = listing.list_response([], total=0)

    assert (empty["totalResults"], empty["startIndex"], empty["itemsPerPage"]) == (0, 1, 0)
    assert empty["Resources"] == []
