"""What the sandbox takes as request bodies: what openapi.yaml says. No I/O here."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from clients.bldng.sandbox import problems
from mappers.bldng.vocabulary import DepartmentId

Named = Annotated[str, StringConstraints(min_length=1)]
BodyT = TypeVar("BodyT", bound="Body")


class Body(BaseModel):
    """A request body: unknown fields and wrong types are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", alias_generator=to_camel)


class _Person(Body):
    email: str | None = None
    mobile: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None
    sso_subject: str | None = None
    employee_number: str | None = None
    department_id: DepartmentId | None = None
    active: bool = True


class NewUser(_Person):
    """POST /orgs/{org}/users."""

    username: Named


class UserPatch(_Person):
    """PATCH /orgs/{org}/users/{id}; absent fields stay, null clears."""

    username: Named = ""


class NewDepartment(Body):
    """POST /orgs/{org}/departments."""

    name: Named


class NewGroup(Body):
    """POST /orgs/{org}/groups."""

    name: Named
    external_id: str | None = None


class GroupPatch(Body):
    """PATCH /orgs/{org}/groups/{id}; absent fields stay, null clears."""

    name: Named = ""
    external_id: str | None = None


class MembersBatch(Body):
    """POST /orgs/{org}/groups/{id}/members:batch."""

    add: list[str] = []
    remove: list[str] = []


def read(model: type[BodyT], raw: bytes) -> BodyT:
    """Check a body. Raises Refusal: 400 `malformed_json`, 422 `validation` naming each field."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        if found[0]["type"] == "json_invalid":
            detail = "The body is not JSON."
            raise problems.Refusal(400, "malformed_json", detail) from None
        raise problems.invalid(
            *((".".join(map(str, row["loc"])) or "body", row["type"], row["msg"]) for row in found)
        ) from None


def whole(body: Body) -> dict[str, Any]:
    """All fields by their BLDNG names, defaults filled in."""
    return body.model_dump(by_alias=True)


def sent(body: Body) -> dict[str, Any]:
    """Only the fields that the request holds, by their BLDNG names."""
    return body.model_dump(by_alias=True, exclude_unset=True)
