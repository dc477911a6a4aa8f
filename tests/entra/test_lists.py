"""Lists: pages, filters by index and without, search requests, what is shown of a resource."""

import asyncio
from dataclasses import replace

import pytest

from clients.redis.types import Change
from gateway.scim.call import Services
from mappers.scim import resources
from mappers.scim.schemas import GROUP
from tests.support.gateway import ENTERPRISE_USER, Gateway, running

PEOPLE = 12


@pytest.fixture
async def crowd(gateway: Gateway) -> Gateway:
    """A gateway with p00@contoso.com to p11@contoso.com; every third is disabled."""
    for number in range(PEOPLE):
        await gateway.create(person(number))
    return gateway


def person(number: int) -> dict[str, object]:
    return {
        "userName": f"p{number:02}@contoso.com",
        "externalId": f"Ext-{number}",
        "active": number % 3 != 0,
        "title": "Engineer" if number < 5 else "Manager",
        "emails": [{"type": "work", "value": f"P{number:02}@Contoso.com"}],
        ENTERPRISE_USER: {"employeeNumber": f"E{number}"},
    }


async def names(gateway: Gateway, query: str) -> list[str]:
    """The first parts of the userNames listed for a query, and that the total fits."""
    path = "/Users?filter=" + query.replace(" ", "+").replace('"', "%22")
    answer = await gateway.send("GET", path)
    assert answer.status == 200, answer.raw
    listed = answer.json
    assert listed["totalResults"] == len(listed["Resources"])
    return [user["userName"].partition("@")[0] for user in listed["Resources"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('userName eq "P03@CONTOSO.com"', ["p03"]),
        ('externalId eq "Ext-3"', ["p03"]),
        ('externalId eq "ext-3"', []),
        ('emails[type eq "work"].value eq "p03@contoso.com"', ["p03"]),
        ('employeeNumber eq "E3"', ["p03"]),
        ('userName eq "p03@contoso.com" and active eq true', []),
        ('userName eq "p03@contoso.com" and active eq false', ["p03"]),
        ("active eq false", ["p00", "p03", "p06", "p09"]),
        ('title eq "engineer" and active eq "True"', ["p01", "p02", "p04"]),
        ('userName sw "p1"', ["p10", "p11"]),
        ('not (userName sw "p0") or userName eq "p05@contoso.com"', ["p05", "p10", "p11"]),
        ('emails.value eq "p03@contoso.com"', ["p03"]),
        ('id eq "00000000-0000-4000-8000-000000000000"', []),
        ('id eq "no id of ours"', []),
    ],
)  # fmt: skip
async def test_a_filter_finds(crowd: Gateway, query: str, found: list[str]) -> None:
    assert await names(crowd, query) == found


async def test_id_finds_its_user_and_no_group(crowd: Gateway) -> None:
    user = (await crowd.send("GET", "/Users?count=1")).json["Resources"][0]
    assert await names(crowd, f'id eq "{user["id"]}"') == ["p00"]
    groups = await crowd.send("GET", f"/Groups?filter=id+eq+%22{user['id']}%22")
    assert groups.json["totalResults"] == 0


@pytest.mark.parametrize(
    ("query", "start", "shown", "total"),
    [
        ("", 1, 12, 12),
        ("startIndex=1&count=5", 1, 5, 12),
        ("startIndex=11&count=5", 11, 2, 12),
        ("startIndex=13", 13, 0, 12),
        ("count=0", 1, 0, 12),
        ("count=100000", 1, 12, 12),
        ("STARTINDEX=2&Count=3&sortBy=userName", 2, 3, 12),
        ("filter=active+eq+false&startIndex=2&count=2", 2, 2, 4),
        ("filter=active+eq+false&count=0", 1, 0, 4),
    ],
)
async def test_a_page(crowd: Gateway, query: str, start: int, shown: int, total: int) -> None:
    listed = (await crowd.send("GET", f"/Users?{query}")).json
    assert (listed["startIndex"], listed["itemsPerPage"]) == (start, shown)
    assert (len(listed["Resources"]), listed["totalResults"]) == (shown, total)


async def test_users_that_stay_are_listed_once_while_others_come(crowd: Gateway) -> None:
    async def come() -> None:
        for number in range(PEOPLE, PEOPLE + 10):
            await crowd.create(person(number))

    async def read() -> list[str]:
        seen: list[str] = []
        for start in range(1, PEOPLE + 1, 2):
            page = await crowd.send("GET", f"/Users?startIndex={start}&count=2")
            seen += [user["userName"] for user in page.json["Resources"]]
        return seen

    _, seen = await asyncio.gather(come(), read())
    assert seen == [person(number)["userName"] for number in range(PEOPLE)]


async def test_too_many_to_look_at_is_an_error_that_names_the_indexed(redis_url: str) -> None:
    def adapt(parts: Services) -> Services:
        return replace(parts, scan_limit=3)

    async with running(redis_url, adapt) as gateway:
        for number in range(3):
            await gateway.create(person(number))
        assert await names(gateway, 'title eq "engineer"') == ["p00", "p01", "p02"]
        await gateway.create(person(3))
        answer = await gateway.send("GET", "/Users?filter=title+eq+%22engineer%22")
        assert (answer.status, answer.json["scimType"]) == (400, "tooMany")
        assert "userName" in answer.json["detail"]
        assert await names(gateway, 'userName eq "p03@contoso.com" and title pr') == ["p03"]


