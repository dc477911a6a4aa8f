"""Bearer tokens: making, reading and checking them. No I/O here; entropy and time are arguments.

A token reads `bscim_<key id>_<secret><checksum>`: 8, 43 and 6 characters of base62, 64 in all.
Entra refuses to save secrets that are much longer than 100 characters (azure-docs #40093). The
checksum finds a half-copied token before anything is looked up, and lets secret scanners match
`bscim_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}` without false alarms. Redis holds the SHA-256 only.
"""

import hashlib
import hmac
import re
import string
import zlib
from dataclasses import dataclass
from typing import Final

from clients.redis.types import Token

ENTROPY_BYTES: Final = 38
"""How many random bytes `make` wants: 6 for the key id, 32 for the secret."""

_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_KEY_ID_CHARS: Final = 8
_SECRET_CHARS: Final = 43
_CHECKSUM_CHARS: Final = 6
_SHAPE: Final = re.compile(r"bscim_([0-9A-Za-z]{8})_[0-9A-Za-z]{49}")


class Rejected(Exception):
    """A token that must not be accepted; `reason` labels the metric `auth_failures_total`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Secret:
    """A token as it is shown once: `text` for the customer, `key_id` and `digest` to store."""

    text: str
    key_id: str
    digest: str


def make(entropy: bytes) -> Secret:
    """Make a token of ENTROPY_BYTES random bytes. Raises ValueError when given another number."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"a token takes {ENTROPY_BYTES} random bytes, got {len(entropy)}")
    key_id = _base62(int.from_bytes(entropy[:6]), _KEY_ID_CHARS)
    body = f"bscim_{key_id}_{_base62(int.from_bytes(entropy[6:]), _SECRET_CHARS)}"
    text = body + _checksum(body)
    return Secret(text=text, key_id=key_id, digest=digest(text))


def parse(text: str) -> str:
    """The key id of a token. Raises Rejected (malformed, checksum) without any look-up."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise Rejected("checksum" if text.startswith("bscim_") else "malformed")
    if _checksum(text[:-_CHECKSUM_CHARS]) != text[-_CHECKSUM_CHARS:]:
        raise Rejected("checksum")
    return match[1]


def digest(text: str) -> str:
    """What is stored of a token: its SHA-256 in hex; of any text, also one that is no token."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def verify(text: str, record: Token | None) -> Token:
    """The record that `text` is the secret of, compared in constant time. Raises Rejected."""
    if record is None or not hmac.compare_digest(digest(text), record.digest):
        raise Rejected("unknown")
    return record


def require_live(record: Token, *, tenant: str, now_ms: int) -> None:
    """Raise Rejected (revoked, expired, tenant_mismatch) unless the token opens `tenant` now."""
    if record.revoked_ms is not None and record.revoked_ms <= now_ms:
        raise Rejected("revoked")
    if record.expires_ms is not None and record.expires_ms <= now_ms:
        raise Rejected("expired")
    if record.tenant != tenant:
        raise Rejected("tenant_mismatch")


def _base62(number: int, width: int) -> str:
    """The lowest `width` base62 digits of a number, padded with zeros."""
    digits = []
    for _ in range(width):
        number, rest = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[rest])
    return "".join(reversed(digits))


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECKSUM_CHARS)
