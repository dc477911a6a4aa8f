import pytest

from mappers.scim.schemas import CORE_USER, ENTERPRISE_USER, GROUP, USER, Type


@pytest.mark.parametrize(
    ("name", "urn", "found"),
    [
        ("userName", None, "userName"),
        ("USERNAME", None, "userName"),
        ("id", None, "id"),
        ("department", ENTERPRISE_USER, "department"),
        ("Manager", ENTERPRISE_USER, "manager"),
    ],
)
def test_a_name_is_found_in_any_case_and_in_extensions(
    name: str, urn: str | None, found: str
) -> None:
    place = USER.find(name)

    assert place is not None
    assert (place[0], place[1].name) == (urn, found)


@pytest.mark.parametrize("name", ["password", "members", "favouriteColour", ""])
def test_an_unknown_name_is_not_found(name: str) -> None:
    assert USER.find(name) is None


@pytest.mark.parametrize(
    ("urn", "found"),
    [
        (CORE_USER, CORE_USER),
        (ENTERPRISE_USER.upper(), ENTERPRISE_USER),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0User", ENTERPRISE_USER),
    ],
)
def test_a_schema_is_found_in_any_case_and_when_misspelt(urn: str, found: str) -> None:
    schema = USER.find_schema(urn)

    assert schema is not None
    assert schema.id == found


def test_a_group_does_not_know_the_user_schemas() -> None:
    assert GROUP.find_schema(CORE_USER) is None
    assert GROUP.find_schema(ENTERPRISE_USER) is None


def test_labels_say_where_a_sub_attribute_belongs() -> None:
    [emails] = [one for one in USER.schema.attributes if one.name == "emails"]
    [phones] = [one for one in USER.schema.attributes if one.name == "phoneNumbers"]

    assert [sub.label for sub in emails.sub][:2] == ["emails.value", "emails.display"]
    assert phones.sub[0].label == "phoneNumbers.value"


def test_nothing_but_the_names_is_required() -> None:
    assert [one.name for one in USER.required] == ["userName"]
    assert [one.name for one in GROUP.required] == ["displayName"]


def test_no_described_attribute_is_open() -> None:
    for resource in (USER, GROUP):
        for schema in (resource.schema, *resource.extensions):
            for attribute in schema.attributes:
                assert Type.OPEN not in {attribute.type, *(sub.type for sub in attribute.sub)}
