"""The request metrics, with the child of each label set looked up once."""

from prometheus_client import Counter, Histogram

from clients.telemetry import Metrics


class Meters:
    """Counts requests and times them. Label sets are bounded: methods, routes and statuses are."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._timers: dict[tuple[str, str], Histogram] = {}
        self._writes: dict[tuple[str, str, str], Counter] = {}

    def observe(self, method: str, route: str, status: int, duration_s: float) -> None:
        """Record one answered request."""
        counter = self._counters.get((method, route, status))
        if counter is None:
            counter = self._metrics.http_requests.labels(method, route, str(status))
            self._counters[method, route, status] = counter
        timer = self._timers.get((method, route))
        if timer is None:
            timer = self._metrics.http_request_duration.labels(method, route)
            self._timers[method, route] = timer
        counter.inc()
        timer.observe(duration_s)

    def count_write(self, resource: str, op: str, result: str) -> None:
        """Record what became of one write."""
        counter = self._writes.get((resource, op, result))
        if counter is None:
            counter = self._metrics.writes.labels(resource, op, result)
            self._writes[resource, op, result] = counter
        counter.inc()
