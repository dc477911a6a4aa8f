"""Recorded and documented requests of identity providers, replayed against the running gateway.

`cases.json` holds `people` (bodies to create users from) and `cases`. A case is a request with

    given   what is set up through SCIM before: {"user": <person>, "as": <variable>} creates one,
            {"people": n} creates n, {"group": <name>, "members": [...], "as": <variable>} creates
            a group, {"send": {method, path, body}} sends anything else
    status  the status to answer
    checks  what the source says about the answer, in prose
    then    the same for the machine: promises, each a function of `promises`

`{userId}` and the like stand for ids of what was set up. In a fragment (`answer`, `stored`) an
object may have more keys than shown, a list may not have more elements; attributes named in
`exactly` are equal as a whole. `<urn>#department` is an attribute of an extension.
"""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.entra import promises, scene
from tests.support.gateway import Gateway

RECORDED = orjson.loads(Path(__file__).with_name("cases.json").read_bytes())
CASES: list[dict[str, Any]] = RECORDED["cases"]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
async def test_a_recorded_request(gateway: Gateway, case: dict[str, Any]) -> None:
    played = await scene.play(scene.Scene(gateway, RECORDED["people"]), case)
    assert played.answer.status == case["status"], (case["checks"], played.answer.raw)
    await promises.keep(played)


def test_every_case_promises_more_than_a_status() -> None:
    assert [case["name"] for case in CASES if not case["then"]] == []
    assert len({case["name"] for case in CASES}) == len(CASES)
