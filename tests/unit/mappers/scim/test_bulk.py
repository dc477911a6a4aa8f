from typing import Any

import orjson
import pytest

from mappers.scim import bulk, errors


def read(*operations: Any, **more: Any) -> bulk.Request:
    return bulk.read(orjson.dumps({"Operations": operations, **more}))


def post(name: str, *refers: str, path: str = "/Groups") -> dict[str, Any]:
    members = [{"value": f"bulkId:{each}"} for each in refers]
    return {"method": "POST", "path": path, "bulkId": name, "data": {"members": members}}


@pytest.mark.parametrize(
    ("sent", "order"),
    [
        ([post("a"), post("b"), post("c")], "abc"),
        ([post("a", "b"), post("b"), post("c")], "bac"),
        ([post("a", "c"), post("b"), post("c")], "cab"),
        ([post("a", "c", "b"), post("b"), post("c")], "bca"),
        ([post("a", "b"), post("b", "c"), post("c")], "cba"),
        ([post("a", "b", "c"), post("b", "c"), post("c"), post("d")], "cbad"),
        # circles: one of them comes first
        ([post("a", "a")], "a"),
        ([post("a", "b"), post("b", "a")], "ba"),
        ([post("a", "b"), post("b", "c"), post("c", "a"), post("d", "b")], "cbad"),
        ([post("a", "nobody"), post("b")], "ab"),
    ],
)
def test_what_is_referred_to_is_created_first(sent: list[Any], order: str) -> None:
    assert "".join(str(each.bulk_id) for each in bulk.in_order(read(*sent).operations)) == order


def test_a_chain_of_all_operations_is_put_in_order() -> None:
    chain = [post(str(at), str(at + 1)) for at in range(bulk.MAX_OPERATIONS)]
    ordered = bulk.in_order(read(*chain).operations)
    assert [each.at for each in ordered] == list(reversed(range(bulk.MAX_OPERATIONS)))


def test_only_a_post_is_waited_for() -> None:
    change = {"method": "PUT", "path": "/Users/1", "bulkId": "x", "data": {}}
    assert [each.at for each in bulk.in_order(read(post("a", "x"), change).operations)] == [0, 1]


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        ("bulkId:joy", "id-1"),
        ({"value": "bulkId:joy", "$ref": "https://x/Users/bulkId:joy"},
         {"value": "id-1", "$ref": "https://x/Users/id-1"}),
        ({"Operations": [{"path": 'members[value eq "bulkId:joy"]'}]},
         {"Operations": [{"path": 'members[value eq "id-1"]'}]}),
        ([["bulkId:joy", 1, None, True]], [["id-1", 1, None, True]]),
        ("bulkId:a b/c", "id-2"),
        ("see bulkId:joy", "see bulkId:joy"),
        ("BulkID:joy", "BulkID:joy"),
        ({"bulkId:joy": "x"}, {"bulkId:joy": "x"}),
    ],
)  # fmt: skip
def test_a_reference_is_replaced_wherever_an_id_can_stand(sent: Any, wanted: Any) -> None:
    operation = {"method": "post", "path": "/Users/bulkId:joy", "data": sent}
    [read_] = read(operation).operations

    resolved = bulk.resolved(read_, {"joy": "id-1", "a b/c": "id-2"})

    assert (resolved.method, resolved.path, resolved.data) == ("POST", "/Users/id-1", wanted)
    assert operation["data"] == sent


@pytest.mark.parametrize("data", ["bulkId:nobody", {"a": ["x/bulkId:nobody"]}])
def test_a_reference_to_nothing_is_refused(data: Any) -> None:
    [operation] = read({"method": "POST", "path": "/Users", "data": data}).operations
    with pytest.raises(errors.InvalidValue, match="nobody"):
        bulk.resolved(operation, {"joy": "id-1"})


@pytest.mark.parametrize(
    ("sent", "wanted"), [({}, None), ({"failOnErrors": 3}, 3), ({"failonerrors": 0}, 1)]
)
def test_when_it_ends(sent: dict[str, Any], wanted: int | None) -> None:
    assert read(post("a"), **sent).fail_on_errors == wanted


@pytest.mark.parametrize("sent", ["1", -1, True, 1.5, [1]])
def test_an_odd_end_is_refused(sent: Any) -> None:
    with pytest.raises(errors.InvalidValue, match="failOnErrors"):
        read(post("a"), failOnErrors=sent)


@pytest.mark.parametrize(
    ("body", "error", "named"),
    [
        (b"[]", errors.InvalidSyntax, "object"),
        (b"{}", errors.InvalidSyntax, "Operations"),
        (b'{"Operations":[]}', errors.InvalidSyntax, "Operations"),
        (b'{"Operations":[1]}', errors.InvalidSyntax, "method and path"),
        (b'{"Operations":[{"method":"POST"}]}', errors.InvalidSyntax, "Operation 1"),
        (b'{"Operations":[{"method":1,"path":"/Users"}]}', errors.InvalidSyntax, "Operation 1"),
        (
            b'{"Operations":[{"method":"POST","path":"/Users","bulkId":7}]}',
            errors.InvalidSyntax,
            "bulkId",
        ),
        (
            b'{"Operations":[{"method":"DELETE","path":"/Users/1","version":7}]}',
            errors.InvalidSyntax,
            "version",
        ),
        (
            b'{"Operations":[' + b",".join([b"{}"] * (bulk.MAX_OPERATIONS + 1)) + b"]}",
            errors.PayloadTooLarge,
            "1000",
        ),
    ],
)
def test_what_is_no_bulk_is_refused(
    body: bytes, error: type[errors.ScimError], named: str
) -> None:
    with pytest.raises(error, match=named):
        bulk.read(body)


def test_a_bulk_id_is_used_once() -> None:
    with pytest.raises(errors.InvalidValue, match="bulkId"):
        read(post("a"), post("a"))


def test_a_result_says_only_what_there_is_to_say() -> None:
    [operation] = read(post("a")).operations
    assert bulk.result(operation, 201, location="/x", version='W/"1"') == {
        "method": "POST",
        "bulkId": "a",
        "location": "/x",
        "version": 'W/"1"',
        "status": "201",
    }
