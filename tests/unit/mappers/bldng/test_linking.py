"""Whose record is it: every case of the look-up before a create."""

import pytest

from mappers.bldng import linking
from mappers.bldng.desired import Desired, Kind
from mappers.bldng.linking import (
    Adopt,
    Conflict,
    CreateNew,
    Decision,
    Duplicate,
    Found,
    NeedsReview,
    OwnedByAnother,
)
from mappers.bldng.vocabulary import Group, User

ADA = Desired({"username": "ada", "ssoSubject": "s-ada", "active": True})
NOBODY_SAYS = Desired({"username": "ada", "ssoSubject": None, "active": True})


def user(number: int, subject: str | None, username: str = "ada") -> User:
    return User(id=f"usr_{number}", username=username, sso_subject=subject, active=True)


OURS, UNCLAIMED, EMPTY = user(1, "s-ada"), user(2, None), user(3, "")
STRANGER = user(4, "s-bob")


@pytest.mark.parametrize(
    ("by_subject", "by_username", "policy", "decision"),
    [
        ([], [], "link", CreateNew()),
        ([], [], "strict", CreateNew()),
        ([], [], "review", CreateNew()),
        ([OURS], [], "strict", Adopt(OURS)),
        ([OURS], [OURS], "review", Adopt(OURS)),
        ([OURS], [STRANGER], "link", Adopt(OURS)),
        ([], [OURS], "strict", Adopt(OURS)),
        ([], [UNCLAIMED], "link", Adopt(UNCLAIMED, linked=True)),
        ([], [EMPTY], "link", Adopt(EMPTY, linked=True)),
        ([], [UNCLAIMED], "strict", Conflict("username", "usr_2")),
        ([], [UNCLAIMED], "review", NeedsReview("usr_2")),
        ([], [STRANGER], "link", OwnedByAnother("username", "usr_4", "s-bob")),
        ([], [STRANGER], "strict", OwnedByAnother("username", "usr_4", "s-bob")),
        ([], [STRANGER], "review", OwnedByAnother("username", "usr_4", "s-bob")),
        ([], [UNCLAIMED, EMPTY], "link", Duplicate(("usr_2", "usr_3"))),
        ([], [UNCLAIMED, STRANGER], "link", Duplicate(("usr_2", "usr_4"))),
        ([user(9, "s-ada"), OURS], [OURS], "link", Duplicate(("usr_1", "usr_9"))),
    ],
)
def test_users(
    by_subject: list[User], by_username: list[User], policy: str, decision: Decision
) -> None:
    assert linking.judge_lookup(by_subject, by_username, desired=ADA, policy=policy) == decision


@pytest.mark.parametrize(
    ("found", "decision"),
    [
        (OURS, OwnedByAnother("username", "usr_1", "s-ada")),
        (UNCLAIMED, Adopt(UNCLAIMED, linked=True)),
    ],
)
def test_a_person_without_external_id_claims_nobodys_record(
    found: User, decision: Decision
) -> None:
    assert linking.judge_lookup([], [found], desired=NOBODY_SAYS, policy="link") == decision


@pytest.mark.parametrize(
    ("external_id", "policy", "decision"),
    [
        ("x", "strict", Adopt(Group(id="grp_1", name="g", external_id="x"))),
        ("y", "link", OwnedByAnother("name", "grp_1", "y")),
        (None, "link", Adopt(Group(id="grp_1", name="g"), linked=True)),
        (None, "strict", Conflict("name", "grp_1")),
        (None, "review", NeedsReview("grp_1")),
    ],
)
def test_groups(external_id: str | None, policy: str, decision: Decision) -> None:
    found: Found = Group(id="grp_1", name="g", external_id=external_id)
    desired = Desired({"name": "G", "externalId": "x"}, Kind.GROUP)
    assert linking.judge_lookup([], [found], desired=desired, policy=policy) == decision


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="takeover"):
        linking.judge_lookup([], [UNCLAIMED], desired=ADA, policy="takeover")
