"""Telemetry of gateway and workers: every metric object here, the log set-up in `clients.logs`.

Metrics live in a registry that the caller owns and hands in; every label set that can be known
beforehand is born at zero, so that an alert on its absence works. No label names a person.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import prometheus_client as prometheus
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from clients.logs import configure, make_logger
from clients.redis.types import (
    Depths,
    ForeignRedis,
    IncompatibleData,
    NotDurable,
    Outcome,
    RedisFull,
    RedisUnavailable,
)

__all__ = [
    "Metrics",
    "QueueCollector",
    "QueueSnapshot",
    "at_zero",
    "configure",
    "make_logger",
]

PREFIX: Final = "bldng_scim"
"""Of every metric's name."""

AUTH_FAILURES: Final = (
    "missing", "malformed", "checksum", "unknown", "expired", "revoked",
    "tenant_mismatch", "tenant_unknown", "tenant_disabled",
)  # fmt: skip
WRITE_RESULTS: Final = ("applied", "noop", "conflict", "rejected")
SYNC_OPERATIONS: Final = ("create", "update", "deactivate", "delete")
RESOURCES: Final = ("user", "group")

REQUEST_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
JOB_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
FRESHNESS_SECONDS: Final = (
    0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900, 1800, 3600, 4 * 3600, 12 * 3600, 24 * 3600,
)  # fmt: skip
"""Accepted to confirmed: half a second to a day; 120 s and 300 s are the service levels."""
ATTEMPTS: Final = (1, 2, 3, 5, 8, 12, 16)


class Metrics:
    """Every metric object. Unlabelled ones are used as they are, labelled ones by `.labels(...)`.

    A child fetched once by `.labels(...)` may be kept: it is the same object for the same labels.
    """

    def __init__(self, owner: CollectorRegistry, *, version: str = "0") -> None:
        self.registry = owner
        self._intake()
        self._jobs()
        self._backend()
        self._process(version)

    def _intake(self) -> None:
        self.http_requests = self._counter(
            "http_requests_total", "SCIM requests answered.", "method", "route", "code"
        )
        self.http_request_duration = self._histogram(
            "http_request_duration_seconds",
            "Time from a SCIM request's head to its answer.",
            "method",
            "route",
            buckets=REQUEST_SECONDS,
        )
        self.http_requests_in_flight = self._gauge(
            "http_requests_in_flight", "SCIM requests being answered."
        )
        self.scim_errors = self._counter(
            "scim_errors_total", "SCIM errors answered.", "status", "scim_type"
        )
        self.writes = self._counter(
            "writes_total", "Writes by what became of them.", "resource", "op", "result"
        )
        at_zero(self.writes, RESOURCES, ("create", "update", "delete"), WRITE_RESULTS)
        self.filter_matches = self._counter(
            "filter_matches_total", "Filtered lists by how many resources matched.", "result"
        )
        at_zero(self.filter_matches, ("none", "one", "many"))
        self.auth_failures = self._counter(
            "auth_failures_total", "Requests refused for their token, by reason.", "reason"
        )
        at_zero(self.auth_failures, AUTH_FAILURES)
        self.rate_limited = self._counter(
            "rate_limited_total", "Requests answered 429, by who sent too many.", "scope"
        )
        at_zero(self.rate_limited, ("tenant", "source"))
        self.ignored_attributes = self._counter(
            "ignored_attributes_total", "Unknown attributes that a request carried."
        )

    def _jobs(self) -> None:
        self.jobs = self._counter("jobs_total", "Sync attempts by outcome.", "outcome")
        at_zero(self.jobs, tuple(Outcome))
        self.sync_latency = self._histogram(
            "sync_latency_seconds",
            "First unconfirmed change accepted, to the change confirmed by BLDNG.",
            "resource",
            "op",
            buckets=FRESHNESS_SECONDS,
        )
        at_zero(self.sync_latency, RESOURCES, SYNC_OPERATIONS)
        self.members_synced = self._counter(
            "members_synced_total", "Changes of group members that BLDNG confirmed.", "change"
        )
        at_zero(self.members_synced, ("add", "remove"))
        self.job_duration = self._histogram(
            "job_duration_seconds", "Time of one sync attempt.", buckets=JOB_SECONDS
        )
        self.job_attempts = self._histogram(
            "job_attempts", "Attempts that a confirmed or dead change took.", buckets=ATTEMPTS
        )
        self.jobs_reclaimed = self._counter(
            "jobs_reclaimed_total", "Leases that expired and were returned to the queue."
        )
        self.stale_settles = self._counter(
            "stale_settles_total", "Settles refused because the lease was lost."
        )
        self.resyncs = self._counter("resyncs_total", "Resources marked to be sent once more.")
        self.drift = self._counter(
            "drift_total", "Records that vanished at BLDNG and were made again."
        )
        self.swept_resources = self._counter(
            "swept_resources_total", "Resources that the sweep compared with BLDNG."
        )
        self.drift_resources = self._counter(
            "drift_resources_total", "Resources that the sweep found different.", "resource"
        )
        at_zero(self.drift_resources, RESOURCES)
        self.worker_slots = self._gauge("worker_slots", "Slots of this worker by state.", "state")
        at_zero(self.worker_slots, ("busy", "idle"))

    def _backend(self) -> None:
        self.backend_requests = self._counter(
            "backend_requests_total", "Requests to BLDNG.", "operation", "code"
        )
        self.backend_request_duration = self._histogram(
            "backend_request_duration_seconds",
            "Time of a request to BLDNG.",
            "operation",
            buckets=REQUEST_SECONDS,
        )
        self.backend_concurrency_limit = self._gauge(
            "backend_concurrency_limit",
            "Resources that this worker has in hand at most, learnt from how BLDNG takes it.",
        )
        self.backend_throttled_seconds = self._counter(
            "backend_throttled_seconds_total", "Time that BLDNG asked tenants to wait."
        )

    def _process(self, version: str) -> None:
        self.redis_errors = self._counter("redis_errors_total", "Failed Redis calls.", "kind")
        at_zero(
            self.redis_errors, ("unavailable", "full", "foreign", "not_durable", "incompatible")
        )
        self.redis_failovers = self._counter(
            "redis_failovers_total", "Times that another copy of Redis' data took over."
        )
        self.possible_loss_window = self._gauge(
            "possible_loss_window_seconds",
            "Time before the last change of Redis whose writes may be lost; 0 when none are.",
        )
        self.redis_memory_ratio = self._gauge(
            "redis_memory_ratio", "Share of Redis' maxmemory that is used; 0 without a limit."
        )
        self.event_loop_lag = self._gauge(
            "event_loop_lag_seconds", "How late the last timer of the event loop fired."
        )
        self.build_info = self._gauge("build_info", "Always 1.", "version")
        self.build_info.labels(version).set(1)
        prometheus.ProcessCollector(registry=self.registry)
        prometheus.PlatformCollector(registry=self.registry)
        prometheus.GCCollector(registry=self.registry)

    def observe_backend(self, operation: str, code: str, duration_s: float) -> None:
        """One request to BLDNG was made; what `clients.bldng.client.connect` calls an observer."""
        self.backend_requests.labels(operation, code).inc()
        self.backend_request_duration.labels(operation).observe(duration_s)

    def redis_failed(self, error: RedisUnavailable) -> None:
        """A call on Redis failed: count it by kind."""
        kinds: dict[type[RedisUnavailable], str] = {
            RedisFull: "full",
            ForeignRedis: "foreign",
            NotDurable: "not_durable",
            IncompatibleData: "incompatible",
        }
        self.redis_errors.labels(kinds.get(type(error), "unavailable")).inc()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", text, labels, registry=self.registry)

    def _histogram(
        self, name: str, text: str, *labels: str, buckets: tuple[float, ...]
    ) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", text, labels, registry=self.registry, buckets=buckets)


