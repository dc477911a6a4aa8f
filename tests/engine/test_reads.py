"""READ, FIND, PAGE, SCAN: what SCIM reads."""

import pytest

from clients.redis.types import Change, Stored
from tests.engine.harness import Engine, doc_of


async def crowd(engine: Engine, number: int) -> list[str]:
    for each in range(number):
        await engine.create(f"u:{each}", un=f"n{each}", em="all@x", en=str(each % 2))
    return [f"u:{each}" for each in range(number)]


async def test_read_keeps_the_order_asked_for(engine: Engine) -> None:
    await crowd(engine, 2)
    found = await engine.store.read(engine.tenant, ["u:1", "u:none", "u:0"])
    assert [each and each.rk for each in found] == ["u:1", None, "u:0"]
    doc = doc_of({"un": "n1", "em": "all@x", "en": "1"})
    assert found[0] == Stored(rk="u:1", version=1, doc=doc)


async def test_find_by_every_index(engine: Engine) -> None:
    await crowd(engine, 4)
    store, tenant = engine.store, engine.tenant
    assert [each.rk for each in await store.find(tenant, "un", "n2")] == ["u:2"]
    assert [each.rk for each in await store.find(tenant, "en", "1")] == ["u:1", "u:3"]
    assert len(await store.find(tenant, "em", "all@x")) == 4
    assert [each.rk for each in await store.find(tenant, "id", "3")] == ["u:3"]
    for index in ("un", "em", "xid", "id", "gdn"):
        assert await store.find(tenant, index, "nobody") == []


@pytest.mark.parametrize(
    ("offset", "limit", "expected"),
    [(0, 2, ["u:0", "u:2"]), (2, 5, ["u:3", "u:4"]), (4, 5, []), (0, 0, [])],
)
async def test_pages_are_in_creation_order(
    engine: Engine, offset: int, limit: int, expected: list[str]
) -> None:
    await crowd(engine, 5)
    await engine.delete("u:1")
    page = await engine.store.page(engine.tenant, "u", offset, limit)
    assert page.total == 4
    assert [each.rk for each in page.resources] == expected


async def test_a_scan_meets_everyone_once_while_others_leave(engine: Engine) -> None:
    everyone = await crowd(engine, 7)
    met, after = [], 0
    while True:
        part = await engine.store.scan(engine.tenant, "u", after, 2)
        met += [each.rk for each in part.resources]
        if part.after is None:
            break
        after = part.after
        if met == everyone[:2]:
            await engine.delete("u:0")
    assert met == everyone


async def test_groups_and_users_are_paged_apart(engine: Engine) -> None:
    await crowd(engine, 2)
    group = Change(
        op="C", rk="g:1", nonce="n", doc=b"{}", digest="d", new={"gdn": "all", "gxid": "x"}
    )
    await engine.store.write(engine.tenant, group)
    page = await engine.store.page(engine.tenant, "g", 0, 10)
    assert (page.total, [each.rk for each in page.resources]) == (1, ["g:1"])
    assert [each.rk for each in await engine.store.find(engine.tenant, "gdn", "all")] == ["g:1"]
    assert (await engine.store.page(engine.tenant, "u", 0, 10)).total == 2


async def test_an_update_without_its_version_is_refused(engine: Engine) -> None:
    with pytest.raises(ValueError, match="version"):
        await engine.store.write(engine.tenant, Change(op="U", rk="u:1", nonce="n"))
