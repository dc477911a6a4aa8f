"""How soon a process that died is started again."""

from gateway.cli.fleet import pace


def test_pauses_double_up_to_half_a_minute() -> None:
    assert [pace.pause_s(each) for each in (1, 2, 3, 7, 8, 1000)] == [0.5, 1, 2, 30, 30, 30]


def test_a_long_life_clears_the_record() -> None:
    assert pace.deaths(5, lived_s=pace.LONG_LIFE_S - 1) == 6
    assert pace.deaths(5, lived_s=pace.LONG_LIFE_S + 1) == 1
    assert pace.deaths(0, lived_s=0) == 1
