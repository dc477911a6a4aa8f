import pytest

from mappers.scim import errors, indexes
from mappers.scim import filter as filters
from mappers.scim.schemas import ENTERPRISE_USER, GROUP, USER
from tests.unit.mappers.scim import samples
from tests.unit.mappers.scim.samples import CUSTOM

JOY = samples.user(**{CUSTOM: {"tag": "Blue", "level": 3, "flag": True, "rows": [{"k": "v"}]}})


def holds(text: str) -> bool:
    return filters.matches(filters.parse(text, USER), JOY)


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "joy@contoso.com"',
        'UserName EQ "JOY@Contoso.COM"',
        "userName eq joy@contoso.com",
        'userName ne "x"',
        'userName co "@CONTOSO"',
        'userName sw "joy"',
        "userName sw JOY",
        'userName ew ".com"',
        'userName gt "jox"',
        'userName ge "joy@contoso.com"',
        'userName lt "k"',
        'userName le "joy@contoso.com"',
        "title pr",
        "not (nickName pr)",
        "nickName eq null",
        "title ne null",
        'nickName ne "x"',
        'externalId eq "Ext-1"',
        'id eq "6b4a5c3e-1d2f-4a5b-8c6d-7e8f9a0b1c2d"',
        "active eq true",
        'active eq "True"',
        "active ne false",
        'emails eq "joy@home.example"',
        'emails.type eq "HOME"',
        'emails[type eq "work"].value eq "joy@contoso.com"',
        'emails[type eq "work"] eq "joy@contoso.com"',
        'emails[type eq "work" and value co "@contoso"]',
        'emails[primary eq "True"].value sw "joy"',
        'not (emails[type eq "other"])',
        'department eq "sales"',
        f'{ENTERPRISE_USER}:department eq "Sales"',
        'manager eq "m-1"',
        'id eq "6b4a5c3e-1d2f-4a5b-8c6d-7e8f9a0b1c2d" and manager eq "m-1"',
        'meta.created lt "2026-01-02T03:04:06Z"',
        "meta.Created gt 2015-10-10T14:38:21.8617979-07:00",
        'meta.created eq "2026-01-02T04:04:05+01:00"',
        'meta.created eq "2026-01-02T03:04:05"',
        'meta.resourceType eq "User"',
        f'schemas eq "{ENTERPRISE_USER}"',
        'userName eq "x" or title eq "engineer"',
        'title pr and (userName eq "x" or active eq true)',
        'userName eq "x" and title pr or active eq true',
        f'{CUSTOM}:tag eq "blue"',
        f'{CUSTOM.lower()}:TAG co "lu"',
        f"{CUSTOM}:level eq 3",
        f"{CUSTOM}:level gt 2.5",
        f"{CUSTOM}:level ne {'9' * 5000}",
        f"{CUSTOM}:flag eq true",
        f'{CUSTOM}:rows[k eq "V"]',
        f'{CUSTOM}:rows.k eq "v"',
        f"{CUSTOM}:tag pr",
        f"{CUSTOM} pr",
    ],
)
def test_a_filter_that_holds(text: str) -> None:
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "joy"',
        'externalId eq "EXT-1"',
        'userName ne "JOY@contoso.com"',
        "nickName pr",
        "title eq null",
        'title gt "x"',
        "nickName gt null",
        'emails[type eq "work"].value eq "joy@home.example"',
        'emails[type eq "other"]',
        "active eq false",
        'userName eq "x" and title pr',
        'not (title pr) or userName eq "x"',
        'meta.created gt "2026-01-02T03:04:05Z"',
        f'{CUSTOM}:level gt "a"',
        f'{CUSTOM}:none eq "a"',
        f"{CUSTOM}:level eq true",
        f'{CUSTOM}:tag.sub eq "x"',
        'urn:example:other:User:x eq "y"',
    ],
)
def test_a_filter_that_does_not_hold(text: str) -> None:
    assert not holds(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "an attribute name is missing"),
        ("userName", "must come eq"),
        ("userName eq", "a value is missing"),
        ("userName eq )", "a value is missing"),
        ("userName is x", "must come eq"),
        ('userName eq "x', "quote"),
        ('userName eq "\\x"', "escape"),
        ('userName eq "\\ud800"', "escape"),
        ('userName eq "x" and', "an attribute name is missing"),
        ('(userName eq "x"', "')' is missing"),
        ('userName eq "x")', "more text"),
        ("userName eq two words", "more text"),
        ('userName eq "x" xor title pr', "more text"),
        ("(" * 40 + "title pr" + ")" * 40, "nested deeper"),
        ("userName eq " + "x" * 10_000, "longer than"),
        ('emails[type eq "x" ] [', "more text"),
        ("favouriteColour eq red", "'favouriteColour'"),
        ("name.colour eq red", "'name.colour'"),
        ("password eq x", "'password'"),
        ("active eq maybe", "active takes true or false"),
        ("active gt true", "active cannot be compared by gt"),
        ("meta.created gt yesterday", "meta.created takes a date"),
        ("meta.created co 2026", "meta.created cannot be compared by co"),
        ('name eq "Joy"', "name.formatted"),
        (f'{ENTERPRISE_USER} eq "x"', "not a whole schema"),
        ('addresses eq "x"', "addresses.formatted"),
    ],
)
def test_a_filter_that_is_no_filter_is_an_error_that_says_why(text: str, said: str) -> None:
    with pytest.raises(errors.InvalidFilter) as caught:
        filters.parse(text, USER)

    assert said in caught.value.detail


