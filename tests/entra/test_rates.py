"""Too many requests of a tenant, too many wrong tokens of a source: 429, and who still passes."""

import asyncio
from collections import Counter

from gateway import tokens
from gateway.app import now_ms
from mappers.scim import errors
from tests.entra.test_errors import is_error
from tests.support.gateway import Answer, Gateway, running
from tests.support.waiting import eventually

WRONG = f"Bearer {tokens.make(bytes(tokens.ENTROPY_BYTES)).text}"


async def crowd(gateway: Gateway, number: int, base: str = "", token: str = "") -> list[Answer]:
    url = f"{base or gateway.base}/Schemas"
    headers = {"Authorization": token or f"Bearer {gateway.token}"}
    return await asyncio.gather(*(gateway.raw("GET", url, headers=headers) for _ in range(number)))


def statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


async def test_more_than_the_rate_is_429_and_passes_after_the_wait(redis_url: str) -> None:
    async with running(redis_url, RATE_LIMIT="25", RATE_BURST="30") as gateway:
        answers = await crowd(gateway, 200)
        counts = statuses(answers)
        assert 30 <= counts[200] < 150
        assert counts.keys() == {200, 429}
        refused = next(answer for answer in answers if answer.status == 429)
        is_error(refused, errors.RateLimited, "25 requests a second, 30 at once")
        assert "BLDNG_SCIM_RATE_LIMIT" in refused.json["detail"]
        assert int(refused.headers["Retry-After"]) >= 1
        assert gateway.metric("rate_limited_total", scope="tenant") == counts[429]
        await asyncio.sleep(int(refused.headers["Retry-After"]))
        assert statuses(await crowd(gateway, 20)) == {200: 20}


async def test_tenants_do_not_share_a_rate(redis_url: str) -> None:
    async with running(redis_url, RATE_LIMIT="25", RATE_BURST="25") as gateway:
        await gateway.redis.tenants.create("other", org="org-other", now_ms=now_ms())
        other = f"Bearer {await gateway.issue('other')}"
        base = gateway.base.replace("/acme", "/other")
        assert statuses(await crowd(gateway, 200))[429] > 0
        assert statuses(await crowd(gateway, 20, base, other)) == {200: 20}


async def test_wrong_tokens_do_not_use_up_the_rate_of_a_tenant(redis_url: str) -> None:
    async with running(redis_url, RATE_LIMIT="25", RATE_BURST="25") as gateway:
        assert statuses(await crowd(gateway, 300, token=WRONG)).keys() == {401, 429}
        assert statuses(await crowd(gateway, 25)) == {200: 25}
        assert gateway.metric("rate_limited_total", scope="tenant") == 0


async def test_a_source_of_wrong_tokens_is_locked_and_a_right_token_still_passes(
    redis_url: str,
) -> None:
    async with running(redis_url, AUTH_FAILURE_LIMIT="5", TOKEN_CACHE_S="0") as gateway:
        answers = await crowd(gateway, 100, token=WRONG)
        counts = statuses(answers)
        assert 5 <= counts[401] < 50
        refused = next(answer for answer in answers if answer.status == 429)
        is_error(refused, errors.TooManyRefused, "wrong token")
        assert int(refused.headers["Retry-After"]) >= 1
        assert refused.headers["Connection"] == "close"
        assert gateway.metric("rate_limited_total", scope="source") == counts[429]
        assert gateway.metric("auth_failures_total", reason="unknown") == 100
        assert statuses(await crowd(gateway, 20)) == {200: 20}

        async def forgiven() -> bool:
            return statuses(await crowd(gateway, 1, token=WRONG)) == {401: 1}

        await eventually(forgiven)


async def test_other_tenants_paths_are_the_same_source(redis_url: str) -> None:
    async with running(redis_url, AUTH_FAILURE_LIMIT="5") as gateway:
        urls = [gateway.base.replace("/acme", f"/t{number}") for number in range(100)]
        sent = (crowd(gateway, 1, url, WRONG) for url in urls)
        counts = statuses([answers[0] for answers in await asyncio.gather(*sent)])
        assert counts[429] > 50


async def test_no_limit(redis_url: str) -> None:
    async with running(redis_url, RATE_LIMIT="0", AUTH_FAILURE_LIMIT="0") as gateway:
        assert statuses(await crowd(gateway, 300)) == {200: 300}
        assert statuses(await crowd(gateway, 100, token=WRONG)) == {401: 100}
