"""What commands take from the environment: settings, the clock, and the tenants in Redis."""

import getpass
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from clients.redis import stack
from clients.redis.stack import Stack
from clients.redis.tenants import Tenants
from gateway import settings
from gateway.cli.output import ExitCode, Failure
from gateway.settings import Settings


def configured(*required: str) -> Settings:
    """The settings of this process; `required` names optional ones that this command needs.

    Raises:
        Failure: USAGE, with one line for each setting that is wrong.
    """
    try:
        loaded = settings.load()
        loaded.require(*required)
    except settings.SettingsError as error:
        raise Failure(ExitCode.USAGE, str(error)) from None
    return loaded


@asynccontextmanager
async def tenants(loaded: Settings, *, install: bool = False) -> AsyncIterator[Tenants]:
    """The tenants of our installation; `install` makes one in an empty Redis.

    Without `install` an empty Redis is refused: it may be one that lost its data.
    Raises `RedisUnavailable` and its kinds, and `UnsafeRedis`.
    """
    async with redis(loaded, install=install) as opened:
        yield opened.tenants


def redis(loaded: Settings, *, install: bool = False) -> AbstractAsyncContextManager[Stack]:
    """Everything in the Redis of our installation; for the rest see `tenants`."""
    return stack.open_stack(
        loaded.redis_server(),
        timeout_ms=loaded.redis_timeout_ms,
        allow_volatile=loaded.allow_unsafe_redis,
        install=install,
        ack=loaded.ack,
    )


def operator() -> str:
    """Who runs the command, as the operating system has it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"


def now_ms() -> int:
    """Wall time in milliseconds."""
    return time.time_ns() // 1_000_000
