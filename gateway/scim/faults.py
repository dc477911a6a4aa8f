"""Every exception becomes a SCIM error here, and nowhere else."""

from typing import Any, Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from clients.redis.types import (
    ForeignRedis,
    IncompatibleData,
    NotDurable,
    RedisFull,
    RedisUnavailable,
)
from gateway.scim.call import Facts, Services
from mappers.scim import errors

REF_CHARS: Final = 12
"""Characters of the request id that an error's detail shows."""

FULL_RETRY_AFTER_S: Final = 60
"""A full Redis needs an operator, or the queue to drain; it will not be better in a moment."""


def reported(
    services: Services, facts: Facts, error: BaseException | None
) -> tuple[errors.ScimError, dict[str, Any]]:
    """The SCIM error and its message, counted; what is our fault is logged with its frames."""
    scim = as_scim_error(error)
    facts.noted["error"] = scim.name
    if isinstance(scim, errors.Internal):
        services.log.error("request_failed", request_id=facts.request_id, exc_info=error)
    if kind := redis_kind(error):
        services.metrics.redis_errors.labels(kind).inc()
    services.metrics.scim_errors.labels(str(scim.status), scim.scim_type or "").inc()
    return scim, errors.body(scim, ref=facts.request_id[:REF_CHARS])


def as_scim_error(error: BaseException | None) -> errors.ScimError:
    """The error to answer; what is not expected becomes Internal, without its text."""
    match error:
        case errors.ScimError():
            return error
        case RedisFull():
            return errors.Unavailable(retry_after_s=FULL_RETRY_AFTER_S)
        case RedisUnavailable():
            return errors.Unavailable()
        case web.HTTPRequestEntityTooLarge():
            return errors.PayloadTooLarge()
        case web.HTTPException() | web.RequestPayloadError() | HttpProcessingError():
            return errors.InvalidSyntax("The request could not be read. Send plain JSON.")
        case _:
            return errors.Internal()


def redis_kind(error: BaseException | None) -> str | None:
    """The label of `redis_errors_total` for an error, or None when Redis is not to blame."""
    match error:
        case RedisFull():
            return "full"
        case ForeignRedis():
            return "foreign"
        case NotDurable():
            return "not_durable"
        case IncompatibleData():
            return "incompatible"
        case RedisUnavailable():
            return "unavailable"
        case _:
            return None