def at_zero(metric: MetricWrapperBase, *values: Iterable[str]) -> None:
    """Make the child of every combination of label values, so that it is exported as zero."""
    for combination in itertools.product(*values):
        metric.labels(*combination)


@dataclass(frozen=True, slots=True)
class QueueSnapshot:
    """What the queue held when last looked at; `depths` sums all tenants, ages in milliseconds."""

    depths: Depths = field(default_factory=Depths)
    tenants: int = 0


class QueueCollector(Collector):
    """Exports the snapshot that `fetch` returns; the process refreshes it before a scrape.

    Every process exports the same global figures: rules use `max` over instances, never `sum`.
    """

    STATES: Final = ("ready", "delayed", "running", "parked", "held", "dead")

    def __init__(self, fetch: Callable[[], QueueSnapshot]) -> None:
        self._fetch = fetch

    def collect(
        self,
    ) -> Iterator[Metric]:
        snapshot = self._fetch()
        yield self._depth(snapshot.depths)
        for name, text, value in self._totals(snapshot):
            yield GaugeMetricFamily(f"{PREFIX}_{name}", text, value=value)

    def _depth(self, depths: Depths) -> Metric:
        family = GaugeMetricFamily(
            f"{PREFIX}_queue_depth", "Resources with an unconfirmed change.", labels=["state"]
        )
        for state in self.STATES:
            family.add_metric([state], getattr(depths, state))
        return family

    @staticmethod
    def _totals(snapshot: QueueSnapshot) -> Iterator[tuple[str, str, float]]:
        depths = snapshot.depths
        oldest_s = depths.oldest_unsynced_ms / 1000
        unsynced = sum(getattr(depths, state) for state in QueueCollector.STATES)
        yield "queue_oldest_age_seconds", "Age of the oldest unconfirmed change.", oldest_s
        yield "unsynced_resources", "Resources that BLDNG does not hold as desired.", unsynced
        yield "guard_held_operations", "People held by the mass-change guard.", depths.held
        yield "tenants", "Tenants.", snapshot.tenants
