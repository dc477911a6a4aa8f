"""What is shown of groups and members, and by what they are found."""

from dataclasses import replace

import pytest

from gateway.scim.call import Services
from tests.entra.groups import NOBODY, commands, create, members, read, user
from tests.support.gateway import Gateway, running

Company = tuple[Gateway, dict[str, str]]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {"displayName", "meta", "members"}),
        ("?excludedAttributes=members", {"displayName", "meta"}),
        ("?excludedAttributes=MEMBERS,meta", {"displayName"}),
        ("?excludedAttributes=urn:ietf:params:scim:schemas:core:2.0:Group:members",
         {"displayName", "meta"}),
        ("?attributes=members", {"members"}),
        ("?attributes=members.value", {"members"}),
        ("?attributes=displayName", {"displayName"}),
        ("?attributes=members,displayName&excludedAttributes=members", {"displayName"}),
    ],
)  # fmt: skip
async def test_members_are_shown_unless_they_are_left_out(
    gateway: Gateway, query: str, shown: set[str]
) -> None:
    group = await create(gateway, "Sales", "a", "b")
    listed = (await gateway.send("GET", f"/Groups{query}")).json["Resources"]
    for found in (await read(gateway, group, query), *listed):
        assert found.keys() == {"schemas", "id", *shown}
        if "members" in shown:
            assert sorted(member["value"] for member in found["members"]) == ["a", "b"]


async def test_members_left_out_are_not_read(gateway: Gateway) -> None:
    group = await create(gateway, "Sales", *NOBODY[:300])

    async def reads(path: str) -> int:
        counted = await commands(gateway, gateway.send("GET", path))
        return sum(counted.get(name, 0) for name in ("smembers", "sscan", "sort"))

    assert await reads(f"/Groups/{group}?excludedAttributes=members") == 0
    assert await reads("/Groups?filter=displayName+eq+%22sales%22&excludedAttributes=members") == 0
    assert await reads(f"/Groups/{group}") > 0


async def test_a_list_shows_so_many_members_and_no_more(redis_url: str) -> None:
    def adapt(parts: Services) -> Services:
        return replace(parts, listed_members_limit=3)

    async with running(redis_url, adapt) as gateway:
        await create(gateway, "One", "a", "b")
        await create(gateway, "Two", "a")
        assert (await gateway.send("GET", "/Groups")).status == 200
        big = await create(gateway, "Three", "a", "b", "c", "d")
        refused = await gateway.send("GET", "/Groups")
        assert (refused.status, refused.json["scimType"]) == (400, "tooMany")
        assert "excludedAttributes=members" in refused.json["detail"]
        for path in ("/Groups?excludedAttributes=members", "/Groups?count=2", f"/Groups/{big}"):
            assert (await gateway.send("GET", path)).status == 200


@pytest.mark.parametrize("size", [0, 7, 1200])
async def test_windows_show_every_member_once(gateway: Gateway, size: int) -> None:
    group = await create(gateway, "Sales", *NOBODY[:size])
    seen: list[str] = []
    query = "?membersCount=5" if size < 100 else "?membersCount=500"
    while True:
        answer = await gateway.send("GET", f"/Groups/{group}{query}")
        assert (answer.status, answer.json["displayName"]) == (200, "Sales")
        seen += [member["value"] for member in answer.json["members"]]
        if "Members-After" not in answer.headers:
            break
        query = query.partition("&")[0] + f"&membersAfter={answer.headers['Members-After']}"
    assert sorted(seen) == NOBODY[:size]


async def test_a_cursor_fits_into_a_header_and_a_url_whatever_the_ids_are(
    gateway: Gateway,
) -> None:
    odd = ["a\r\nX: y", "b&c=d", "ü %2B+", "z"]
    group = await create(gateway, "Sales", *odd)
    seen: list[str] = []
    after = ""
    for _ in odd:
        path = f"/Groups/{group}?membersCount=1&membersAfter={after}"
        answer = await gateway.send("GET", path)
        seen += [member["value"] for member in answer.json["members"]]
        after = answer.headers.get("Members-After", "")
    assert sorted(seen) == sorted(odd)


