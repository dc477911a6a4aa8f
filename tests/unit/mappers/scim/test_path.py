import pytest

from mappers.scim import errors, path
from mappers.scim.attributes import Attribute, ResourceType, Schema
from mappers.scim.schemas import CORE_USER, ENTERPRISE_USER, GROUP, USER
from tests.unit.mappers.scim import samples
from tests.unit.mappers.scim.samples import CUSTOM


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("userName", "userName"),
        (" DisplayName ", "displayName"),
        ("name.GivenName", "name.givenName"),
        ('Emails[Type eq "WORK"].Value', 'emails[type eq "WORK"].value'),
        ('emails[type eq "work"]', 'emails[type eq "work"]'),
        ('roles[primary eq "True"].display', "roles[primary eq true].display"),
        ("emails[primary eq true].value", "emails[primary eq true].value"),
        (
            'addresses[type eq "work" and not (country pr)].region',
            'addresses[type eq "work" and not (country pr)].region',
        ),
        ("department", f"{ENTERPRISE_USER}:department"),
        (f"{ENTERPRISE_USER}:employeeNumber", f"{ENTERPRISE_USER}:employeeNumber"),
        (f"{ENTERPRISE_USER}:manager.value", f"{ENTERPRISE_USER}:manager.value"),
        (f"{ENTERPRISE_USER}:manager.$ref", f"{ENTERPRISE_USER}:manager.$ref"),
        (f"{ENTERPRISE_USER.upper()}:MANAGER", f"{ENTERPRISE_USER}:manager"),
        (ENTERPRISE_USER, ENTERPRISE_USER),
        (f"{CORE_USER}:userName", "userName"),
        (f"{CORE_USER}:name.familyName", "name.familyName"),
        (f"{CUSTOM}:tag", f"{CUSTOM}:tag"),
        (f"{CUSTOM}:tag.colour", f"{CUSTOM}:tag.colour"),
        (f'{CUSTOM}:tags[kind eq "x"].colour', f'{CUSTOM}:tags[kind eq "x"].colour'),
        (CUSTOM, CUSTOM),
        ("urn:example:2.0", "urn:example:2.0"),
        (f"{ENTERPRISE_USER}X:tag", f"{ENTERPRISE_USER}X:tag"),
    ],
)
def test_a_path_is_read(text: str, canonical: str) -> None:
    found = path.parse(text, USER)

    assert str(found) == canonical
    assert path.parse(canonical, USER) == found or canonical.startswith(CUSTOM)


@pytest.mark.parametrize(
    "text",
    [
        'emails[type eq "work"',
        'emails[type eq "work"].',
        'emails[type eq "work',
        "emails[type]",
        "emails[type eq]",
        "emails[]",
        "emails]",
        'emails[addresses[type eq "x"]]',
        'emails.type[type eq "work"].value',
        "title[value eq 1]",
        "name givenName",
        "name..givenName",
        ".name",
        "name.",
        "9lives",
        "a:b",
        "urn:only",
        f'{ENTERPRISE_USER}[x eq "y"]',
        "(userName)",
        "x" * 10_000,
        "emails[" + "(" * 40 + "type pr" + ")" * 40 + "]",
        "emails[type gt]",
        "emails[primary eq maybe].value",
        "roles[primary gt true]",
        "",
    ],
)
def test_a_malformed_path_is_refused(text: str) -> None:
    with pytest.raises(errors.InvalidPath) as caught:
        path.parse(text, USER)

    assert not isinstance(caught.value, errors.UnknownAttribute)


def test_a_value_in_a_malformed_path_is_not_repeated() -> None:
    with pytest.raises(errors.InvalidPath) as caught:
        path.parse('emails[value eq "joy@contoso.com"', USER)

    assert "emails" in caught.value.detail
    assert "joy" not in caught.value.detail


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("favouriteColour", "favouriteColour"),
        ("name.favourite", "name.favourite"),
        ('favourites[type eq "x"].value', "favourites"),
        ('emails[colour eq "x"].value', "emails.colour"),
        (f"{ENTERPRISE_USER}:colour", f"{ENTERPRISE_USER}:colour"),
        ("urn:ietf:params:scim:schemas:core:2.0:Group:members", "Group:members"),
        ("password", "password"),
    ],
)
def test_an_unknown_attribute_is_told_apart_and_named(text: str, named: str) -> None:
    with pytest.raises(errors.UnknownAttribute) as caught:
        path.parse(text, USER)

    assert named in caught.value.attribute
    assert named in caught.value.detail


@pytest.mark.parametrize(
    ("text", "resource", "values"),
    [
        ("userName", USER, ["joy@contoso.com"]),
        ("name.givenName", USER, ["Joy"]),
        ("name.middleName", USER, []),
        ("emails.value", USER, ["joy@contoso.com", "joy@home.example"]),
        ('emails[type eq "home"].value', USER, ["joy@home.example"]),
        ("manager.value", USER, ["m-1"]),
        ("costCenter", USER, []),
        (ENTERPRISE_USER, USER, [{"department": "Sales", "manager": {"value": "m-1"}}]),
        (f"{CUSTOM.lower()}:TAG", USER, ["blue"]),
        (f"{CUSTOM}:none", USER, []),
        ("urn:example:other:User:x", USER, []),
        ("displayName", GROUP, []),
    ],
)
def test_a_path_selects_values(text: str, resource: ResourceType, values: list[object]) -> None:
    doc = samples.user(**{CUSTOM: {"tag": "blue"}})
    found = path.parse(text, resource)

    assert list(path.values(found, doc)) == values
    assert path.first(found, doc) == (values[0] if values else None)


def test_the_longest_known_urn_is_the_schema() -> None:
    short = Schema("urn:a:User", "Short", "", (Attribute("more"),))
    long = Schema("urn:a:User:more", "Long", "", (Attribute("thing"),))

    for extensions in ((short, long), (long, short)):
        resource = ResourceType("User", "/Users", "", USER.schema, extensions)

        assert path.parse("urn:a:User:more:thing", resource).urn == long.id


def test_a_path_is_compiled_once() -> None:
    assert path.parse("name.givenName", USER) is path.parse("name.givenName", USER)
    assert path.parse.cache_info().maxsize == path.CACHED_PATHS
