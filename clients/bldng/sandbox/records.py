"""Create, change and delete the sandbox's records by the rules of the contract. No I/O here."""

from typing import Any

from clients.bldng.sandbox import bodies, problems
from clients.bldng.sandbox.collection import Collection, Record
from clients.bldng.sandbox.state import Organisation, State
from mappers.bldng.vocabulary import MEMBERS_BATCH_MAX


def create(state: State, org: Organisation, kind: Collection, fields: Record) -> Record:
    """A new record. Raises Refusal 409, and 422 for a department that does not exist."""
    check_department(org, fields)
    if state.modes.uniqueness:
        kind.check(fields)
    now = state.now_iso()
    record = {"id": state.new_id(kind.prefix), **fields, "createdAt": now, "updatedAt": now}
    org.born_ms[record["id"]] = state.now_ms()
    kind.put(record)
    state.touch()
    return record


def patch(
    state: State, org: Organisation, kind: Collection, *, record_id: str, fields: Record
) -> Record:
    """A changed record. Raises Refusal 404, 409 and 422."""
    before = kind.get(record_id)
    check_department(org, fields)
    if state.modes.uniqueness:
        kind.check(fields, but=record_id)
    record = {**before, **fields, "updatedAt": state.now_iso()}
    kind.put(record)
    state.touch()
    return record


def delete_user(state: State, org: Organisation, user_id: str) -> None:
    """Remove a user and their memberships. Raises Refusal 404."""
    org.users.get(user_id)
    org.users.drop(user_id)
    for members in org.members.values():
        members.pop(user_id, None)
    state.touch()


def delete_group(state: State, org: Organisation, group_id: str) -> None:
    """Remove a group; its members stay as users. Raises Refusal 404."""
    org.groups.get(group_id)
    org.groups.drop(group_id)
    org.members.pop(group_id, None)
    state.touch()


def change_members(
    state: State, org: Organisation, group_id: str, batch: bodies.MembersBatch
) -> dict[str, Any]:
    """Add and remove members. Raises Refusal 404, and 422 above MEMBERS_BATCH_MAX ids."""
    org.groups.get(group_id)
    if len(batch.add) + len(batch.remove) > MEMBERS_BATCH_MAX:
        message = f"at most {MEMBERS_BATCH_MAX} ids together"
        raise problems.invalid(("add", "too_long", message))
    members = org.members.setdefault(group_id, {})
    named = dict.fromkeys([*batch.add, *batch.remove])
    unknown = [user_id for user_id in named if user_id not in org.users.records]
    added = {user_id for user_id in batch.add if user_id not in members} - set(unknown)
    members |= dict.fromkeys(user_id for user_id in batch.add if user_id in added)
    removed = [user_id for user_id in dict.fromkeys(batch.remove) if user_id in members]
    for user_id in removed:
        del members[user_id]
    state.touch()
    return {"added": len(added), "removed": len(removed), "unknown": unknown}


def check_department(org: Organisation, fields: Record) -> None:
    """Raise Refusal 422 when `departmentId` names no department of the organisation."""
    department_id = fields.get("departmentId")
    if department_id and department_id not in org.departments.records:
        raise problems.invalid(("departmentId", "unknown", "there is no such department"))
