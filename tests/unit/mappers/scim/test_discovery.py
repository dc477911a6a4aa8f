from collections.abc import Iterator
from typing import Any

import pytest
import scim2_models

from mappers.scim import discovery
from mappers.scim.schemas import CORE_GROUP, CORE_USER, ENTERPRISE_USER

BASE = "https://scim.example.com/scim/v2/acme"


def names(schema: str) -> set[str]:
    [found] = [one for one in discovery.schemas(BASE) if one["id"] == schema]
    return set(_names(found["attributes"], ""))


def _names(attributes: list[dict[str, Any]], prefix: str) -> Iterator[str]:
    for attribute in attributes:
        yield prefix + attribute["name"]
        yield from _names(attribute.get("subAttributes", []), f"{prefix}{attribute['name']}.")


def values(document: Any) -> Iterator[Any]:
    yield document
    inner = document.values() if isinstance(document, dict) else document
    if isinstance(document, dict | list):
        for value in inner:
            yield from values(value)


def everything() -> list[dict[str, Any]]:
    config = discovery.service_provider_config(BASE, max_payload_bytes=1 << 20)
    return [config, *discovery.schemas(BASE), *discovery.resource_types(BASE)]


def test_nothing_is_null() -> None:
    assert not [value for value in values(everything()) if value is None]


def test_every_document_says_what_and_where_it_is() -> None:
    for document in everything():
        assert len(document["schemas"]) == 1
        assert document["meta"]["location"].startswith(f"{BASE}/")
        assert document["meta"]["resourceType"] == document["schemas"][0].rpartition(":")[2]


def test_the_schemas_are_those_of_users_and_groups() -> None:
    assert [one["id"] for one in discovery.schemas(BASE)] == [
        CORE_USER,
        ENTERPRISE_USER,
        CORE_GROUP,
    ]
    assert discovery.schemas(BASE)[0]["description"] == "User Account"


@pytest.mark.parametrize(
    "name",
    [
        "userName",
        "externalId",
        "active",
        "displayName",
        "title",
        "preferredLanguage",
        "name.givenName",
        "name.familyName",
        "name.formatted",
        "emails.value",
        "addresses.formatted",
        "addresses.streetAddress",
        "addresses.locality",
        "addresses.region",
        "addresses.postalCode",
        "addresses.country",
        "phoneNumbers.value",
        "roles.value",
    ],
)
def test_every_attribute_of_entras_default_mapping_can_be_discovered(name: str) -> None:
    assert name in names(CORE_USER)


def test_the_enterprise_attributes_and_those_of_a_group_can_be_discovered() -> None:
    assert {"employeeNumber", "department", "manager.value"} <= names(ENTERPRISE_USER)
    assert {"displayName", "externalId", "members.value"} <= names(CORE_GROUP)


@pytest.mark.parametrize("name", ["password", "emails.display", "id", "meta"])
def test_what_the_scim_validator_complains_about_is_not_shown(name: str) -> None:
    assert name not in names(CORE_USER)


def test_only_the_names_are_required() -> None:
    required = [
        f"{schema['name']}.{attribute['name']}"
        for schema in discovery.schemas(BASE)
        for attribute in schema["attributes"]
        if attribute["required"]
    ]

    assert required == ["User.userName", "Group.displayName"]


@pytest.mark.parametrize(
    ("attribute", "wanted"),
    [
        ("emails", {"work", "home", "other"}),
        ("addresses", {"work", "home", "other"}),
        ("phoneNumbers", {"mobile", "work", "home", "fax", "pager", "other"}),
    ],
)
def test_the_types_that_entra_maps_are_canonical(attribute: str, wanted: set[str]) -> None:
    [user, *_] = discovery.schemas(BASE)
    [found] = [one for one in user["attributes"] if one["name"] == attribute]
    [kind] = [one for one in found["subAttributes"] if one["name"] == "type"]

    assert set(kind["canonicalValues"]) == wanted


def test_the_resource_types_name_endpoint_and_schemas() -> None:
    user, group = discovery.resource_types(BASE)

    assert (user["id"], user["endpoint"], user["schema"]) == ("User", "/Users", CORE_USER)
    assert user["schemaExtensions"] == [{"schema": ENTERPRISE_USER, "required": False}]
    assert (group["id"], group["endpoint"], group["schema"]) == ("Group", "/Groups", CORE_GROUP)
    assert "schemaExtensions" not in group


def test_an_independent_model_reads_all_of_it() -> None:
    config = scim2_models.ServiceProviderConfig.model_validate(
        discovery.service_provider_config(BASE, max_payload_bytes=1 << 20)
    )
    assert config.patch is not None
    assert config.patch.supported
    for schema in discovery.schemas(BASE):
        scim2_models.Schema.model_validate(schema)
    for resource_type in discovery.resource_types(BASE):
        scim2_models.ResourceType.model_validate(resource_type)


def test_a_client_can_build_its_models_from_the_schemas() -> None:
    [user, *_] = [scim2_models.Schema.model_validate(one) for one in discovery.schemas(BASE)]

    model = scim2_models.Resource.from_schema(user)

    assert {"user_name", "external_id", "emails"} <= set(model.model_fields)
