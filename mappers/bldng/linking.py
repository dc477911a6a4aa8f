"""Whose record is it? Judges what the look-up before a create found. No I/O here.

A record of BLDNG is claimed by its `ssoSubject` (a group: its `externalId`). One that carries
another's claim is never touched; one without is taken over only as the tenant's policy says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mappers.bldng.desired import Desired
from mappers.bldng.vocabulary import Group, User

Found = User | Group


class Policy(StrEnum):
    """What to do with exactly one unclaimed record of the same name."""

    LINK = "link"
    STRICT = "strict"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Adopt:
    """The record is ours: keep its id and PATCH it. `linked` when it was unclaimed before."""

    record: Found
    linked: bool = False


@dataclass(frozen=True, slots=True)
class CreateNew:
    """Nobody has it: POST."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """The policy forbids taking over the unclaimed record `id`, which holds our `field`."""

    field: str
    id: str


@dataclass(frozen=True, slots=True)
class OwnedByAnother:
    """The record `id` holds our `field` and carries the claim `subject` of somebody else."""

    field: str
    id: str
    subject: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """BLDNG holds several records that could be it; a human picks, never we."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NeedsReview:
    """The policy wants a human to confirm that the unclaimed record `id` is the same one."""

    id: str


Decision = Adopt | CreateNew | Conflict | OwnedByAnother | Duplicate | NeedsReview


def judge_lookup(
    by_subject: Sequence[Found],
    by_username: Sequence[Found],
    *,
    desired: Desired,
    policy: str,
) -> Decision:
    """Decide from both look-ups (a group's: by externalId and by name).

    `policy` is a `Policy`. Raises ValueError for another text.
    """
    if len(by_subject) > 1:
        return _duplicate(by_subject)
    if by_subject:
        return Adopt(by_subject[0])
    if len(by_username) > 1:
        return _duplicate(by_username)
    if by_username:
        return _judge_namesake(by_username[0], desired, Policy(policy))
    return CreateNew()


def _judge_namesake(found: Found, desired: Desired, policy: Policy) -> Decision:
    claim = claim_of(found)
    field = "username" if isinstance(found, User) else "name"
    if claim and claim == desired.subject:
        return Adopt(found)
    if claim:
        return OwnedByAnother(field=field, id=found.id, subject=claim)
    match policy:
        case Policy.LINK:
            return Adopt(found, linked=True)
        case Policy.STRICT:
            return Conflict(field=field, id=found.id)
        case Policy.REVIEW:
            return NeedsReview(found.id)


def claim_of(found: Found) -> str:
    """The claim a record carries; empty when it has none."""
    return (found.sso_subject if isinstance(found, User) else found.external_id) or ""


def _duplicate(found: Sequence[Found]) -> Duplicate:
    return Duplicate(tuple(sorted(record.id for record in found)))
