"""Bearer tokens: their shape, what is refused before any look-up, and what is stored."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.redis.types import Token
from gateway import tokens

ENTROPY = st.binary(min_size=tokens.ENTROPY_BYTES, max_size=tokens.ENTROPY_BYTES)
SECRET = tokens.make(bytes(range(tokens.ENTROPY_BYTES)))


def record(**changes: object) -> Token:
    fields: dict[str, object] = {
        "key_id": SECRET.key_id,
        "tenant": "acme",
        "digest": SECRET.digest,
        "created_ms": 0,
    }
    return Token(**(fields | changes))  # type: ignore[arg-type]


@given(entropy=ENTROPY)
def test_a_token_reads_back_as_its_key_id(entropy: bytes) -> None:
    secret = tokens.make(entropy)
    assert tokens.parse(secret.text) == secret.key_id
    assert re.fullmatch(r"bscim_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}", secret.text)


def test_a_token_is_short_enough_for_entra_and_not_in_what_is_stored() -> None:
    assert len(SECRET.text) <= 100
    assert SECRET.text not in SECRET.digest


@given(entropy=ENTROPY, other=ENTROPY)
def test_different_entropy_gives_different_tokens(entropy: bytes, other: bytes) -> None:
    same = entropy == other
    assert (tokens.make(entropy).text == tokens.make(other).text) is same


def test_too_little_entropy_is_refused() -> None:
    with pytest.raises(ValueError, match="38 random bytes"):
        tokens.make(b"short")


@given(at=st.integers(6, len(SECRET.text) - 1), char=st.sampled_from("09azAZ_ "))
def test_one_wrong_character_is_found_by_the_checksum(at: int, char: str) -> None:
    damaged = SECRET.text[:at] + char + SECRET.text[at + 1 :]
    if damaged != SECRET.text:
        with pytest.raises(tokens.Rejected) as refused:
            tokens.parse(damaged)
        assert refused.value.reason == "checksum"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "malformed"),
        ("wrong", "malformed"),
        ("bscim_", "checksum"),
        (SECRET.text[:-1], "checksum"),
        (SECRET.text + "x", "checksum"),
        (SECRET.text.upper(), "malformed"),
        ("bscim_" + "ä" * 58, "checksum"),
    ],
)
def test_what_is_no_token_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(tokens.Rejected) as refused:
        tokens.parse(text)
    assert refused.value.reason == reason


@pytest.mark.parametrize("stored", [None, record(digest="0" * 64)])
def test_a_token_that_is_not_stored_is_unknown(stored: Token | None) -> None:
    with pytest.raises(tokens.Rejected, match="unknown"):
        tokens.verify(SECRET.text, stored)


@pytest.mark.parametrize(
    ("stored", "tenant", "reason"),
    [
        (record(revoked_ms=1000), "acme", "revoked"),
        (record(expires_ms=1000), "acme", "expired"),
        (record(), "other", "tenant_mismatch"),
    ],
)
def test_a_token_that_does_not_open_the_tenant_now(
    stored: Token, tenant: str, reason: str
) -> None:
    with pytest.raises(tokens.Rejected, match=reason):
        tokens.require_live(stored, tenant=tenant, now_ms=1000)


def test_a_token_opens_its_tenant_until_it_ends() -> None:
    stored = record(expires_ms=1001, revoked_ms=1001)
    tokens.require_live(tokens.verify(SECRET.text, stored), tenant="acme", now_ms=1000)
