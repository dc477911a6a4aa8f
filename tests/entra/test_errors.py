"""The error catalogue over HTTP: each condition has one status, one scimType, one readable line.

`errors.json` holds the requests, the name of the catalogue's row that answers each, and words of
its detail. `{joy}` stands for a user's id and `{5000 x}` for so many x. Every row also proves that
the request that failed changed nothing.
"""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from mappers.scim import errors
from tests.support.gateway import Answer, Gateway, running

JOY = {"userName": "joy@contoso.com", "externalId": "joy-1", "displayName": "Joy"}
BOB = {"userName": "bob@contoso.com", "externalId": "bob-1"}
CATALOGUE = {error.name: error for error in errors.CATALOGUE}
ROWS: list[dict[str, Any]] = orjson.loads(Path(__file__).with_name("errors.json").read_bytes())
ELSEWHERE = {
    "unauthorized": "test_auth",
    "unavailable": "test_redis_trouble",
    "nearly_full": "test_room",
    "version_conflict": "test_races",
    "too_many": "test_lists",
    "unresolved": "test_bulk",
    "internal": "test_edge",
    "rate_limited": "test_rates",
    "too_many_refused": "test_rates",
}


def filled(value: Any, joy: str) -> Any:
    """`value` with its variables replaced."""
    text = orjson.dumps(value).decode().replace("{" + "joy}", joy)
    return orjson.loads(re.sub(r"\{(\d+) x\}", lambda found: "x" * int(found[1]), text))


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
async def test_a_row_of_the_catalogue(redis_url: str, row: dict[str, Any]) -> None:
    async with running(redis_url, BODY_LIMIT_BYTES="4096") as gateway:
        joy, bob = await gateway.create(JOY), await gateway.create(BOB)
        asked = filled(row, joy["id"])
        headers = {**gateway.authorized(asked.get("body")), **asked.get("headers", {})}
        answer = await gateway.send(
            asked["method"], asked["path"], asked.get("body"), headers=headers
        )
        is_error(answer, CATALOGUE[row["error"]], row["says"])
        assert await gateway.get(joy["id"]) == joy
        assert await gateway.get(bob["id"]) == bob
        assert await gateway.total() == 2


def test_every_row_of_the_catalogue_is_shown() -> None:
    assert {row["error"] for row in ROWS} | ELSEWHERE.keys() == CATALOGUE.keys()


def is_error(answer: Answer, error: type[errors.ScimError], says: str) -> None:
    """Fail unless the answer is that error, as RFC 7644, 3.12 writes it."""
    body = answer.json
    assert (answer.status, body.get("scimType")) == (error.status, error.scim_type), body
    assert body["schemas"] == [errors.ERROR_URN]
    assert body["status"] == str(error.status)
    assert says in body["detail"]
    assert body["detail"].endswith(f" (ref {answer.headers['X-Request-Id'][:12]})")
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert answer.headers["Server"] == "bldng-scim"


async def test_a_405_says_what_is_allowed(gateway: Gateway) -> None:
    answer = await gateway.send("PATCH", "/ServiceProviderConfig", {})
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


async def test_an_error_is_logged_by_name_under_the_reference_of_its_answer(
    gateway: Gateway,
) -> None:
    answer = await gateway.send("GET", "/Users?filter=bad")
    [line] = gateway.lines()
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert (line["status"], line["error"], line["route"]) == (400, "invalid_filter", "/Users")
    assert gateway.metric("scim_errors_total", status="400", scim_type="invalidFilter") == 1
