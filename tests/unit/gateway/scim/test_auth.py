"""The memory of checked tokens, with a clock in hand and a real Redis behind it."""

import pytest
from prometheus_client import CollectorRegistry

from clients.redis.stack import Stack
from clients.redis.types import Tenant, Token
from clients.telemetry import Metrics
from gateway import tokens
from gateway.scim.auth import Authenticator
from mappers.scim import errors

SECRET = tokens.make(bytes(range(tokens.ENTROPY_BYTES)))
HEADER = f"Bearer {SECRET.text}"


class Clock:
    """Seconds for the memory, milliseconds for expiry: one hand for both."""

    def __init__(self) -> None:
        self.at_s = 1_700_000_000.0

    def seconds(self) -> float:
        return self.at_s

    def now_ms(self) -> int:
        return int(self.at_s * 1000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def door(redis_stack: Stack, clock: Clock) -> Authenticator:
    """An authenticator that remembers for a minute."""
    return make(redis_stack, clock)


def make(redis_stack: Stack, clock: Clock, cache_size: int = 10) -> Authenticator:
    return Authenticator(
        redis_stack.tenants,
        Metrics(CollectorRegistry()),
        cache_s=60,
        cache_size=cache_size,
        clock=clock.seconds,
        now_ms=clock.now_ms,
    )


async def store(redis_stack: Stack, **record: int) -> None:
    token = Token(SECRET.key_id, "acme", SECRET.digest, created_ms=0, **record)
    assert await redis_stack.tenants.add_token(token)


async def test_a_token_opens_its_tenant(
    door: Authenticator, redis_stack: Stack, tenant: Tenant
) -> None:
    await store(redis_stack)
    assert await door.tenant("acme", HEADER) == tenant


async def test_a_header_that_is_no_text_is_refused_like_any_other(door: Authenticator) -> None:
    undecodable = b"Bearer \xff".decode("utf-8", "surrogateescape")  # as the HTTP server gives it
    with pytest.raises(errors.Unauthorized, match="not one of ours"):
        await door.tenant("acme", undecodable)


async def test_a_remembered_token_still_ends_on_time(
    door: Authenticator, redis_stack: Stack, tenant: Tenant, clock: Clock
) -> None:
    await store(redis_stack, expires_ms=clock.now_ms() + 1000)
    await door.tenant("acme", HEADER)
    clock.at_s += 0.999
    await door.tenant("acme", HEADER)
    clock.at_s += 0.001
    with pytest.raises(errors.Unauthorized):
        await door.tenant("acme", HEADER)


async def test_a_remembered_token_still_opens_only_its_tenant(
    door: Authenticator, redis_stack: Stack, tenant: Tenant
) -> None:
    await store(redis_stack)
    await door.tenant("acme", HEADER)
    with pytest.raises(errors.Unauthorized):
        await door.tenant("other", HEADER)


async def test_a_revocation_and_a_closed_tenant_are_seen_when_the_memory_is_over(
    door: Authenticator, redis_stack: Stack, tenant: Tenant, clock: Clock
) -> None:
    await store(redis_stack)
    await door.tenant("acme", HEADER)
    await redis_stack.tenants.set_disabled("acme", disabled=True)
    clock.at_s += 60
    await door.tenant("acme", HEADER)
    clock.at_s += 0.1
    with pytest.raises(errors.Unauthorized):
        await door.tenant("acme", HEADER)


async def test_the_memory_is_bounded_and_forgets_the_oldest(
    redis_stack: Stack, tenant: Tenant, clock: Clock
) -> None:
    door = make(redis_stack, clock, cache_size=2)
    texts = [tokens.make(bytes([n]) * tokens.ENTROPY_BYTES) for n in range(3)]
    for secret in texts:
        token = Token(secret.key_id, "acme", secret.digest, created_ms=0)
        assert await redis_stack.tenants.add_token(token)
        await door.tenant("acme", f"Bearer {secret.text}")
    for secret in texts:
        await redis_stack.tenants.revoke_token(secret.key_id, 1)
    with pytest.raises(errors.Unauthorized):
        await door.tenant("acme", f"Bearer {texts[0].text}")
    await door.tenant("acme", f"Bearer {texts[2].text}")
