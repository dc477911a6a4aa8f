"""Errors and values out of Redis' replies. No I/O here."""

import ssl
from collections.abc import Sequence

import redis.exceptions

from clients.redis import types
from clients.redis.server import Address

CLIENT_ERRORS = (
    redis.exceptions.RedisError,
    redis.exceptions.RedisClusterException,
    OSError,
    RuntimeError,
)
"""What redis-py raises when a command fails. A RuntimeError is uvloop's, of a connection that was
closed between two commands; redis-py lets it through."""

_UNREACHABLE = (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError)

_CANNOT_SERVE = (
    redis.exceptions.ClusterError,
    redis.exceptions.RedisClusterException,
    redis.exceptions.TryAgainError,
    redis.exceptions.NoPermissionError,
)
"""Replies that say: the server cannot serve us now, our call is fine."""

_CANNOT_SERVE_WORDS = ("MISCONF", "NOREPLICAS", "BUSY", "TRYAGAIN", "CLUSTERDOWN")
"""The same, where the client has no class for it or a script's error hides the class."""

_OUT_OF_A_SCRIPT = (
    "cript attempted to access a non local key",
    "user executing the script can't run this command",
    "ACL failure in script",
)
"""A key that a script came upon was already sent to another node of the Cluster, or the account
lacks a command: on 6.2, and from 7.0."""


def classify(error: Exception) -> Exception:
    """Our exception for one of the client's; a script's own fault comes back as it is.

    Out of memory is a class of its own from Redis 7 and a script's error with a known text before.
    """
    text = str(error)
    full = isinstance(error, redis.exceptions.OutOfMemoryError)
    if full or "OOM command not allowed" in text:
        return types.RedisFull("Redis is full (maxmemory reached): nothing was written")
    if "FOREIGN_EPOCH" in text:
        return types.ForeignRedis("this Redis does not hold our installation's data")
    return _unavailable(error, text) or error


def _unavailable(error: Exception, text: str) -> types.RedisUnavailable | None:
    """What keeps the server from serving us now; None when our call is at fault."""
    if isinstance(error, redis.exceptions.AskError):
        moved = isinstance(error, redis.exceptions.MovedError)
        return types.Redirected(Address(error.host, error.port), asking=not moved)
    if _is_demoted(error, text):
        return types.NotMaster("Redis cannot serve now: it is a replica")
    if isinstance(error, _UNREACHABLE) or _is_closed(error, text):
        return types.RedisUnavailable(f"Redis cannot be reached: {_why(error)}")
    said = any(text.startswith(word) or f"-{word}" in text for word in _CANNOT_SERVE_WORDS)
    said |= any(words in text for words in _OUT_OF_A_SCRIPT)
    if said or isinstance(error, _CANNOT_SERVE):
        return types.RedisUnavailable(f"Redis cannot serve now: {type(error).__name__}")
    return None


def _is_closed(error: Exception, text: str) -> bool:
    """What uvloop says of a write on a connection that was closed meanwhile."""
    return isinstance(error, RuntimeError) and "closed" in text


def _is_demoted(error: Exception, text: str) -> bool:
    """READONLY, also out of a script, and what a replica without its master says."""
    known = (redis.exceptions.ReadOnlyError, redis.exceptions.MasterDownError)
    return isinstance(error, known) or "READONLY You can't write" in text


def _why(error: BaseException) -> str:
    """The kind of error; of TLS and of an account what to mend, never what was sent."""
    if isinstance(error, redis.exceptions.AuthenticationError):
        return "it refuses our user name or password"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed, {_tls_reason(cause)}"
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


def _tls_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {error.verify_message}"
    return str(error.reason or type(error).__name__).lower().replace("_", " ")


def is_unknown_script(reply: object) -> bool:
    """Whether the server's script cache lacks the script; then it did not run."""
    return isinstance(reply, redis.exceptions.NoScriptError)


def text(value: object) -> str:
    """A bulk reply as text; nothing is the empty string."""
    if isinstance(value, bytes):
        return value.decode()
    return "" if value is None else str(value)


def number(value: object, default: int = 0) -> int:
    """An integer reply, or an integer spelt as bytes; nothing is the default."""
    if isinstance(value, int):
        return value
    if isinstance(value, bytes) and value:
        return int(float(value))
    return default


def optional_number(value: object) -> int | None:
    return number(value) if value else None


def rows(reply: object) -> Sequence[object]:
    """A list reply."""
    if not isinstance(reply, list):
        raise TypeError(f"a list was expected from Redis, not {type(reply).__name__}")
    return reply


def stored(row: object) -> types.Stored:
    """One `[rk, version, document]` row."""
    rk, version, doc = rows(row)
    if not isinstance(doc, bytes):
        raise TypeError("a stored document must be bytes")
    return types.Stored(rk=text(rk), version=number(version), doc=doc)
