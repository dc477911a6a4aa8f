"""A stored user and a stored group to try things on."""

from typing import Any

from mappers.scim.schemas import CORE_GROUP, CORE_USER, ENTERPRISE_USER

Doc = dict[str, Any]

CUSTOM = "urn:ietf:params:scim:schemas:extension:Acme:2.0:User"
CREATED = "2026-01-02T03:04:05Z"
NOW = "2026-02-03T04:05:06Z"


def user(**attributes: Any) -> Doc:
    """Joy, with a work and a home e-mail; `attributes` replace hers, None takes one away."""
    doc: Doc = {
        "schemas": [CORE_USER, ENTERPRISE_USER],
        "id": "6b4a5c3e-1d2f-4a5b-8c6d-7e8f9a0b1c2d",
        "userName": "joy@contoso.com",
        "externalId": "Ext-1",
        "active": True,
        "title": "Engineer",
        "name": {"givenName": "Joy", "familyName": "Young"},
        "emails": [
            {"type": "work", "value": "joy@contoso.com", "primary": True},
            {"type": "home", "value": "joy@home.example"},
        ],
        ENTERPRISE_USER: {"department": "Sales", "manager": {"value": "m-1"}},
        "meta": {"resourceType": "User", "created": CREATED, "lastModified": CREATED},
    }
    doc.update(attributes)
    return {name: value for name, value in doc.items() if value is not None}


def bare_user(**attributes: Any) -> Doc:
    """A user with a name and nothing else."""
    return {
        "schemas": [CORE_USER],
        "id": "6b4a5c3e-1d2f-4a5b-8c6d-7e8f9a0b1c2d",
        "userName": "joy@contoso.com",
        **attributes,
        "meta": {"resourceType": "User", "created": CREATED, "lastModified": CREATED},
    }


def group(**attributes: Any) -> Doc:
    """A group, as always without its members."""
    return {
        "schemas": [CORE_GROUP],
        "id": "0f1e2d3c-4b5a-4697-8877-665544332211",
        "displayName": "Sales",
        **attributes,
        "meta": {"resourceType": "Group", "created": CREATED, "lastModified": CREATED},
    }