def test_an_error_does_not_repeat_values() -> None:
    with pytest.raises(errors.InvalidFilter) as caught:
        filters.parse('userName eq "joy@contoso.com" nonsense', USER)

    assert "joy@contoso.com" not in caught.value.detail


@pytest.mark.parametrize(
    ("text", "index", "value"),
    [
        ('userName eq "Joy@Contoso.com"', "un", "joy@contoso.com"),
        ('externalId eq "Ext-1"', "xid", "Ext-1"),
        ('id eq "6b4a"', "id", "6b4a"),
        ('emails[type eq "Work"].value eq "A@B"', "em", "a@b"),
        ('emails[type eq "work"] eq "a@b"', "em", "a@b"),
        ('employeeNumber eq "0A1"', "en", "0a1"),
        ("employeeNumber eq 007", "en", "007"),
        (f'{ENTERPRISE_USER}:employeeNumber eq "1"', "en", "1"),
        ('title pr and userName eq "X"', "un", "x"),
        ('(active eq true and (externalId eq "e" and title pr))', "xid", "e"),
        ('userName eq "u" and id eq "i"', "id", "i"),
    ],
)
def test_an_index_answers(text: str, index: str, value: str) -> None:
    assert filters.lookup(filters.parse(text, USER)) == filters.Lookup(index, value)


@pytest.mark.parametrize(
    "text",
    [
        'userName ne "x"',
        'userName co "x"',
        "userName eq null",
        "userName pr",
        'userName eq "x" or title pr',
        'not (userName eq "x")',
        'emails.value eq "a@b"',
        'emails[type eq "home"].value eq "a@b"',
        'emails[type ne "work"].value eq "a@b"',
        'emails[type eq "work" and primary eq true].value eq "a@b"',
        'displayName eq "x"',
        'manager eq "x"',
        f'{CUSTOM}:tag eq "x"',
    ],
)
def test_no_index_answers(text: str) -> None:
    assert filters.lookup(filters.parse(text, USER)) is None


def test_groups_have_their_own_indexes() -> None:
    assert filters.lookup(filters.parse('DisplayName eq "Sales"', GROUP)) == filters.Lookup(
        "gdn", "sales"
    )
    assert filters.lookup(filters.parse('externalId eq "G"', GROUP)) == filters.Lookup("gxid", "G")
    assert filters.lookup(filters.parse('id eq "G"', GROUP)) == filters.Lookup("id", "G")


def test_the_index_values_of_a_document() -> None:
    doc = samples.user(**{ENTERPRISE_USER: {"employeeNumber": "A7"}})

    assert indexes.values(doc, USER) == {
        "un": "joy@contoso.com",
        "xid": "Ext-1",
        "em": "joy@contoso.com",
        "en": "a7",
    }
    assert indexes.values(samples.bare_user(), USER) == {"un": "joy@contoso.com"}
    assert indexes.values(samples.group(externalId="G"), GROUP) == {"gdn": "sales", "gxid": "G"}


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ('userName eq "joy"', "userName eq ?"),
        ('emails[type eq "work"].value eq "a"', "emails[type eq ?].value eq ?"),
        ("title pr", "title pr"),
        ('not (id eq "1") and active eq true', "(not (id eq ?)) and (active eq ?)"),
        ('title eq "a" or title eq "b"', "(title eq ?) or (title eq ?)"),
        (f"{ENTERPRISE_USER} pr", f"{ENTERPRISE_USER} pr"),
    ],
)
def test_the_shape_holds_no_value(text: str, shape: str) -> None:
    assert filters.shape(filters.parse(text, USER)) == shape


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("title PR", "title pr"),
        ("Title eq 7", 'title eq "7"'),
        ("(title pr) and (active eq True or id pr)", "title pr and (active eq true or id pr)"),
        ("title pr and active eq true or id pr", "title pr and active eq true or id pr"),
        ("not (title pr and id pr)", "not (title pr and id pr)"),
        ("emails[type eq work]", 'emails[type eq "work"]'),
        ('department eq "a\\"b"', f'{ENTERPRISE_USER}:department eq "a\\"b"'),
        (f"{CUSTOM}:n eq 1.5", f"{CUSTOM}:n eq 1.5"),
    ],
)
def test_a_filter_prints_as_what_was_read(text: str, printed: str) -> None:
    assert str(filters.parse(text, USER)) == printed


def test_uses_tells_whether_members_are_asked_for() -> None:
    asked = filters.parse('id eq "g" and not (members eq "u" or displayName pr)', GROUP)

    assert filters.uses(asked, "members")
    assert not filters.uses(filters.parse("displayName pr", GROUP), "members")
