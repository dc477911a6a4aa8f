"""Turns at a resource: one writer at a time, nobody waits long, nothing is kept."""

import asyncio

import pytest

from gateway.scim.turns import MAX_WAIT_S, Turns
from mappers.scim import errors


async def test_writers_of_one_resource_go_one_after_the_other() -> None:
    turns, inside = Turns(), [0]

    async def write() -> int:
        async with turns.of("acme", "u:1"):
            inside[0] += 1
            together = inside[0]
            await asyncio.sleep(0)
            inside[0] -= 1
            return together

    assert await asyncio.gather(*(write() for _ in range(20))) == [1] * 20


async def test_other_resources_and_tenants_do_not_wait() -> None:
    turns = Turns()
    async with turns.of("acme", "u:1"), turns.of("acme", "u:2"), turns.of("other", "u:1"):
        assert len(turns) == 3
    assert len(turns) == 0


async def test_who_has_waited_long_is_asked_to_come_back() -> None:
    turns = Turns()
    async with turns.of("acme", "u:1"):
        with pytest.raises(errors.VersionConflict):
            async with turns.of("acme", "u:1"):
                raise AssertionError("two writers at once")
    async with asyncio.timeout(MAX_WAIT_S / 2), turns.of("acme", "u:1"):
        assert len(turns) == 1


async def test_a_writer_that_fails_gives_its_turn_back() -> None:
    turns = Turns()

    async def fail() -> None:
        async with turns.of("acme", "u:1"):
            raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            async with asyncio.timeout(MAX_WAIT_S / 2):
                await fail()
    assert len(turns) == 0
