"""Whose record is it? The look-up before a create, and the holder of a value we were refused.

A record that carries another's claim is never touched: when it belongs to a resource of ours that
is about to change, we wait for that one, else the change is dead and says who holds the value.
"""

from clients.bldng.errors import Refused
from mappers.bldng import linking
from mappers.bldng.linking import Found
from mappers.bldng.vocabulary import User
from workers import outcome
from workers.causes import Cause, Operation
from workers.outcome import Decision
from workers.task import GONE, Failed, Task, call

Pair = tuple[tuple[Found, ...], tuple[Found, ...]]
"""The records found by claim, and those found by login name."""


async def look_up(task: Task, *, holder_id: str = "") -> linking.Decision:
    """Find out whether BLDNG has the record. Raises Failed.

    `holder_id` is the record that a refused create named: a look-up may lag behind it.
    """
    found = await _search(task)
    if found == ((), ()) and holder_id:
        found = await _ask_for(task, holder_id)
    by_subject, by_login = found
    return linking.judge_lookup(
        by_subject, by_login, desired=task.desired, policy=task.tenant.policy
    )


async def left_behind(task: Task) -> tuple[Found, ...]:
    """The records that an unanswered create of a resource since deleted may have left."""
    return await _by_claims(task, _given_up(task))


async def _search(task: Task) -> Pair:
    own = (task.desired.subject,) if task.desired.subject else ()
    if found := await _by_claims(task, (*own, *_given_up(task))):
        return found, ()
    by_login = task.side.find_by_login(
        task.tenant.org, task.desired.login, request_id=task.request_id
    )
    return (), await call(Operation.LOOKUP, by_login)


async def _by_claims(task: Task, claims: tuple[str, ...]) -> tuple[Found, ...]:
    """The records that carry one of these claims, each once."""
    found: dict[str, Found] = {}
    for claim in dict.fromkeys(claims):
        records = task.side.find_by_subject(task.tenant.org, claim, request_id=task.request_id)
        for record in await call(Operation.LOOKUP, records):
            found[record.id] = record
    return tuple(found.values())


def _given_up(task: Task) -> tuple[str, ...]:
    """Claims that the resource had when a create of unknown end was sent."""
    pairs = (released.partition(":") for released in task.item.released)
    return tuple(value for index, _, value in pairs if index == task.side.claim_index)


async def _ask_for(task: Task, holder_id: str) -> Pair:
    """A record that holds neither our claim nor our login name is not looked at further."""
    holder = await holder_of(task, holder_id)
    if holder is None:
        return (), ()
    if task.desired.subject and linking.claim_of(holder) == task.desired.subject:
        return (holder,), ()
    login = holder.username if isinstance(holder, User) else holder.name
    return (), ((holder,) if login.casefold() == task.desired.login.casefold() else ())


async def holder_of(task: Task, holder_id: str) -> Found | None:
    """The record that holds a value, None when it is gone meanwhile. Raises Failed."""
    try:
        return await task.get(holder_id, operation=Operation.LOOKUP)
    except Failed as failed:
        if failed.error.status in GONE:
            return None
        raise


async def judge_owner(task: Task, *, field: str, holder_id: str, claim: str) -> Decision:
    """Decide about a value that the record `holder_id`, claimed by `claim`, holds."""
    if claim and claim == task.desired.subject:
        return outcome.dead(Cause.DUPLICATE_BACKEND, f"{holder_id} carries the same claim")
    owner = await _owner_among_ours(task, claim) if claim else None
    if owner is None:
        return outcome.dead(Cause.CONFLICT, f"{holder_id} holds the {field}")
    state = await task.world.queue.state(task.tenant, owner)
    if state is None or state.first_dirty_ms is None:
        return outcome.dead(Cause.CONFLICT, f"{holder_id} holds the {field}; it is {owner}")
    return outcome.blocked(owner)


async def _owner_among_ours(task: Task, claim: str) -> str | None:
    """The resource key of another resource of the tenant with this claim."""
    found = await task.world.store.find(task.tenant, task.side.claim_index, claim)
    return next((stored.rk for stored in found if stored.rk != task.item.rk), None)


def conflicting_id(error: Exception) -> str:
    """The id of the record that a refusal names as the holder of a value, else nothing."""
    conflict = error.conflict if isinstance(error, Refused) else None
    return conflict.id if conflict else ""
