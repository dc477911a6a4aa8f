"""What `then` of a case can promise: one function for each key, called with the key's value.

`check` names one of the functions at the end, for what only one case promises.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson

from tests.entra.scene import VARIABLES, Played
from tests.support.gateway import CORE_USER, ENTERPRISE_USER, PATCH_OP

ERROR_URN = "urn:ietf:params:scim:api:messages:2.0:Error"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
LIST_URN = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


async def keep(played: Played) -> None:
    """Check everything that the case promises, and what every answer must be."""
    message(played)
    for promise, wanted in played.then.items():
        await PROMISES[promise](played, wanted)


def message(played: Played) -> None:
    """What every answer is, whatever was asked."""
    answer = played.answer
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert len(answer.headers["X-Request-Id"]) == 32
    if answer.status >= 400:
        error = answer.json
        assert error["schemas"] == [ERROR_URN]
        assert error["status"] == str(answer.status)
        assert error["detail"].endswith(f"(ref {answer.headers['X-Request-Id'][:12]})")
    elif answer.raw and "Resources" in answer.json:
        assert answer.json["schemas"] == [LIST_URN]
    elif answer.raw:
        assert PATCH_OP not in answer.json["schemas"]


async def answer(played: Played, wanted: Any) -> None:
    contains(played.answer.json, wanted)


async def stored(played: Played, wanted: Mapping[str, Any]) -> None:
    """In the answer of a write that has one, and when read again."""
    read = await played.stored()
    contains(read, wanted)
    if played.answer.raw and played.answer.status < 300:
        contains(played.answer.json, wanted)
    for name in played.then.get("exactly", ()):
        assert read[name] == wanted[name]


async def exactly(played: Played, wanted: Sequence[str]) -> None:
    assert set(wanted) <= played.then["stored"].keys()


async def echo(played: Played, wanted: Sequence[str]) -> None:
    read = await played.stored()
    for name in wanted:
        assert read[name] == played.answer.json[name] == played.sent[name]


async def absent(played: Played, wanted: Sequence[str]) -> None:
    """Not there, in the answer or when read: no null, no empty text."""
    for name in wanted:
        for shown in (played.answer.json, await played.stored()):
            assert not has(shown, name), name


async def unchanged(played: Played, wanted: bool) -> None:  # noqa: FBT001 - a value of the JSON
    assert wanted
    known = played.scene.ids[VARIABLES[played.endpoint]]
    assert await played.scene.read(played.endpoint, known) == played.before


async def gone(played: Played, wanted: bool) -> None:  # noqa: FBT001 - a value of the JSON
    assert wanted
    assert played.answer.raw == b""
    path = f"{played.endpoint}/{played.resource_id}"
    assert (await played.scene.gateway.send("GET", path)).status == 404


async def new_id(played: Played, wanted: bool) -> None:  # noqa: FBT001 - a value of the JSON
    assert wanted
    assert played.answer.json["id"] != played.scene.ids["userId"]


async def found_by(played: Played, wanted: str) -> None:
    """The user is what this filter finds."""
    path = f"/Users?filter={wanted}".replace(" ", "+").replace('"', "%22")
    found = (await played.scene.gateway.send("GET", path)).json
    assert [user["id"] for user in found["Resources"]] == [played.resource_id]


async def users(played: Played, wanted: int) -> None:
    """So many users there are now."""
    assert await played.scene.gateway.total() == wanted


async def groups(played: Played, wanted: int) -> None:
    """So many groups there are now."""
    listed = await played.scene.gateway.send("GET", "/Groups?count=0")
    assert listed.json["totalResults"] == wanted


async def members(played: Played, wanted: Sequence[str]) -> None:
    """Exactly these are in the group, each once, and an answer that shows members says so too."""
    group_id = played.scene.ids.get("groupId") or played.resource_id
    shown = [await played.scene.read("/Groups", group_id)]
    if played.answer.raw and played.endpoint == "/Groups":
        shown.append(played.answer.json)
    for group in shown:
        assert sorted(member["value"] for member in group["members"]) == sorted(wanted)


async def without(played: Played, wanted: Sequence[str]) -> None:
    """The answer, or each resource that it lists, does not have these keys."""
    for resource in played.answer.json.get("Resources", [played.answer.json]):
        assert not set(wanted) & resource.keys()


async def total(played: Played, wanted: int) -> None:
    listed = played.answer.json
    assert listed["totalResults"] == wanted
    assert listed["itemsPerPage"] == len(listed["Resources"])
    assert all({"id", "schemas"} <= resource.keys() for resource in listed["Resources"])


async def keys(played: Played, wanted: Sequence[str]) -> None:
    """No resource of the list has other keys."""
    for resource in played.answer.json["Resources"]:
        assert resource.keys() <= set(wanted)


async def ids(played: Played, wanted: Sequence[str]) -> None:
    assert {resource["id"] for resource in played.answer.json["Resources"]} == set(wanted)


async def headers(played: Played, wanted: Mapping[str, str]) -> None:
    for name, text in wanted.items():
        assert text in played.answer.headers[name]


async def detail(played: Played, wanted: str) -> None:
    assert wanted in played.answer.json["detail"]


async def silent_about(played: Played, wanted: Sequence[str]) -> None:
    text = played.answer.raw.decode().lower()
    assert [word for word in wanted if word in text] == []


async def check(played: Played, wanted: str) -> None:
    await CHECKS[wanted](played)


async def schemas_are_discoverable(played: Played) -> None:
    """What Microsoft's tests look for: no nulls, canonical types, only the names required."""
    assert b"null" not in played.answer.raw
    attributes = {
        schema["id"]: by_name(schema["attributes"]) for schema in played.answer.json["Resources"]
    }
    required = {
        (schema, name)
        for schema, found in attributes.items()
        for name, attribute in found.items()
        if attribute["required"]
    }
    assert required == {(CORE_USER, "userName"), (CORE_GROUP, "displayName")}
    user = attributes[CORE_USER]
    assert {"active", "displayName", "title", "preferredLanguage", "emails", "name"} < user.keys()
    assert "password" not in user
    assert {"work", "mobile", "fax"} <= types_of(user["phoneNumbers"])
    assert {"work", "other"} <= types_of(user["addresses"])
    enterprise = attributes[ENTERPRISE_USER]
    assert {"employeeNumber", "department", "manager"} < enterprise.keys()


