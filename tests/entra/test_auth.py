"""Who gets in, and that everybody else gets the same 401 whatever the reason."""

from dataclasses import replace
from typing import Any

import pytest

from clients.redis.types import Policy
from gateway import tokens
from gateway.app import now_ms
from tests.support.gateway import Gateway, running

PATHS = ("/Users", "/Users/00000000-0000-4000-8000-000000000000", "/Schemas", "/Nothing", "/Me")
NEVER_STORED = tokens.make(bytes(tokens.ENTROPY_BYTES)).text
DAY_MS = 24 * 3600 * 1000


async def refused(gateway: Gateway, authorization: str, tenant: str = "acme") -> str:
    """The detail of a 401, without its reference."""
    url = f"{gateway.root}/scim/v2/{tenant}/Users"
    answer = await gateway.raw("GET", url, headers={"Authorization": authorization})
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), answer.raw
    return str(answer.json["detail"]).partition(" (ref ")[0]


async def test_every_wrong_combination_is_answered_alike(gateway: Gateway) -> None:
    tenants = gateway.redis.tenants
    await tenants.create("other", org="org-other", now_ms=now_ms(), policy=Policy.LINK)
    await tenants.create("shut", org="org-shut", now_ms=now_ms())
    shut = await gateway.issue("shut")
    await tenants.set_disabled("shut", disabled=True)
    wrong = {
        "unknown": (NEVER_STORED, "acme"),
        "expired": (await gateway.issue("acme", expires_ms=now_ms() - 1), "acme"),
        "revoked": (await gateway.issue("acme", revoked_ms=1), "acme"),
        "tenant_mismatch": (await gateway.issue("other"), "acme"),
        "tenant_disabled": (shut, "shut"),
        "tenant_unknown": (await gateway.issue("nobody"), "nobody"),
    }
    details = {
        reason: await refused(gateway, f"Bearer {token}", tenant)
        for reason, (token, tenant) in wrong.items()
    }
    details["no such tenant"] = await refused(gateway, f"Bearer {gateway.token}", "nowhere")
    assert len(set(details.values())) == 1, details
    counted = {reason: gateway.metric("auth_failures_total", reason=reason) for reason in wrong}
    assert counted == dict.fromkeys(wrong, 1) | {"tenant_mismatch": 2}


@pytest.mark.parametrize(
    ("authorization", "reason", "says"),
    [
        ("", "missing", "No bearer token"),
        ("Basic YTpi", "malformed", "not one of ours"),
        ("Bearer", "malformed", "not one of ours"),
        ("Bearer wrong", "malformed", "not one of ours"),
        ("Bearer {cut}", "checksum", "incomplete"),
        ("Bearer {token} {token}", "checksum", "incomplete"),
    ],
)
async def test_a_mangled_token_is_told_apart_without_a_look_up(
    gateway: Gateway, authorization: str, reason: str, says: str
) -> None:
    given = authorization.replace("{cut}", gateway.token[:-3])
    detail = await refused(gateway, given.replace("{token}", gateway.token))
    assert says in detail
    assert gateway.metric("auth_failures_total", reason=reason) == 1


@pytest.mark.parametrize("path", PATHS)
async def test_a_token_opens_no_path_of_another_tenant(gateway: Gateway, path: str) -> None:
    await gateway.redis.tenants.create("other", org="org-other", now_ms=now_ms())
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        answer = await gateway.raw(
            method, f"{gateway.root}/scim/v2/other{path}", headers=gateway.authorized()
        )
        assert answer.status == 401


async def test_tenants_do_not_see_each_other(gateway: Gateway) -> None:
    mine = await gateway.create({"userName": "joy@contoso.com"})
    await gateway.redis.tenants.create("other", org="org-other", now_ms=now_ms())
    other = replace(
        gateway, base=f"{gateway.root}/scim/v2/other", token=await gateway.issue("other")
    )
    assert await other.total() == 0
    assert (await other.send("GET", f"/Users/{mine['id']}")).status == 404
    assert (await other.send("DELETE", f"/Users/{mine['id']}")).status == 404
    await other.create({"userName": "joy@contoso.com"})
    assert (await gateway.total(), await other.total()) == (1, 1)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER  "])
async def test_the_scheme_compares_without_case(gateway: Gateway, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {gateway.token}"}
    assert (await gateway.send("GET", "/Users", headers=headers)).status == 200


async def test_two_tokens_of_a_tenant_overlap(gateway: Gateway) -> None:
    second = await gateway.issue("acme", expires_ms=now_ms() + DAY_MS)
    for token in (gateway.token, second):
        headers = {"Authorization": f"Bearer {token}"}
        assert (await gateway.send("GET", "/Users", headers=headers)).status == 200


async def test_a_revocation_is_seen_when_the_memory_is_over(redis_url: str) -> None:
    async with running(redis_url, TOKEN_CACHE_S="0") as gateway:
        assert (await gateway.send("GET", "/Users")).status == 200
        [token] = await gateway.redis.tenants.tokens("acme")
        await gateway.redis.tenants.revoke_token(token.key_id, now_ms())
        assert (await gateway.send("GET", "/Users")).status == 401


async def test_a_known_token_is_not_looked_up_again(redis_url: str) -> None:
    async with running(redis_url, TOKEN_CACHE_S="300") as gateway:
        assert (await gateway.send("GET", "/Users")).status == 200
        [token] = await gateway.redis.tenants.tokens("acme")
        await gateway.redis.tenants.revoke_token(token.key_id, now_ms() + DAY_MS)
        assert (await gateway.send("GET", "/Users")).status == 200


async def test_no_token_is_in_redis(gateway: Gateway) -> None:
    everything: list[Any] = [
        await gateway.redis.client.dump(key) async for key in gateway.redis.client.scan_iter()
    ]
    assert not any(gateway.token[15:].encode() in value for value in everything)