@pytest.mark.parametrize("after", ["nobody", "@x", "%3E", "%40123456789012345678901"])
async def test_a_cursor_that_nobody_gave_is_refused(gateway: Gateway, after: str) -> None:
    group = await create(gateway, "Sales", "a")
    answer = await gateway.send("GET", f"/Groups/{group}?membersAfter={after}")
    assert (answer.status, answer.json["scimType"]) == (400, "invalidValue")
    assert "Members-After" in answer.json["detail"]


@pytest.fixture
async def company(gateway: Gateway) -> Company:
    """Joy in Sales and Everybody, Bob in Everybody; Everybody is in All; Later waits in Sales."""
    joy, bob = await user(gateway, "joy@contoso.com"), await user(gateway, "bob@contoso.com")
    sales = await create(gateway, "Sales", joy, "later")
    everybody = await create(gateway, "Everybody", joy, bob)
    everything = await create(gateway, "All", everybody)
    ids = {"joy": joy, "bob": bob, "sales": sales, "everybody": everybody, "all": everything}
    return gateway, ids


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('members.value eq "{joy}"', ["Everybody", "Sales"]),
        ('members eq "{bob}"', ["Everybody"]),
        ('members[value eq "{joy}"]', ["Everybody", "Sales"]),
        ('members.value eq "later"', ["Sales"]),
        ('members.value eq "{everybody}"', ["All"]),
        ('members.value eq "nobody"', []),
        ('displayName eq "sales" and members.value eq "{joy}"', ["Sales"]),
        ('displayName eq "sales" and members.value eq "{bob}"', []),
        ('members.value eq "{joy}" and members.value eq "{bob}"', ["Everybody"]),
        ('members.value eq "{bob}" or displayName eq "all"', ["All", "Everybody"]),
        ('members.value eq "{joy}" and displayName sw "s"', ["Sales"]),
        ('not (members.value eq "{joy}")', ["All"]),
        ('members.value ne "{bob}"', ["All", "Sales"]),
    ],
)
async def test_groups_are_found_by_their_members(
    company: Company, query: str, found: list[str]
) -> None:
    gateway, ids = company
    for name, scim_id in ids.items():
        query = query.replace("{" + name + "}", scim_id)
    path = "/Groups?attributes=displayName&filter=" + query.replace(" ", "+").replace('"', "%22")
    answer = await gateway.send("GET", path)
    assert answer.status == 200, answer.raw
    listed = answer.json
    assert sorted(group["displayName"] for group in listed["Resources"]) == found
    assert listed["totalResults"] == len(found)
    assert all("members" not in group for group in listed["Resources"])


async def test_a_user_shows_its_groups_on_request(company: Company) -> None:
    gateway, ids = company
    path = f"/Users/{ids['joy']}"
    assert "groups" not in (await gateway.send("GET", path)).json
    asked = (await gateway.send("GET", f"{path}?attributes=userName,groups")).json
    assert asked.keys() == {"schemas", "id", "userName", "groups"}
    base = "https://scim.example.com/scim/v2/acme/Groups"
    assert sorted(asked["groups"], key=lambda group: str(group["display"])) == [
        {"value": ids[name.lower()], "$ref": f"{base}/{ids[name.lower()]}", "display": name,
         "type": "direct"}
        for name in ("Everybody", "Sales")
    ]  # fmt: skip
    listed = (await gateway.send("GET", "/Users?attributes=groups.display")).json["Resources"]
    assert [len(shown["groups"]) for shown in listed] == [2, 1]
    assert all(group.keys() == {"display"} for shown in listed for group in shown["groups"])


async def test_leaving_and_coming_back_keeps_the_groups_and_deletion_ends_them(
    company: Company,
) -> None:
    gateway, ids = company

    async def groups() -> set[str]:
        shown = (await gateway.send("GET", f"/Users/{ids['joy']}?attributes=groups")).json
        return {group["display"] for group in shown["groups"]}

    for active in ("False", "True"):
        said = await gateway.patch(
            ids["joy"], {"op": "Replace", "path": "active", "value": active}
        )
        assert (said.status, await groups()) == (200, {"Everybody", "Sales"})
    assert (await gateway.send("DELETE", f"/Groups/{ids['sales']}")).status == 204
    assert await groups() == {"Everybody"}
    assert (await gateway.send("DELETE", f"/Users/{ids['joy']}")).status == 204
    assert await members(gateway, ids["everybody"]) == {ids["bob"]}
