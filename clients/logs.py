"""Logs: the structlog set-up.

A line is one JSON object of snake_case facts and ids, never a person's data: `redact` masks what
should not have been passed, and an exception is logged as its class and its frames, without its
message, because messages quote values.
"""

import logging
import sys
import traceback
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, BinaryIO, Final

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

MASK: Final = "***"
PERSONAL: Final = frozenset({
    "authorization", "cookie", "token", "secret", "secrettoken", "backendtoken", "password",
    "username", "email", "emails", "mail", "upn", "name", "displayname", "firstname", "lastname",
    "givenname", "familyname", "mobile", "phone", "phonenumbers", "addresses", "externalid",
    "ssosubject", "employeenumber", "department", "body", "doc", "query", "value",
})  # fmt: skip
"""Keys whose values are masked wherever they appear, written without case, `_` and `-`."""

_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
"""Types of values that hold no further keys: nearly all."""

LOUD_LIBRARIES: Final = ("aiohttp", "asyncio")
"""Libraries whose own loggers speak about requests and tasks of ours."""


def configure(level: str, stream: BinaryIO) -> FilteringBoundLogger:
    """Make the process' logger, the default of structlog too, and route library loggers into it.

    Raises ValueError for a level that is not one of debug, info, warning, error.
    """
    log = make_logger(level, stream)
    structlog.configure(
        processors=_processors(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(file=stream),
        cache_logger_on_first_use=True,
    )
    for name in LOUD_LIBRARIES:
        library = logging.getLogger(name)
        library.handlers = [LibraryLines(log)]
        library.propagate = False
        library.setLevel(logging.WARNING)
    return log


def make_logger(level: str, stream: BinaryIO) -> FilteringBoundLogger:
    """A logger that writes JSON lines to `stream`; nothing global is touched."""
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.BytesLogger(stream),
        processors=_processors(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
    ).bind()  # bound at once, it need not be for each line
    return logger


def _processors() -> list[structlog.typing.Processor]:
    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        frames_only,
        redact,
        rendered,
    ]


def rendered(_: WrappedLogger, __: str, event: EventDict) -> bytes:
    """The line of an event; of a value that JSON has no form for, the type's name."""
    return orjson.dumps(event, default=_type_name, option=orjson.OPT_NON_STR_KEYS)


def _type_name(value: object) -> str:
    return type(value).__name__


def redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Mask the value of every key in PERSONAL, at any depth (`userName`, `user_name`, ...)."""
    return {key: _masked(key, value) for key, value in event.items()}


def _masked(key: Any, value: Any) -> Any:
    if _is_personal(key):
        return MASK
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Mapping):
        return {inner: _masked(inner, held) for inner, held in value.items()}
    if isinstance(value, list | tuple):
        return [_masked("", held) for held in value]
    return value


@lru_cache(maxsize=1024)
def _is_personal(key: Any) -> bool:
    return str(key).replace("_", "").replace("-", "").lower() in PERSONAL


def frames_only(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Replace `exc_info` by `error_type` and `frames` (`file:line function`), no message."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exception()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["error_type"] = type(error).__name__
        event["frames"] = _frames(error)
    return event


def _frames(error: BaseException) -> list[str]:
    found = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in found]


class LibraryLines(logging.Handler):
    """Turns a library's log record into one `library_log` line.

    The template is kept and its arguments are dropped, since they quote requests; a traceback is
    reduced to the exception's class, so that a malformed request costs one short line.
    """

    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0] if record.exc_info else None
        self._log.log(
            record.levelno,
            "library_log",
            logger=record.name,
            template=str(record.msg)[:256],
            error_type=kind.__name__ if kind else None,
        )
