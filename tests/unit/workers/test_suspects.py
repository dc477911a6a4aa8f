"""Whose turn it is: one suspect, then the others for as long."""

from workers.suspects import REST_S, Suspects


def test_nobody_has_a_turn_until_a_claim_tells_of_suspects() -> None:
    suspects = Suspects()
    suspects.heard(1, 0)
    assert suspects.turn(0.0, idle=True) is None
    assert suspects.next_s == float("inf")


def test_a_suspect_is_tried_while_its_partition_has_one() -> None:
    suspects = Suspects()
    suspects.heard(1, 3)
    assert suspects.turn(0.0, idle=False) == 1
    suspects.heard(1, 0)
    assert suspects.turn(0.0, idle=False) is None


def test_one_at_a_time() -> None:
    suspects = Suspects()
    suspects.heard(1, 3)
    suspects.taken(1, 5.0)
    assert suspects.in_hand
    assert suspects.turn(5.0, idle=True) is None


def test_afterwards_the_others_have_as_long_as_it_took() -> None:
    suspects = Suspects()
    suspects.heard(1, 3)
    suspects.taken(1, 5.0)
    suspects.settled(15.0)
    assert suspects.turn(24.9, idle=False) is None
    assert suspects.turn(24.9, idle=True) == 1
    assert suspects.next_s == 25.0
    assert suspects.turn(25.0, idle=False) == 1


def test_a_quick_one_leaves_the_others_some_time_too() -> None:
    suspects = Suspects()
    suspects.heard(1, 3)
    suspects.taken(1, 5.0)
    suspects.settled(5.0)
    assert suspects.turn(5.0 + REST_S / 2, idle=False) is None


def test_what_others_settle_takes_no_time_from_suspects() -> None:
    suspects = Suspects()
    suspects.heard(1, 3)
    suspects.settled(100.0)
    assert suspects.turn(100.0, idle=False) == 1


def test_partitions_take_turns() -> None:
    suspects = Suspects()
    suspects.heard(1, 9)
    suspects.heard(2, 9)
    suspects.taken(1, 0.0)
    suspects.settled(0.0)
    suspects.heard(1, 8)
    assert suspects.turn(9.0, idle=False) == 2
