"""The mapping profile: what is read, what is refused and how the refusal reads."""

import pytest

from mappers import profile
from mappers.bldng.vocabulary import FIELDS, GROUP_FIELDS


def row(scim: str, bldng: str, *transforms: str) -> str:
    return f"[[users]]\nscim = '{scim}'\nbldng = '{bldng}'\ntransforms = {list(transforms)}\n"


def test_the_default_fills_every_field_once() -> None:
    users = [rule.row.bldng for rule in profile.DEFAULT.users]
    groups = [rule.row.bldng for rule in profile.DEFAULT.groups]
    assert sorted(users) == sorted(
        "department" if name == "departmentId" else name for name in FIELDS
    )
    assert sorted(groups) == sorted(GROUP_FIELDS)


def test_an_empty_profile_is_the_default() -> None:
    assert profile.parse("").digest == profile.DEFAULT.digest


def test_a_row_replaces_the_default_row_of_its_field() -> None:
    found = profile.parse(row("title", "displayName"))
    rows = {rule.row.bldng: rule.row.scim for rule in found.users}
    assert (rows["displayName"], len(rows)) == ("title", len(profile.DEFAULT.users))


def test_drop_takes_a_field_out() -> None:
    found = profile.parse('[drop]\nusers = ["mobile"]')
    assert "mobile" not in {rule.row.bldng for rule in found.users}


@pytest.mark.parametrize(
    "text",
    [
        row("title", "displayName"),
        row("displayName", "displayName", "trim"),
        '[drop]\nusers = ["mobile"]',
        '[tables.t]\na = "b"',
    ],
)
def test_the_digest_tells_differences(text: str) -> None:
    assert profile.parse(text).digest != profile.DEFAULT.digest
    assert profile.parse(text).digest == profile.parse(f"# other words\n{text}").digest


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[users", "the profile is not TOML: "),
        (
            "[[people]]",
            "the profile: unknown key 'people'; use one of drop, groups, tables, users",
        ),
        (
            row("title", "mobile").replace("transforms", "transform"),
            "users row 1: unknown key 'transform'; did you mean 'transforms'?",
        ),
        ("[drop]\npersons = []", "drop: unknown key 'persons'; use one of groups, users"),
        ("[[users]]\nscim = 'title'", "users row 1 bldng: field required"),
        (
            "[[users]]\nscim = 7\nbldng = 'mobile'",
            "users row 1 scim: input should be a valid string",
        ),
        (
            row("title", "mobil"),
            "users row 1 (title -> mobil): 'mobil' is no BLDNG field; did you mean 'mobile'?",
        ),
        (
            row("title", "departmentId"),
            (
                "users row 1 (title -> departmentId): map the department's name: "
                "write bldng = 'department'"
            ),
        ),
        (
            row("title", "mobile") + row("nickName", "mobile"),
            "users row 2 (nickName -> mobile): 'mobile' has a row already; remove one of them",
        ),
        (
            row("userName", "ssoSubject"),
            (
                "users row 1 (userName -> ssoSubject): 'ssoSubject' always comes from "
                "'externalId' as it is; remove the row"
            ),
        ),
        (
            row("externalId", "ssoSubject", "lower"),
            (
                "users row 1 (externalId -> ssoSubject): 'ssoSubject' always comes from "
                "'externalId' as it is; remove the row"
            ),
        ),
        (
            row("name", "displayName"),
            (
                "users row 1 (name -> displayName): 'name' has several parts; "
                "name one, like name.formatted"
            ),
        ),
        (
            row("title", "mobile", "shout"),
            "users row 1 (title -> mobile): 'shout' is no transform: use trim, lower",
        ),
        (row("shoeSize", "mobile"), "users row 1 (shoeSize -> mobile): No attribute 'shoeSize'"),
        (row("emails[type", "email"), "users row 1 (emails[type -> email): "),
        ('[drop]\nusers = ["active"]', "drop users: 'active' cannot be dropped"),
        (
            '[drop]\nusers = ["mobil"]',
            "drop users: 'mobil' is no BLDNG field; did you mean 'mobile'?",
        ),
        ('[drop]\ngroups = ["name"]', "drop groups: 'name' cannot be dropped"),
    ],
)
def test_a_wrong_profile_names_row_attribute_and_cure(text: str, problem: str) -> None:
    with pytest.raises(profile.ProfileError) as caught:
        profile.parse(text)
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith(problem)


def test_every_wrong_row_is_told_at_once() -> None:
    with pytest.raises(profile.ProfileError) as caught:
        profile.parse(row("title", "mobil") + row("title", "email") + row("tittle", "mobile"))
    assert [line[:11] for line in caught.value.problems] == ["users row 1", "users row 3"]
