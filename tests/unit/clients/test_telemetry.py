"""Logs without personal values, and metrics that exist before anything happened."""

import io
import logging

import orjson
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from clients import telemetry
from clients.redis.types import Depths, ForeignRedis, RedisFull, RedisUnavailable


@pytest.fixture
def stream() -> io.BytesIO:
    return io.BytesIO()


def lines(stream: io.BytesIO) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_time_and_level(stream: io.BytesIO) -> None:
    telemetry.make_logger("info", stream).info("worker_started", tenant="acme", slots=64)
    [line] = lines(stream)
    assert (line["event"], line["level"], line["slots"]) == ("worker_started", "info", 64)
    assert str(line["timestamp"]).endswith("Z")


def test_a_line_below_the_level_is_not_written(stream: io.BytesIO) -> None:
    telemetry.make_logger("warning", stream).info("detail")
    assert not stream.getvalue()


@pytest.mark.parametrize(
    "key", ["userName", "user_name", "Authorization", "secret-token", "emails", "externalId"]
)
def test_personal_and_secret_values_are_masked_at_any_depth(stream: io.BytesIO, key: str) -> None:
    log = telemetry.make_logger("info", stream)
    log.info("event", **{key: "ada@example.com"})
    log.info("event", nested={key: ["ada@example.com"]}, rows=[{key: "ada@example.com"}])
    assert b"ada@example.com" not in stream.getvalue()
    assert stream.getvalue().count(b'"***"') == 3


def fail() -> None:
    raise ValueError("ada@example.com")


def test_an_exception_is_told_by_class_and_frames_without_its_message(
    stream: io.BytesIO,
) -> None:
    log = telemetry.make_logger("info", stream)
    try:
        fail()
    except ValueError as error:
        log.exception("broke")
        log.warning("broke", exc_info=error)
    for line in lines(stream):
        assert line["error_type"] == "ValueError"
        assert "test_telemetry.py" in str(line["frames"])
    assert b"ada@" not in stream.getvalue()


def test_a_value_that_is_no_json_does_not_break_the_line(stream: io.BytesIO) -> None:
    telemetry.make_logger("info", stream).info("event", odd=object(), keys={1: 2})
    assert lines(stream)[0]["odd"] == "object"


def test_a_librarys_record_is_one_short_line_without_arguments(stream: io.BytesIO) -> None:
    library = logging.getLogger("aiohttp")
    before = (library.handlers, library.propagate, library.level)
    try:
        telemetry.configure("info", stream)
        logging.getLogger("aiohttp.server").error(
            "Error handling request from %s", "203.0.113.9", exc_info=ValueError("ada@")
        )
    finally:
        library.handlers, library.propagate, library.level = before
    [line] = lines(stream)
    assert line["event"] == "library_log"
    assert (line["logger"], line["error_type"]) == ("aiohttp.server", "ValueError")
    assert b"203.0.113.9" not in stream.getvalue()
    assert b"Traceback" not in stream.getvalue()


def scrape(registry: CollectorRegistry) -> dict[str, list[dict[str, str]]]:
    """Sample name -> label sets of a real scrape."""
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(dict(sample.labels))
    return found


def test_bounded_label_sets_are_born_at_zero() -> None:
    registry = CollectorRegistry()
    telemetry.Metrics(registry, version="1.2.3")
    found = scrape(registry)
    assert {each["outcome"] for each in found["bldng_scim_jobs_total"]} == {
        "ok", "retry", "park", "block", "release", "dead",
    }  # fmt: skip
    assert len(found["bldng_scim_writes_total"]) == 2 * 3 * 4
    assert {"resource": "user", "op": "deactivate"} in found["bldng_scim_sync_latency_seconds_sum"]
    assert {"reason": "expired"} in found["bldng_scim_auth_failures_total"]
    assert found["bldng_scim_build_info"] == [{"version": "1.2.3"}]


def test_two_registries_share_nothing() -> None:
    one = telemetry.Metrics(CollectorRegistry())
    two = telemetry.Metrics(CollectorRegistry())
    one.resyncs.inc()
    assert one.registry.get_sample_value("bldng_scim_resyncs_total") == 1
    assert two.registry.get_sample_value("bldng_scim_resyncs_total") == 0


def test_the_queue_is_exported_from_the_snapshot_of_the_moment() -> None:
    registry = CollectorRegistry()
    snapshots = [telemetry.QueueSnapshot()]
    registry.register(telemetry.QueueCollector(lambda: snapshots[-1]))
    depths = Depths(ready=5, delayed=4, running=3, dead=2, oldest_unsynced_ms=90_500)
    snapshots.append(telemetry.QueueSnapshot(depths, tenants=7))
    value = registry.get_sample_value
    assert value("bldng_scim_queue_depth", {"state": "ready"}) == 5
    assert value("bldng_scim_queue_depth", {"state": "parked"}) == 0
    assert value("bldng_scim_queue_oldest_age_seconds") == 90.5
    assert value("bldng_scim_unsynced_resources") == 14
    assert value("bldng_scim_guard_held_operations") == 0
    assert value("bldng_scim_tenants") == 7


@pytest.mark.parametrize(
    ("error", "kind"),
    [(RedisUnavailable(), "unavailable"), (RedisFull(), "full"), (ForeignRedis(), "foreign")],
)
def test_redis_errors_are_counted_by_kind(error: RedisUnavailable, kind: str) -> None:
    metrics = telemetry.Metrics(CollectorRegistry())
    metrics.redis_failed(error)
    value = metrics.registry.get_sample_value
    assert value("bldng_scim_redis_errors_total", {"kind": kind}) == 1
