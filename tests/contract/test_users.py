"""Users, as the contract has them."""

from typing import Any

import pytest

from clients.bldng.errors import Refused
from mappers.bldng.vocabulary import User
from tests.contract.conftest import Backend
from tests.support.waiting import eventually

SETTLE_S = 30.0
"""A look-up must see a create after this, in seconds: adoption instead of doubles rests on it."""


async def new_user(backend: Backend, **fields: Any) -> User:
    return await backend.bldng.users.create(
        backend.org, fields={"username": backend.name(), **fields}, **backend.ids
    )


async def refusal(call: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        await call
    return caught.value


async def test_a_created_user_is_read_as_sent(backend: Backend) -> None:
    fields = {
        "username": backend.name("Ünï"),
        "email": "ada@contoso.example",
        "mobile": "+47 123",
        "firstName": "Ada",
        "lastName": "Lovelace",
        "displayName": "Ada Lovelace",
        "ssoSubject": backend.name("subject"),
        "employeeNumber": "007",
        "active": False,
    }
    user = await backend.bldng.users.create(backend.org, fields=fields, **backend.ids)
    read = await backend.bldng.users.get(backend.org, user.id, request_id="r")
    held = read.model_dump(by_alias=True)
    assert read == user
    assert {name: held[name] for name in fields} == fields


async def test_only_username_is_needed_and_active_is_the_default(backend: Backend) -> None:
    user = await new_user(backend)
    assert user.active
    assert user.email is user.sso_subject is user.department_id is None


async def test_username_is_found_without_case(backend: Backend) -> None:
    user = await new_user(backend)
    found = await backend.bldng.users.find_by_username(
        backend.org, user.username.upper(), request_id="r"
    )
    assert [one.id for one in found] == [user.id]


async def test_subject_is_found_exactly(backend: Backend) -> None:
    subject = backend.name("Subject")
    user = await new_user(backend, ssoSubject=subject)
    find = backend.bldng.users.find_by_subject
    assert [one.id for one in await find(backend.org, subject, request_id="r")] == [user.id]
    assert await find(backend.org, subject.lower(), request_id="r") == ()


async def test_nobody_is_an_empty_page(backend: Backend) -> None:
    answer = await backend.raw("GET", f"/users?username={backend.name()}")
    assert (answer.status, answer.body) == (200, {"items": [], "nextCursor": None})


async def test_a_look_up_sees_a_create_within_the_settle_time(backend: Backend) -> None:
    user = await new_user(backend, ssoSubject=backend.name("subject"))

    async def seen() -> bool:
        found = await backend.bldng.users.find_by_subject(
            backend.org, str(user.sso_subject), request_id="r"
        )
        return [one.id for one in found] == [user.id]

    await eventually(seen, within_s=SETTLE_S)


@pytest.mark.parametrize("field", ["username", "ssoSubject"])
async def test_409_names_the_field_and_the_holder(backend: Backend, field: str) -> None:
    value = backend.name("taken")
    holder = await new_user(backend, **{field: value})
    error = await refusal(new_user(backend, **{field: value}))
    assert (error.status, error.problem_code) == (409, "user_exists")
    assert error.conflict is not None
    assert (error.conflict.field, error.conflict.id) == (field, holder.id)


async def test_username_is_unique_without_case(backend: Backend) -> None:
    holder = await new_user(backend)
    error = await refusal(new_user(backend, username=holder.username.upper()))
    assert error.status == 409


async def test_an_empty_subject_is_nobodys(backend: Backend) -> None:
    first, second = await new_user(backend, ssoSubject=None), await new_user(backend)
    assert first.id != second.id


async def test_patch_merges_and_null_clears(backend: Backend) -> None:
    user = await new_user(backend, mobile="1", email="a@b.example")
    patched = await backend.bldng.users.patch(
        backend.org, user.id, fields={"mobile": None, "active": False}, request_id="r"
    )
    assert (patched.mobile, patched.email, patched.active) == (None, "a@b.example", False)


async def test_patch_keeps_uniqueness_but_not_against_itself(backend: Backend) -> None:
    holder, user = await new_user(backend), await new_user(backend)
    patch = backend.bldng.users.patch
    same = {"username": user.username.upper()}
    assert (await patch(backend.org, user.id, fields=same, request_id="r")).id == user.id
    taken = {"username": holder.username}
    error = await refusal(patch(backend.org, user.id, fields=taken, request_id="r"))
    assert error.status == 409
    assert error.conflict is not None
    assert error.conflict.id == holder.id


async def test_patch_takes_plain_json_too(backend: Backend) -> None:
    user = await new_user(backend)
    answer = await backend.raw("PATCH", f"/users/{user.id}", json={"mobile": "2"})
    assert (answer.status, answer.body["mobile"]) == (200, "2")


async def test_a_deleted_user_is_404_and_frees_the_values(backend: Backend) -> None:
    user = await new_user(backend, ssoSubject=backend.name("subject"))
    users = backend.bldng.users
    await users.delete(backend.org, user.id, request_id="r")
    for call in (
        users.get(backend.org, user.id, request_id="r"),
        users.patch(backend.org, user.id, fields={"mobile": "1"}, request_id="r"),
        users.delete(backend.org, user.id, request_id="r"),
    ):
        error = await refusal(call)
        assert (error.status, error.problem_code) == (404, "not_found")
    again = await new_user(backend, username=user.username, ssoSubject=user.sso_subject)
    assert again.id != user.id


async def test_pages_hold_everybody_once(backend: Backend) -> None:
    made = {(await new_user(backend)).id for _ in range(5)}
    seen: list[str] = []
    cursor = None
    while True:
        page = await backend.bldng.users.page(backend.org, cursor=cursor, limit=2, request_id="r")
        assert len(page.items) <= 2
        seen += [user.id for user in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == len(set(seen))
    assert made <= set(seen)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "username"),
        ({"username": None}, "username"),
        ({"username": 7}, "username"),
        ({"username": ""}, "username"),
        ({"username": "u", "shoeSize": 44}, "shoeSize"),
        ({"username": "u", "active": "yes"}, "active"),
        ({"username": "u", "departmentId": "dep_nowhere"}, "departmentId"),
    ],
)
async def test_422_names_the_field(backend: Backend, body: dict[str, Any], field: str) -> None:
    answer = await backend.raw("POST", "/users", json=body)
    assert (answer.status, answer.body["code"]) == (422, "validation")
    assert [row["field"] for row in answer.body["errors"]] == [field]


async def test_nothing_is_created_by_a_refused_body(backend: Backend) -> None:
    username = backend.name()
    await backend.raw("POST", "/users", json={"username": username, "shoeSize": 44})
    found = await backend.bldng.users.find_by_username(backend.org, username, request_id="r")
    assert found == ()
