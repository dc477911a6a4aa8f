"""Discovery documents, from the schema table (RFC 7643 5 to 7, RFC 7644 4). No I/O here.

`base` is the tenant's SCIM base URL without a slash at the end. Nothing here is null: Entra's
reading of /Schemas does not take nulls.
"""

from typing import Any

from mappers.scim import bulk
from mappers.scim.attributes import Attribute, ResourceType, Schema, Type
from mappers.scim.listing import MAX_COUNT
from mappers.scim.schemas import RESOURCE_TYPES

Doc = dict[str, Any]

CONFIG_URN = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
SCHEMA_URN = "urn:ietf:params:scim:schemas:core:2.0:Schema"
RESOURCE_TYPE_URN = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"


def service_provider_config(base: str, *, max_payload_bytes: int) -> Doc:
    """What of SCIM is offered. `max_payload_bytes` is the limit of every body, a bulk's too."""
    return {
        "schemas": [CONFIG_URN],
        "patch": {"supported": True},
        "bulk": {
            "supported": True,
            "maxOperations": bulk.MAX_OPERATIONS,
            "maxPayloadSize": max_payload_bytes,
        },
        "filter": {"supported": True, "maxResults": MAX_COUNT},
        "changePassword": {"supported": False},
        "sort": {"supported": False},
        "etag": {"supported": True},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "The Secret Token of the tenant, sent in the Authorization header.",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": True,
            }
        ],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": f"{base}/ServiceProviderConfig",
        },
    }


def schemas(base: str) -> list[Doc]:
    """Every schema, to be listed; its `id` is its URN."""
    found = {
        schema.id: schema
        for resource in RESOURCE_TYPES.values()
        for schema in (resource.schema, *resource.extensions)
    }
    return [_schema(schema, base) for schema in found.values()]


def resource_types(base: str) -> list[Doc]:
    """Every resource type, users first, to be listed; its `id` is its name."""
    return [_resource_type(resource, base) for resource in RESOURCE_TYPES.values()]


def _schema(schema: Schema, base: str) -> Doc:
    return {
        "schemas": [SCHEMA_URN],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": _attributes(schema.attributes),
        "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{schema.id}"},
    }


def _attributes(attributes: tuple[Attribute, ...]) -> list[Doc]:
    return [_attribute(attribute) for attribute in attributes if attribute.advertised]


def _attribute(attribute: Attribute) -> Doc:
    shown: Doc = {
        "name": attribute.name,
        "type": attribute.type.value,
        "multiValued": attribute.multi,
        "description": attribute.description or f"{attribute.label}.",
        "required": attribute.required,
        "mutability": attribute.mutability,
        "returned": attribute.returned,
        "uniqueness": attribute.uniqueness,
    }
    if attribute.type not in {Type.BOOLEAN, Type.DATE_TIME, Type.COMPLEX}:
        shown["caseExact"] = attribute.case_exact
    if attribute.canonical_values:
        shown["canonicalValues"] = list(attribute.canonical_values)
    if attribute.reference_types:
        shown["referenceTypes"] = list(attribute.reference_types)
    if attribute.sub:
        shown["subAttributes"] = _attributes(attribute.sub)
    return shown


def _resource_type(resource: ResourceType, base: str) -> Doc:
    shown: Doc = {
        "schemas": [RESOURCE_TYPE_URN],
        "id": resource.name,
        "name": resource.name,
        "endpoint": resource.endpoint,
        "description": resource.description,
        "schema": resource.schema.id,
        "meta": {
            "resourceType": "ResourceType",
            "location": f"{base}/ResourceTypes/{resource.name}",
        },
    }
    if resource.extensions:
        shown["schemaExtensions"] = [
            {"schema": extension.id, "required": False} for extension in resource.extensions
        ]
    return shown
