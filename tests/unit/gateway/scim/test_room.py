"""When creates are refused for want of memory, and how a server counts itself."""

import pytest
from prometheus_client import CollectorRegistry

from clients.redis import memory
from clients.telemetry import Metrics
from gateway.scim.room import Room
from mappers.scim import errors


def refuses(room: Room) -> bool:
    try:
        room.require()
    except errors.NearlyFull:
        return True
    return False


@pytest.mark.parametrize(
    ("limit", "shares", "refused"),
    [
        (0.9, [0.5, 0.9, 0.901, 0.86, 0.851], [False, False, True, True, True]),
        (0.9, [0.95, 0.849, 0.89, 0.91], [True, False, False, True]),
        (0.5, [0.51, 0.46, 0.44], [True, True, False]),
        (1.0, [0.99, 1.2], [False, False]),
    ],
)
def test_it_enters_above_the_limit_and_leaves_well_below(
    limit: float, shares: list[float], refused: list[bool]
) -> None:
    metrics = Metrics(CollectorRegistry())
    room, seen = Room(limit, metrics), []
    for share in shares:
        room.observe(share)
        seen.append(refuses(room))
        assert bool(room.warnings()) == refuses(room)
        assert metrics.registry.get_sample_value("bldng_scim_redis_memory_ratio") == share
    assert seen == refused


def test_the_warning_names_figures_and_cure() -> None:
    room = Room(0.9, Metrics(CollectorRegistry()))
    room.observe(0.923)
    [warning] = room.warnings()
    assert warning.startswith("redis uses 92% of maxmemory")
    assert "below 85%; raise maxmemory" in warning


@pytest.mark.parametrize(
    ("info", "share"),
    [
        ({"maxmemory": 0, "used_memory": 5}, 0.0),
        ({}, 0.0),
        ({"maxmemory": 100, "used_memory": 95}, 0.95),
        ({"maxmemory": 100, "used_memory": 95, "mem_not_counted_for_evict": 15}, 0.8),
        ({"maxmemory": 100, "used_memory": 5, "mem_not_counted_for_evict": 15}, 0.0),
    ],
)
def test_a_server_counts_as_it_does_itself(info: dict[str, int], share: float) -> None:
    assert memory.share(info) == pytest.approx(share)
