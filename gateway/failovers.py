"""Tells operators that Redis is another server than before: metrics and one log line."""

from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from clients.redis.durability import Ack
from clients.redis.failover import Change, Failovers
from clients.redis.health import Health
from clients.redis.stack import Stack
from clients.telemetry import Metrics
from gateway.settings import Settings

Tell = Callable[[Change], None]


def health(settings: Settings, redis: Stack, tell: Tell) -> Health:
    """What asks Redis how it is, for the life of a process."""
    failovers = Failovers(redis.client, redis.lane, redis.epoch, ack=settings.ack, tell=tell)
    return Health(
        redis.client,
        ack=settings.ack,
        allow_unsafe=settings.allow_unsafe_redis,
        failovers=failovers,
        lane=redis.lane,
    )


def teller(
    ack: Ack,
    metrics: Metrics,
    log: FilteringBoundLogger,
    *,
    repair: Callable[[str], None] = lambda _: None,
) -> Tell:
    """Counts and logs a change; the window stays until the next change or start.

    `repair` hears of each after which BLDNG may be ahead of Redis, with a name for it that all
    processes share.
    """

    def tell(change: Change) -> None:
        metrics.possible_loss_window.set(change.window_s)
        if change.failover:
            metrics.redis_failovers.inc()
        if change.failover or change.window_s:
            repair(f"failover-{change.since_ms}")
        level = log.warning if change.failover or change.window_s else log.info
        level(
            "redis_failover" if change.failover else "redis_restarted",
            ack=ack.value,
            possible_loss_window_s=round(change.window_s, 1),
            loss_certain=change.certain,
            **({"cure": CURE} if change.window_s else {}),
        )

    return tell


CURE = "acknowledged writes may be lost: in Entra, Restart provisioning; see docs/redis.md"