@pytest.mark.parametrize(
    ("path", "body", "shown"),
    [
        ("/Users/.search", {"filter": 'userName eq "p03@contoso.com"'}, 1),
        ("/Users/.search", {"startIndex": 3, "count": 4}, 4),
        ("/.search", {"filter": 'userName eq "p03@contoso.com"'}, 1),
        ("/.search", {"filter": 'displayName eq "x"'}, 0),
        ("/.search", {}, 12),
        ("/Groups/.search", {}, 0),
        ("/users/.SEARCH", {"FILTER": "active eq false", "attributes": ["userName"]}, 4),
    ],
)
async def test_a_search(crowd: Gateway, path: str, body: dict[str, object], shown: int) -> None:
    answer = await crowd.send("POST", path, body)
    assert (answer.status, len(answer.json["Resources"])) == (200, shown)


async def test_a_search_shows_what_it_asks_for(crowd: Gateway) -> None:
    body = {"filter": 'externalId eq "Ext-3"', "attributes": ["userName"]}
    [user] = (await crowd.send("POST", "/Users/.search", body)).json["Resources"]
    assert user.keys() == {"schemas", "id", "userName"}


GROUP_IDS = [f"00000000-0000-4000-8000-00000000000{number}" for number in range(2)]


@pytest.fixture
async def groups(crowd: Gateway) -> Gateway:
    """The crowd and two groups, g0 and g1."""
    for scim_id in GROUP_IDS:
        fields = {"displayName": f"g{scim_id[-1]}", "schemas": [GROUP.schema.id]}
        doc = resources.new(fields, id=scim_id, now_iso="2026-01-01T00:00:00Z", resource=GROUP)
        change = Change(
            op="C",
            rk=f"g:{scim_id}",
            nonce=scim_id,
            doc=resources.dumps(doc),
            digest=resources.digest(doc),
            new=resources.index_values(doc, GROUP),
        )
        await crowd.redis.store.write(crowd.tenant, change)
    return crowd


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/Groups", GROUP_IDS),
        ("/Groups?startIndex=2", GROUP_IDS[1:]),
        ("/Groups?filter=displayName+eq+%22G1%22&excludedAttributes=members", GROUP_IDS[1:]),
        ("/Groups?filter=displayName+sw+%22g%22", GROUP_IDS),
        ("/Groups?filter=externalId+eq+%22g%22", []),
        ("/Users?filter=displayName+eq+%22g1%22", []),
    ],
)
async def test_stored_groups_are_listed(groups: Gateway, path: str, found: list[str]) -> None:
    listed = (await groups.send("GET", path)).json["Resources"]
    assert [group["id"] for group in listed] == found
    for scim_id in found:
        read = await groups.send("GET", f"/Groups/{scim_id}")
        assert (read.status, read.json["meta"]["resourceType"]) == (200, "Group")


async def test_a_page_of_everything_goes_on_from_users_to_groups(groups: Gateway) -> None:
    def body(start: int) -> dict[str, object]:
        return {"startIndex": start, "count": 2, "attributes": ["userName", "displayName"]}

    pages = [(await groups.send("POST", "/.search", body(start))).json for start in (12, 13, 14)]
    assert [page["totalResults"] for page in pages] == [PEOPLE + 2] * 3
    shown = [[each.get("displayName", "a user") for each in page["Resources"]] for page in pages]
    assert shown == [["a user", "g0"], ["g0", "g1"], ["g1"]]


@pytest.mark.parametrize(
    ("view", "there", "not_there"),
    [
        ("attributes=userName", {"id", "schemas", "userName"}, {"meta", "emails", "title"}),
        ("excludedAttributes=emails,title", {"id", "userName", "meta"}, {"emails", "title"}),
        ("excludedAttributes=id,schemas", {"id", "schemas", "userName"}, set()),
        ("Attributes=username", {"userName"}, {"title"}),
    ],
)
async def test_every_answer_shows_what_is_asked_for(
    gateway: Gateway, view: str, there: set[str], not_there: set[str]
) -> None:
    created = await gateway.send("POST", f"/Users?{view}", person(1))
    path = f"/Users/{created.json['id']}?{view}"
    read = await gateway.send("GET", path)
    put = await gateway.send("PUT", path, person(1) | {"title": "Boss"})
    change = {"Operations": [{"op": "replace", "path": "title", "value": "Chief"}]}
    patched = await gateway.send("PATCH", path, change)
    for answer in (created, read, put, patched):
        assert there <= answer.json.keys()
        assert not not_there & answer.json.keys()


async def test_matches_are_counted(crowd: Gateway) -> None:
    await names(crowd, 'userName eq "nobody"')
    await names(crowd, 'userName eq "p03@contoso.com"')
    await names(crowd, "active eq false")
    await crowd.send("GET", "/Users")
    counted = [crowd.metric("filter_matches_total", result=r) for r in ("none", "one", "many")]
    assert counted == [1, 1, 1]
