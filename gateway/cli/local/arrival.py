"""Whether, and how fast, what Entra sent reached BLDNG. No I/O.

It looks from outside only: the simulation's journal on one side, the sandbox's records and log on
the other. The fields are spelt out here again, so that a wrong mapping in the product shows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.cli.simulation import mapping, report
from gateway.cli.simulation.cycle import Job, Link
from gateway.cli.simulation.group_cycle import GroupLink
from gateway.cli.simulation.journal import Action, Entry

FIELDS: Final = {
    "username": "userName",
    "active": "active",
    "displayName": "displayName",
    "email": 'emails[type eq "work"].value',
    "firstName": "name.givenName",
    "lastName": "name.familyName",
    "mobile": 'phoneNumbers[type eq "mobile"].value',
    "ssoSubject": "externalId",
    "employeeNumber": f"{mapping.ENTERPRISE}:employeeNumber",
    "department": f"{mapping.ENTERPRISE}:department",
}
"""BLDNG field -> SCIM path; a department is compared by its name."""

TOMBSTONE_CHARS: Final = 32
"""Of the object id in front of a deleted person's login name, which BLDNG must never see."""

WRITES: Final = frozenset({
    Action.CREATE, Action.UPDATE, Action.DELETE,
    Action.GROUP_CREATE, Action.GROUP_UPDATE, Action.GROUP_DELETE, Action.MEMBERS,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Freshness:
    """From the SCIM answer to BLDNG's call, in milliseconds. `measured` of `accepted` changes.

    A change that a newer one overtook, or that BLDNG has no field for, needs no call of its own.
    """

    accepted: int
    measured: int
    p50_ms: float
    p99_ms: float


def missing(
    organisation: Mapping[str, Any], links: Mapping[str, Link], deleted: Iterable[str]
) -> list[str]:
    """The object ids whose record at BLDNG is not yet what it should be."""
    names = {each["id"]: each["name"] for each in organisation.get("departments", [])}
    records = {each["ssoSubject"]: each for each in organisation.get("users", [])}
    late = [
        object_id
        for object_id, link in links.items()
        if object_id not in records or _fields(records[object_id], names) != _wanted(link)
    ]
    return [*late, *(object_id for object_id in deleted if object_id in records)]


def memberships(job: Job) -> dict[str, frozenset[str]]:
    """Group -> the people in it, by object ids, as acknowledged; a nested group is nobody."""
    people = {link.id: object_id for object_id, link in job.links.items()}
    return {
        object_id: frozenset(people[member] for member in link.members if member in people)
        for object_id, link in job.groups.links.items()
    }


def missing_groups(
    organisation: Mapping[str, Any],
    links: Mapping[str, GroupLink],
    members: Mapping[str, frozenset[str]],
    deleted: Iterable[str],
) -> list[str]:
    """The object ids of groups whose record or members at BLDNG are not yet what they should be.

    `members` are the object ids of the people in each group.
    """
    claims = {each["id"]: each["ssoSubject"] for each in organisation.get("users", [])}
    records = {each["externalId"]: each for each in organisation.get("groups", [])}
    held = organisation.get("members", {})
    late = [
        object_id
        for object_id, link in links.items()
        if object_id not in records
        or records[object_id]["name"] != link.sent["displayName"]
        or {claims.get(each) for each in held.get(records[object_id]["id"], ())}
        != members[object_id]
    ]
    return [*late, *(object_id for object_id in deleted if object_id in records)]


def freshness(entries: Iterable[Entry], log: Sequence[Mapping[str, Any]]) -> Freshness:
    """Match accepted changes with BLDNG's calls by the request id that both carry."""
    accepted = {
        entry.answer.request_id: entry.answer.ended_at_ms
        for entry in entries
        if entry.action in WRITES and not entry.problem
    }
    arrived = {
        row["request_id"].partition(".")[0]: row["at_ms"]
        for row in log
        if row["method"] != "GET" and 200 <= row["status"] < 300
    }
    spans = [max(0, arrived[each] - at_ms) for each, at_ms in accepted.items() if each in arrived]
    return Freshness(
        accepted=len(accepted),
        measured=len(spans),
        p50_ms=report.percentile(spans, 0.50),
        p99_ms=report.percentile(spans, 0.99),
    )


def _fields(record: Mapping[str, Any], departments: Mapping[str, str]) -> dict[str, Any]:
    named = {**record, "department": departments.get(record["departmentId"] or "")}
    return {field: named[field] for field in FIELDS}


def _wanted(link: Link) -> dict[str, Any]:
    wanted = {field: link.sent.get(path) for field, path in FIELDS.items()}
    bare_id = str(link.sent["externalId"]).replace("-", "")
    username = str(wanted["username"])
    if not wanted["active"] and username.startswith(bare_id):
        wanted["username"] = username[TOMBSTONE_CHARS:]
    return wanted
