"""Reads every resource back and compares it with what was acknowledged. Entra does not do this."""

from collections.abc import Mapping

from gateway.cli.simulation import mapping
from gateway.cli.simulation.cycle import Link
from gateway.cli.simulation.group_cycle import WITHOUT_MEMBERS, GroupLink
from gateway.cli.simulation.journal import Action, Entry, Journal
from gateway.cli.simulation.transport import Answer, Transport


async def everyone(
    endpoint: Transport,
    journal: Journal,
    *,
    links: Mapping[str, Link],
    deleted: Mapping[str, str],
) -> None:
    """Check that the linked are as acknowledged and the deleted (object id -> id) are gone."""
    for object_id, link in links.items():
        answer = await endpoint.call("GET", f"/Users/{link.id}")
        journal.add(Entry(0, Action.VERIFY, object_id, answer, differs(answer, link)))
    for object_id, scim_id in deleted.items():
        answer = await endpoint.call("GET", f"/Users/{scim_id}")
        journal.add(Entry(0, Action.VERIFY, object_id, answer, _not_gone(answer)))


async def groups(
    endpoint: Transport,
    journal: Journal,
    *,
    links: Mapping[str, GroupLink],
    deleted: Mapping[str, str],
) -> None:
    """The same for groups, with every member."""
    for object_id, link in links.items():
        answer = await endpoint.call("GET", f"/Groups/{link.id}")
        journal.add(Entry(0, Action.VERIFY, object_id, answer, group_differs(answer, link)))
    for object_id, scim_id in deleted.items():
        answer = await endpoint.call("GET", f"/Groups/{scim_id}?{WITHOUT_MEMBERS}")
        journal.add(Entry(0, Action.VERIFY, object_id, answer, _not_gone(answer)))


def group_differs(answer: Answer, link: GroupLink) -> str:
    """Empty when the group and its members are what was acknowledged; a count, no values."""
    if answer.status != 200:
        return f"GET answers {answer.status}: {answer.detail}"
    paths = [path for path, value in link.sent.items() if answer.body.get(path) != value]
    if paths:
        return "is not what was sent: " + ", ".join(paths)
    listed = [member.get("value") for member in answer.body.get("members", ())]
    found = frozenset(listed)
    if len(found) != len(listed):
        return f"{len(listed) - len(found)} members are listed twice"
    missing = len(link.members - found)
    extra = len(found - link.members) if link.ours else 0
    return f"{missing} members are missing, {extra} too many" if missing or extra else ""


def differs(answer: Answer, link: Link) -> str:
    """Empty when the resource is what was acknowledged, else the paths that differ (no values)."""
    if answer.status != 200:
        return f"GET answers {answer.status}: {answer.detail}"
    found = mapping.flattened(answer.body)
    paths = mapping.different(link.sent, found, exactly=link.ours)
    return "is not what was sent: " + ", ".join(paths) if paths else ""


def _not_gone(answer: Answer) -> str:
    return "" if answer.status == 404 else f"deleted, yet GET answers {answer.status}"
