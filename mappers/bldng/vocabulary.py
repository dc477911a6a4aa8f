"""The words of the BLDNG dashboard's REST API: its fields and records. No I/O here.

Attributes are snake_case here and camelCase on the wire. Records are read strictly (no type is
coerced, the id is required and well formed); fields this program does not know are ignored.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

FIELDS = (
    "username",
    "email",
    "mobile",
    "firstName",
    "lastName",
    "displayName",
    "ssoSubject",
    "employeeNumber",
    "departmentId",
    "active",
)
"""The writable fields of a user. Bit i of a `managed` mask is FIELDS[i], so: append only."""

GROUP_FIELDS = ("name", "externalId")
"""The writable fields of a group. Bit i of a group's `managed` mask is GROUP_FIELDS[i]."""

MEMBERS_BATCH_MAX = 500
"""Most user ids one `members:batch` call takes, adds and removes together."""

PAGE_MAX = 200
"""Most records a page holds; a larger `limit` is cut to it."""

UserId = Annotated[str, StringConstraints(pattern=r"^usr_[A-Za-z0-9_-]{1,128}$")]
DepartmentId = Annotated[str, StringConstraints(pattern=r"^dep_[A-Za-z0-9_-]{1,128}$")]
GroupId = Annotated[str, StringConstraints(pattern=r"^grp_[A-Za-z0-9_-]{1,128}$")]


class Record(BaseModel):
    """What BLDNG answers: types as they are, unknown fields ignored."""

    model_config = ConfigDict(
        strict=True, extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True
    )


class User(Record):
    """A user of an organisation. `sso_subject` is what BLDNG's sign-in matches."""

    id: UserId
    username: Annotated[str, StringConstraints(min_length=1)]
    email: str | None = None
    mobile: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None
    sso_subject: str | None = None
    employee_number: str | None = None
    department_id: DepartmentId | None = None
    active: bool
    created_at: str | None = None
    updated_at: str | None = None


class Department(Record):
    """A department; its name is unique in the organisation without case."""

    id: DepartmentId
    name: Annotated[str, StringConstraints(min_length=1)]


class Group(Record):
    """A group, without its members. `external_id` is what the SCIM group carries as externalId."""

    id: GroupId
    name: Annotated[str, StringConstraints(min_length=1)]
    external_id: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class UserPage(Record):
    """A page of users; `next_cursor` is None on the last."""

    items: tuple[User, ...]
    next_cursor: str | None = None


class DepartmentPage(Record):
    """A page of departments; `next_cursor` is None on the last."""

    items: tuple[Department, ...]
    next_cursor: str | None = None


class GroupPage(Record):
    """A page of groups; `next_cursor` is None on the last."""

    items: tuple[Group, ...]
    next_cursor: str | None = None


class MemberPage(Record):
    """A page of the user ids of a group's members; `next_cursor` is None on the last."""

    items: tuple[UserId, ...]
    next_cursor: str | None = None


class MembersBatchResult(Record):
    """What a `members:batch` changed; `unknown` are ids that are no users of the organisation."""

    added: Annotated[int, Field(ge=0)]
    removed: Annotated[int, Field(ge=0)]
    unknown: tuple[str, ...]


class FieldProblem(Record):
    """One field that was refused, and why."""

    field: str
    code: str = ""
    message: str = ""


class Conflict(Record):
    """The record that already holds the value of `field`."""

    field: str
    id: str


class Problem(Record):
    """An error body (RFC 9457, `application/problem+json`)."""

    type: str = "about:blank"
    title: str = ""
    status: int = 0
    code: str = ""
    detail: str = ""
    errors: tuple[FieldProblem, ...] = ()
    conflict: Conflict | None = None
