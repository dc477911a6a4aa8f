"""When which partition is asked."""

from workers.agenda import Agenda


def test_everything_is_due_at_first() -> None:
    assert Agenda(range(3)).due(0.0) == [0, 1, 2]


def test_a_partition_that_was_asked_rests() -> None:
    agenda = Agenda(range(2))
    agenda.asked(0, next_s=12.0)
    assert agenda.due(10.0) == [1]
    assert agenda.due(12.0) == [1, 0]


def test_a_wake_up_that_overtakes_the_answer_is_kept() -> None:
    """Asked, woken, and only then the answer that nothing is due for five seconds."""
    agenda = Agenda([7])
    agenda.asked(7, next_s=12.0)
    agenda.hurry({7}, now_s=10.0)
    agenda.at(7, 15.0)
    assert agenda.due(10.0) == [7]


def test_an_answer_brings_the_next_time_forward() -> None:
    agenda = Agenda([7])
    agenda.asked(7, next_s=12.0)
    agenda.at(7, 10.5)
    assert agenda.next_s() == 10.5


def test_none_hurries_all_and_a_strange_partition_is_nothing() -> None:
    agenda = Agenda(range(2))
    for partition in range(2):
        agenda.asked(partition, next_s=12.0)
    agenda.hurry({99}, now_s=10.0)
    assert agenda.due(10.0) == []
    agenda.hurry(None, now_s=10.0)
    assert agenda.due(10.0) == [0, 1]


def test_the_longest_due_comes_first() -> None:
    agenda = Agenda(range(3))
    for partition, next_s in enumerate((3.0, 1.0, 2.0)):
        agenda.asked(partition, next_s=next_s)
    assert agenda.due(5.0) == [1, 2, 0]
