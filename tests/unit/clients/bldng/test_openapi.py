"""openapi.yaml, the models and the sandbox's routes say the same."""

from pathlib import Path
from typing import Any

import openapi_schema_validator
import pytest
import yaml
from pydantic import BaseModel, TypeAdapter

import clients.bldng
from clients.bldng import calls
from clients.bldng.sandbox import bodies, context, routes
from mappers.bldng import vocabulary

CONTRACT = yaml.safe_load(
    (Path(clients.bldng.__file__).parent / "openapi.yaml").read_text(encoding="utf-8")
)
SCHEMAS: dict[str, Any] = CONTRACT["components"]["schemas"]
MODELS: dict[str, type[BaseModel]] = {
    model.__name__: model
    for model in (
        calls.Health,
        vocabulary.User,
        vocabulary.UserPage,
        vocabulary.Department,
        vocabulary.DepartmentPage,
        vocabulary.Group,
        vocabulary.GroupPage,
        vocabulary.MemberPage,
        vocabulary.MembersBatchResult,
        vocabulary.FieldProblem,
        vocabulary.Conflict,
        vocabulary.Problem,
        bodies.NewUser,
        bodies.UserPatch,
        bodies.NewDepartment,
        bodies.NewGroup,
        bodies.GroupPatch,
        bodies.MembersBatch,
    )
}
KEPT = ("type", "pattern", "minLength", "minimum")
Shape = frozenset[Any]


def shape(schema: dict[str, Any], defs: dict[str, Any]) -> Shape:
    """What a schema allows, however it is written: a set of (type, limits) alternatives."""
    if "$ref" in schema:
        return shape(defs[schema["$ref"].rsplit("/", 1)[-1]], defs)
    if "anyOf" in schema:
        return frozenset().union(*(shape(part, defs) for part in schema["anyOf"]))
    if isinstance(schema.get("type"), list):
        return frozenset().union(*(shape({"type": one}, defs) for one in schema["type"]))
    limits = frozenset((name, schema[name]) for name in KEPT if name in schema)
    if schema.get("type") == "object":
        return frozenset({(limits, members(schema, defs))})
    return frozenset({(limits, shape(schema["items"], defs) if "items" in schema else None)})


def members(schema: dict[str, Any], defs: dict[str, Any]) -> Any:
    """The properties of an object: shape, whether required, and whether others may stand there."""
    properties = schema["properties"]
    required = set(schema.get("required", ()))
    closed = schema.get("additionalProperties", True) is False
    rows = ((name, shape(one, defs), name in required) for name, one in properties.items())
    return frozenset(rows), closed


def test_every_schema_has_a_model() -> None:
    named = {name for name, schema in SCHEMAS.items() if schema["type"] == "object"}
    assert named == set(MODELS)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_model_is_the_schema_field_by_field(name: str) -> None:
    model = MODELS[name].model_json_schema()
    assert members(model, model.get("$defs", {})) == members(SCHEMAS[name], SCHEMAS)


@pytest.mark.parametrize("name", ["UserId", "DepartmentId", "GroupId"])
def test_ids_have_one_pattern(name: str) -> None:
    adapter = TypeAdapter[Any](getattr(vocabulary, name))
    assert adapter.json_schema()["pattern"] == SCHEMAS[name]["pattern"]


def test_fields_are_what_a_user_and_a_group_may_be_given() -> None:
    assert set(SCHEMAS["UserPatch"]["properties"]) == set(vocabulary.FIELDS)
    assert set(SCHEMAS["NewUser"]["properties"]) == set(vocabulary.FIELDS)
    assert set(SCHEMAS["GroupPatch"]["properties"]) == set(vocabulary.GROUP_FIELDS)
    assert set(SCHEMAS["NewGroup"]["properties"]) == set(vocabulary.GROUP_FIELDS)


def test_the_sandbox_serves_every_operation_and_no_other() -> None:
    served = {
        (route.method.lower(), route.path.removeprefix(context.BASE)) for route in routes.table()
    }
    written = {
        (method, path)
        for path, item in CONTRACT["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert served == written


def examples(node: Any) -> list[tuple[dict[str, Any], Any]]:
    """Every example beside its schema."""
    if isinstance(node, list):
        return [found for part in node for found in examples(part)]
    if not isinstance(node, dict):
        return []
    own = [(node["schema"], node["example"])] if {"schema", "example"} <= set(node) else []
    return own + [found for part in node.values() for found in examples(part)]


EXAMPLES = examples({"paths": CONTRACT["paths"], "components": CONTRACT["components"]})


@pytest.mark.parametrize("row", EXAMPLES, ids=[row[0]["$ref"].rsplit("/")[-1] for row in EXAMPLES])
def test_examples_are_valid(row: tuple[dict[str, Any], Any]) -> None:
    schema, example = row
    rooted = {**schema, "components": CONTRACT["components"]}
    openapi_schema_validator.validate(example, rooted, cls=openapi_schema_validator.OAS31Validator)


def references(node: Any) -> set[str]:
    """Every $ref below a node."""
    if isinstance(node, list):
        return {found for part in node for found in references(part)}
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    return own | {found for part in node.values() for found in references(part)}


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    used = references(CONTRACT)
    made = {
        f"#/components/{section}/{name}"
        for section, parts in CONTRACT["components"].items()
        if section != "securitySchemes"
        for name in parts
    }
    assert used == made
