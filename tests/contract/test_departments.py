"""Departments, as the contract has them."""

import asyncio

import pytest

from clients.bldng.errors import Refused
from mappers.bldng.vocabulary import Department
from tests.contract.conftest import Backend


async def test_a_department_is_found_by_its_whole_name_without_case(backend: Backend) -> None:
    name = backend.name("R & D/ætt")
    made = await backend.bldng.departments.create(backend.org, name, **backend.ids)
    find = backend.bldng.departments.find
    assert await find(backend.org, name.upper(), request_id="r") == (made,)
    assert await find(backend.org, name[:-1], request_id="r") == ()


async def test_two_who_race_get_one_department(backend: Backend) -> None:
    name = backend.name("race")

    async def create() -> Department | Refused:
        try:
            return await backend.bldng.departments.create(backend.org, name, **backend.ids)
        except Refused as refused:
            return refused

    answers = await asyncio.gather(*(create() for _ in range(8)))
    made = [answer for answer in answers if isinstance(answer, Department)]
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    found = await backend.bldng.departments.find(backend.org, name, request_id="r")
    assert list(found) == made
    assert {(one.status, one.problem_code) for one in refused} == {(409, "department_exists")}


async def test_a_user_takes_a_department_that_exists_and_gives_it_back(backend: Backend) -> None:
    made = await backend.bldng.departments.create(backend.org, backend.name("dep"), **backend.ids)
    user = await backend.bldng.users.create(
        backend.org, fields={"username": backend.name(), "departmentId": made.id}, **backend.ids
    )
    assert user.department_id == made.id
    patch = backend.bldng.users.patch
    with pytest.raises(Refused) as caught:
        await patch(backend.org, user.id, fields={"departmentId": "dep_nowhere"}, request_id="r")
    assert [row.field for row in caught.value.fields] == ["departmentId"]
    left = await patch(backend.org, user.id, fields={"departmentId": None}, request_id="r")
    assert left.department_id is None
