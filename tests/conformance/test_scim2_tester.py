"""scim2-tester, an independent check of RFC 7643 and 7644, finds nothing to say.

It builds its models from our discovery documents and then creates, reads, replaces, patches and
deletes every attribute of every resource type, so it proves that /Schemas tells the truth, too.
"""

import asyncio

import httpx2
import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import CheckResult, Status, check_server

from tests.support.gateway import Gateway

LEAST_CHECKS = 130
"""Fewer would mean that it could not read our schemas."""


@pytest.mark.parametrize("handling", ["lenient", "strict"])
async def test_an_independent_tester_finds_nothing(gateway: Gateway, handling: str) -> None:
    results = await asyncio.to_thread(checked, gateway, handling)
    assert [told(each) for each in results if each.status is not Status.SUCCESS] == []
    assert len(results) >= LEAST_CHECKS
    assert gateway.lines("request_failed") == []


def checked(gateway: Gateway, handling: str) -> list[CheckResult]:
    """What the tester found. Its client blocks, so it has a thread of its own."""
    headers = {**gateway.authorized(), "Prefer": f"handling={handling}"}
    with httpx2.Client(base_url=gateway.base, headers=headers) as http:
        return check_server(SyncSCIMClient(http))


def told(result: CheckResult) -> str:
    return f"{result.status.name} {result.resource_type} {result.title}: {result.reason}"
