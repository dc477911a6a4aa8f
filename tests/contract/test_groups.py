"""Groups and their members, as the contract has them."""

from typing import Any

import pytest

from clients.bldng.errors import Refused
from mappers.bldng.vocabulary import MEMBERS_BATCH_MAX, Group
from tests.contract.conftest import Backend


async def new_group(backend: Backend, **fields: Any) -> Group:
    return await backend.bldng.groups.create(
        backend.org, fields={"name": backend.name("group"), **fields}, **backend.ids
    )


async def new_user_id(backend: Backend) -> str:
    fields = {"username": backend.name()}
    return (await backend.bldng.users.create(backend.org, fields=fields, **backend.ids)).id


async def members(backend: Backend, group: Group, *, limit: int = 200) -> list[str]:
    seen: list[str] = []
    cursor = None
    while True:
        page = await backend.bldng.groups.members(
            backend.org, group.id, cursor=cursor, limit=limit, request_id="r"
        )
        seen += page.items
        cursor = page.next_cursor
        if cursor is None:
            return seen


async def test_a_group_is_created_read_renamed_and_deleted(backend: Backend) -> None:
    groups = backend.bldng.groups
    group = await new_group(backend, externalId=backend.name("xid"))
    assert await groups.get(backend.org, group.id, request_id="r") == group
    renamed = await groups.patch(
        backend.org, group.id, fields={"name": backend.name("new")}, request_id="r"
    )
    assert (renamed.id, renamed.external_id) == (group.id, group.external_id)
    await groups.delete(backend.org, group.id, request_id="r")
    with pytest.raises(Refused) as caught:
        await groups.get(backend.org, group.id, request_id="r")
    assert caught.value.status == 404


async def test_a_group_is_found_by_both_names(backend: Backend) -> None:
    groups = backend.bldng.groups
    group = await new_group(backend, externalId=backend.name("xid"))
    by_xid = await groups.find_by_external_id(backend.org, str(group.external_id), request_id="r")
    by_name = await groups.find_by_name(backend.org, group.name.upper(), request_id="r")
    assert by_xid == by_name == (group,)


@pytest.mark.parametrize("field", ["name", "externalId"])
async def test_409_names_the_field_and_the_holder(backend: Backend, field: str) -> None:
    value = backend.name("taken")
    holder = await new_group(backend, **{field: value})
    with pytest.raises(Refused) as caught:
        await new_group(backend, **{field: value})
    assert (caught.value.status, caught.value.problem_code) == (409, "group_exists")
    assert caught.value.conflict is not None
    assert (caught.value.conflict.field, caught.value.conflict.id) == (field, holder.id)


async def test_a_batch_is_repeatable_and_reports_unknown_ids(backend: Backend) -> None:
    group, user_id = await new_group(backend), await new_user_id(backend)
    change = backend.bldng.groups.change_members
    add = [user_id, user_id, "usr_nobody"]
    first = await change(backend.org, group.id, add=add, request_id="r")
    again = await change(backend.org, group.id, add=add, request_id="r")
    assert (first.added, first.removed, first.unknown) == (1, 0, ("usr_nobody",))
    assert (again.added, again.removed) == (0, 0)
    assert await members(backend, group) == [user_id]


async def test_a_batch_adds_and_removes_together(backend: Backend) -> None:
    group = await new_group(backend)
    leaver, joiner = await new_user_id(backend), await new_user_id(backend)
    change = backend.bldng.groups.change_members
    await change(backend.org, group.id, add=[leaver], request_id="r")
    result = await change(backend.org, group.id, add=[joiner], remove=[leaver], request_id="r")
    assert (result.added, result.removed) == (1, 1)
    assert await members(backend, group) == [joiner]


async def test_a_batch_above_the_limit_is_422_and_changes_nothing(backend: Backend) -> None:
    group, user_id = await new_group(backend), await new_user_id(backend)
    add = [user_id, *(f"usr_{number}" for number in range(MEMBERS_BATCH_MAX))]
    with pytest.raises(Refused) as caught:
        await backend.bldng.groups.change_members(backend.org, group.id, add=add, request_id="r")
    assert caught.value.status == 422
    assert await members(backend, group) == []


async def test_members_are_paged(backend: Backend) -> None:
    group = await new_group(backend)
    ids = [await new_user_id(backend) for _ in range(5)]
    await backend.bldng.groups.change_members(backend.org, group.id, add=ids, request_id="r")
    assert sorted(await members(backend, group, limit=2)) == sorted(ids)


async def test_a_deleted_user_leaves_the_groups_and_users_outlive_a_group(
    backend: Backend,
) -> None:
    group = await new_group(backend)
    leaver, stayer = await new_user_id(backend), await new_user_id(backend)
    await backend.bldng.groups.change_members(
        backend.org, group.id, add=[leaver, stayer], request_id="r"
    )
    await backend.bldng.users.delete(backend.org, leaver, request_id="r")
    assert await members(backend, group) == [stayer]
    await backend.bldng.groups.delete(backend.org, group.id, request_id="r")
    assert (await backend.bldng.users.get(backend.org, stayer, request_id="r")).id == stayer
    with pytest.raises(Refused) as caught:
        await backend.bldng.groups.change_members(
            backend.org, group.id, add=[stayer], request_id="r"
        )
    assert caught.value.status == 404
