"""People, their groups and what BLDNG was told, for tests from a real worker to the sandbox."""

from typing import Any

from tests.support.worker import Rig, person

Doc = dict[str, Any]


def login(number: int) -> str:
    return f"user{number}@example.com"


async def people(rig: Rig, count: int) -> list[Doc]:
    """People whom BLDNG has."""
    docs = [person(number) for number in range(1, count + 1)]
    for doc in docs:
        await rig.put(doc)
    async with rig.working():
        await rig.until_clean(within_s=30)
    return docs


def batch_sizes(rig: Rig) -> list[int]:
    return [len(row.body["add"]) + len(row.body["remove"]) for row in rig.batches()]


def group_id(rig: Rig) -> str:
    """BLDNG's id of the one group."""
    [group] = rig.sandbox.state.org(rig.tenant.org).groups
    return str(group["id"])


def batch_path(rig: Rig) -> str:
    """The path of the one group's batches."""
    return f"/orgs/{rig.tenant.org}/groups/{group_id(rig)}/members:batch"