async def pages_are_stable(played: Played) -> None:
    """Pages of five tell all eleven once, in the same order as one long page."""
    gateway = played.scene.gateway
    paged: list[str] = []
    for start in (1, 6, 11):
        page = (await gateway.send("GET", f"/Users?startIndex={start}&count=5")).json
        paged += [user["id"] for user in page["Resources"]]
    whole = (await gateway.send("GET", "/Users")).json["Resources"]
    assert paged == [user["id"] for user in whole]
    assert [user["id"] for user in played.answer.json["Resources"]] == paged[5:10]


async def active_unless_said_otherwise(played: Played) -> None:
    assert (await played.stored()).get("active", True) is True


PROMISES: Mapping[str, Callable[[Played, Any], Awaitable[None]]] = {
    each.__name__: each
    for each in (
        answer,
        stored,
        exactly,
        echo,
        absent,
        unchanged,
        gone,
        new_id,
        found_by,
        users,
        groups,
        members,
        without,
        total,
        keys,
        ids,
        headers,
        detail,
        silent_about,
        check,
    )
}

CHECKS: Mapping[str, Callable[[Played], Awaitable[None]]] = {
    each.__name__: each
    for each in (schemas_are_discoverable, pages_are_stable, active_unless_said_otherwise)
}


def contains(found: Any, wanted: Any, where: str = "") -> None:
    """Fail unless `found` has all of `wanted`: objects may have more keys, lists not."""
    if isinstance(wanted, dict):
        assert isinstance(found, dict), where
        for key, inner in wanted.items():
            assert key in found, f"{where}.{key} is missing from {orjson.dumps(found).decode()}"
            contains(found[key], inner, f"{where}.{key}")
    elif isinstance(wanted, list):
        assert isinstance(found, list), where
        assert len(found) == len(wanted), f"{where}: {found}"
        for at, (one, other) in enumerate(zip(found, wanted, strict=True)):
            contains(one, other, f"{where}[{at}]")
    else:
        assert found == wanted, where


def has(user: Mapping[str, Any], name: str) -> bool:
    """Whether the user has `name`, `name.givenName` or `<urn>#department`."""
    above, mark, below = name.partition("#") if "#" in name else name.partition(".")
    if name.startswith("urn:") and "#" not in name:
        return name in user
    return above in user and (not mark or below in user[above])


def by_name(attributes: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {attribute["name"]: attribute for attribute in attributes}


def types_of(attribute: Mapping[str, Any]) -> set[str]:
    """The canonical types of a multi-valued attribute."""
    return set(by_name(attribute["subAttributes"])["type"]["canonicalValues"])
