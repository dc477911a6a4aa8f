"""What a fleet is made of before anything runs."""

import pytest

from gateway.cli.fleet import parent
from gateway.cli.fleet.member import Inherited
from gateway.cli.output import ExitCode, Failure
from gateway.settings import Address


def test_operators_ports_are_in_a_row() -> None:
    first = Address("127.0.0.1", 9090)
    assert [parent.ops_address(first, each).port for each in range(3)] == [9090, 9091, 9092]
    assert parent.ops_address(Address("127.0.0.1", 0), 2).port == 0


def test_a_port_that_there_is_not_is_said() -> None:
    with pytest.raises(Failure, match="no port after") as raised:
        parent.ops_address(Address("127.0.0.1", 65535), 1)
    assert raised.value.code == ExitCode.USAGE


def test_what_a_child_inherits_is_one_option() -> None:
    given = Inherited(index=1, scim=(3, 4), ops=(5,), channel=6, succeeds=True)
    assert Inherited.read(given.text()) == given


@pytest.mark.parametrize("text", ["", "1", "{}", '{"scim": 3, "ops": []}'])
def test_the_option_is_not_for_people(text: str) -> None:
    with pytest.raises(Failure, match="a parent starts its children"):
        Inherited.read(text)
