"""Requests at the same time: nothing is lost, nothing is doubled, nobody waits for long."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from clients.redis.store import Store
from clients.redis.types import Change, Stored, Tenant
from gateway.scim.call import Services
from mappers.scim import resources
from tests.support.gateway import Gateway, running

TEXTS = (
    "displayName", "title", "nickName", "userType", "preferredLanguage", "locale", "timezone",
    "profileUrl", "name.givenName", "name.familyName", "name.middleName", "name.formatted",
    "name.honorificPrefix", "name.honorificSuffix", "department", "division", "costCenter",
    "organization", "employeeNumber", "externalId",
)  # fmt: skip
DEPARTMENT = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def replaced(path: str) -> dict[str, Any]:
    return {"op": "Replace", "path": path, "value": f"new {path}"}


def value_at(user: dict[str, Any], path: str) -> Any:
    above, _, below = path.partition(".")
    if below:
        return user[above][below]
    return user.get(path) or user[DEPARTMENT][path]


async def test_twenty_patches_of_different_attributes_lose_nothing(gateway: Gateway) -> None:
    user = await gateway.create({"userName": "joy@contoso.com"})
    answers = await asyncio.gather(*(gateway.patch(user["id"], replaced(p)) for p in TEXTS))
    assert {answer.status for answer in answers} == {200}
    now = await gateway.get(user["id"])
    assert [value_at(now, path) for path in TEXTS] == [f"new {path}" for path in TEXTS]
    assert now["meta"]["version"] == f'W/"{1 + len(TEXTS)}"'


async def test_patches_through_two_gateways_lose_nothing(redis_url: str) -> None:
    async with running(redis_url) as one, running(redis_url) as other:
        user = await one.create({"userName": "joy@contoso.com"})
        paths = dict(zip(TEXTS, [one, other] * 10, strict=True))
        sent = (way.patch(user["id"], replaced(path)) for path, way in paths.items())
        answers = await asyncio.gather(*sent)
        accepted = [
            path for path, answer in zip(TEXTS, answers, strict=True) if answer.status == 200
        ]
        assert len(accepted) > len(TEXTS) / 2
        now = await one.get(user["id"])
        assert [value_at(now, path) for path in accepted] == [f"new {path}" for path in accepted]
        assert now["meta"]["version"] == f'W/"{1 + len(accepted)}"'


async def test_the_same_create_twice_makes_one_user_and_one_conflict(gateway: Gateway) -> None:
    body = {"userName": "joy@contoso.com", "externalId": "joy"}
    answers = await asyncio.gather(*(gateway.send("POST", "/Users", body) for _ in range(5)))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409, 409]
    assert await gateway.total() == 1


async def test_a_patch_and_a_delete_end_as_deleted(gateway: Gateway) -> None:
    user = await gateway.create({"userName": "joy@contoso.com"})
    patched, deleted = await asyncio.gather(
        gateway.patch(user["id"], replaced("title")),
        gateway.send("DELETE", f"/Users/{user['id']}"),
    )
    assert (patched.status in {200, 404}, deleted.status) == (True, 204)
    assert (await gateway.send("GET", f"/Users/{user['id']}")).status == 404


class Contended(Store):
    """A store where somebody else writes after every read, a given number of times."""

    def __init__(self, store: Store, times: int) -> None:
        self._store = store
        self.times = times

    async def read(self, tenant: Tenant, rks: Sequence[str]) -> list[Stored | None]:
        found = await self._store.read(tenant, rks)
        for stored in found:
            if stored and self.times > 0:
                self.times -= 1
                await self._store.write(tenant, _rivals(stored, self.times))
        return found

    async def write(self, tenant: Tenant, change: Change) -> Any:
        return await self._store.write(tenant, change)


def _rivals(stored: Stored, number: int) -> Change:
    """The change that wins the race."""
    doc = {**resources.loads(stored.doc), "nickName": f"rival {number}"}
    return Change(
        op="U",
        rk=stored.rk,
        nonce=f"rival.{number}",
        doc=resources.dumps(doc),
        digest=resources.digest(doc),
        expected=stored.version,
    )


async def test_four_lost_races_are_won_in_the_end(redis_url: str) -> None:
    async with running(redis_url, contended(4)) as gateway:
        user = await gateway.create({"userName": "joy@contoso.com"})
        answer = await gateway.patch(user["id"], replaced("title"))
        assert (answer.status, answer.json["nickName"]) == (200, "rival 0")
        assert answer.json["meta"]["version"] == 'W/"6"'


async def test_five_lost_races_are_a_503_that_may_be_repeated(redis_url: str) -> None:
    async with running(redis_url, contended(5)) as gateway:
        user = await gateway.create({"userName": "joy@contoso.com"})
        lost = await gateway.patch(user["id"], replaced("title"))
        assert (lost.status, lost.headers["Retry-After"]) == (503, "1")
        assert gateway.metric("writes_total", resource="user", op="update", result="conflict") == 1
        assert (await gateway.patch(user["id"], replaced("title"))).status == 200


def contended(times: int) -> Any:
    """What makes a process' store lose `times` races."""

    def adapt(parts: Services) -> Services:
        return replace(parts, store=Contended(parts.store, times))

    return adapt
