"""Paths: what is tolerated, and what is not an endpoint."""

import pytest

from gateway.scim import endpoints, routing
from gateway.scim.routing import Target


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/scim/v2/acme/Users", Target("acme", "users")),
        ("/scim/v2/acme/users/", Target("acme", "users")),
        ("//scim//v2//acme//Users//", Target("acme", "users")),
        ("/SCIM/V2/acme/USERS", Target("acme", "users")),
        ("/scim/v2/acme/Users/42", Target("acme", "users/{id}", "42")),
        ("/scim/v2/acme/Users/.search", Target("acme", "users/.search")),
        ("/scim/v2/acme/.search", Target("acme", ".search")),
        ("/scim/v2/acme/Schemas/urn:a:b", Target("acme", "schemas/{id}", "urn:a:b")),
        ("/scim/v2/acme", Target("acme", "")),
        ("/scim/v2/acme/Users/42/more", Target("acme", "users/42/more")),
        ("/scim/v2", None),
        ("/Users", None),
        ("/scim/acme/Users", None),
        ("/", None),
    ],
)
def test_a_path_is_located(path: str, target: Target | None) -> None:
    assert routing.locate(path) == target


def test_every_endpoint_is_found_by_its_own_template() -> None:
    for key, endpoint in endpoints.TABLE.items():
        target = routing.locate("/scim/v2/acme" + endpoint.template.replace("{id}", "42"))
        assert target is not None
        assert target.endpoint == key
