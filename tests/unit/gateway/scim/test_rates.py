"""Token buckets, and where refused tokens come from."""

import random

import pytest

from gateway.scim.admission import source_of
from gateway.scim.rates import Rates


def taken(rates: Rates, key: str, now_s: float, number: int) -> int:
    return sum(rates.wait_s(key, now_s) == 0 for _ in range(number))


def test_a_burst_passes_and_then_the_rate() -> None:
    rates = Rates(per_s=100, burst=200, most=10)
    assert taken(rates, "acme", 1e6, 300) == 200
    assert rates.wait_s("acme", 1e6) == pytest.approx(0.01)
    assert taken(rates, "acme", 1e6 + 0.5, 300) == 50
    assert taken(rates, "acme", 1e6 + 100, 300) == 200


def test_who_waits_as_long_as_told_passes() -> None:
    rates, now_s = Rates(per_s=30, burst=30, most=10), 5.0
    assert taken(rates, "acme", now_s, 100) == 30
    for _ in range(1000):
        now_s += rates.wait_s("acme", now_s)
        assert rates.wait_s("acme", now_s) == 0


def test_a_refusal_takes_nothing() -> None:
    rates = Rates(per_s=100, burst=1, most=10)
    assert taken(rates, "acme", 0.0, 1000) == 1
    assert rates.wait_s("acme", 0.01) == 0


@pytest.mark.parametrize("seed", range(5))
def test_no_span_has_more_than_the_rate_and_one_burst(seed: int) -> None:
    dice, rates, now_s, passed = random.Random(seed), Rates(per_s=50, burst=20, most=9), 0.0, []
    for _ in range(5000):
        now_s += dice.expovariate(200)
        if rates.wait_s("acme", now_s) == 0:
            passed.append(now_s)
    for begin, at_s in enumerate(passed):
        within = sum(at_s <= each < at_s + 1 for each in passed[begin : begin + 100])
        assert within <= 50 + 20 + 1


def test_keys_do_not_share_and_are_bounded() -> None:
    rates = Rates(per_s=1, burst=1, most=100)
    assert taken(rates, "acme", 0.0, 2) == 1
    assert all(rates.wait_s(f"t{number}", 0.0) == 0 for number in range(99))
    assert rates.wait_s("acme", 0.0) > 0, "still remembered"
    assert rates.wait_s("one more", 0.0) == 0
    assert len(rates) == 100
    assert rates.wait_s("acme", 0.0) == 0, "the one that passed longest ago was forgotten"


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        (None, ""),
        ("/run/gateway.sock", ""),
    ],
)
def test_sources(address: str | None, source: str) -> None:
    assert source_of(address) == source
