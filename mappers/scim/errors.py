"""The SCIM error catalogue: one class per condition, carrying its wire meaning (RFC 7644 3.12).

    ScimError
    ├── InvalidSyntax, InvalidValue, InvalidFilter, Mutability, NoTarget, TooMany      400
    ├── InvalidPath ── UnknownAttribute (a PATCH reports it and carries on)            400
    ├── Unauthorized, Forbidden                                                   401, 403
    ├── NotFound, UnknownEndpoint                                                      404
    ├── MethodNotAllowed                                                               405
    ├── Uniqueness, Unresolved                                                         409
    ├── PreconditionFailed, PayloadTooLarge, UnsupportedMediaType                 412, 413, 415
    ├── RateLimited ── TooManyRefused                                                  429
    ├── Internal, NotImplementedHere                                              500, 501
    └── Unavailable ── NearlyFull, VersionConflict                                     503

`detail` is what the customer's administrator reads in Entra's provisioning log: which attribute,
what is wrong, how to mend it. It never holds a value that somebody sent.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

ERROR_URN = "urn:ietf:params:scim:api:messages:2.0:Error"

MAX_DETAIL_CHARS = 300
"""A detail is one line in somebody's log viewer."""

MAX_NAME_CHARS = 100
"""How much of an attribute name that somebody sent is shown again."""


def shown(name: object) -> str:
    """A foreign attribute name, made safe to print: one line, printable, cut."""
    text = "".join(char if char.isprintable() else "?" for char in str(name)[:MAX_NAME_CHARS])
    return f"'{text}'"


class ScimError(Exception):
    """A request that ends without its effect. `detail` is cut to one line of 300 characters."""

    name: ClassVar[str]
    status: ClassVar[int]
    scim_type: ClassVar[str | None] = None
    default_detail: ClassVar[str] = ""

    def __init__(self, detail: str = "") -> None:
        self.detail = " ".join((detail or self.default_detail).split())[:MAX_DETAIL_CHARS]
        super().__init__(self.detail)

    @property
    def headers(self) -> Mapping[str, str]:
        """Response headers that belong to the condition."""
        return {}


class InvalidSyntax(ScimError):
    """The body is not the JSON this operation needs."""

    name, status, scim_type = "invalid_syntax", 400, "invalidSyntax"
    default_detail = "The body is not valid JSON. Send one JSON object."


class InvalidValue(ScimError):
    """An attribute is missing, empty or of the wrong type."""

    name, status, scim_type = "invalid_value", 400, "invalidValue"
    default_detail = "An attribute has a value that it cannot take."


class InvalidPath(ScimError):
    """A PATCH path cannot be read."""

    name, status, scim_type = "invalid_path", 400, "invalidPath"
    default_detail = 'The path cannot be read. Write it like emails[type eq "work"].value.'


class UnknownAttribute(InvalidPath):
    """A well-formed path names an attribute that no schema here has."""

    def __init__(self, attribute: str) -> None:
        self.attribute = attribute[:MAX_NAME_CHARS]
        super().__init__(
            f"No attribute {shown(attribute)} here. See /Schemas for the attributes that exist."
        )


class InvalidFilter(ScimError):
    """A filter cannot be read or names an unknown attribute; it never means all resources."""

    name, status, scim_type = "invalid_filter", 400, "invalidFilter"
    default_detail = 'The filter cannot be read. Write it like userName eq "joy@example.com".'


class Mutability(ScimError):
    """A read-only attribute was to be changed."""

    name, status, scim_type = "mutability", 400, "mutability"
    default_detail = "The attribute is read-only. Remove it from the attribute mapping."


class NoTarget(ScimError):
    """A PATCH path selects nothing and nothing can be made from it."""

    name, status, scim_type = "no_target", 400, "noTarget"
    default_detail = "The path selects no value, and none can be created from its filter."


class TooMany(ScimError):
    """The filter would have to look at more resources than are scanned."""

    name, status, scim_type = "too_many", 400, "tooMany"
    default_detail = (
        "The filter is not answered from an index and there are too many resources to scan. "
        "Filter by userName, externalId, work e-mail, employeeNumber or group displayName with eq."
    )


class Unauthorized(ScimError):
    """No token, or not one for this tenant; deliberately the same answer for every reason."""

    name, status = "unauthorized", 401
    default_detail = (
        "The bearer token is not valid for this Tenant URL. "
        "Copy the Secret Token again, or ask for a new one."
    )

    @property
    def headers(self) -> Mapping[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(ScimError):
    """What is asked is not to be done, whoever asks."""

    name, status = "forbidden", 403
    default_detail = "This endpoint takes no filter (RFC 7644, 4). Read all of it."


class NotFound(ScimError):
    """No such resource in this tenant."""

    name, status = "not_found", 404
    default_detail = "No resource has this id. It was deleted or never existed."


class UnknownEndpoint(ScimError):
    """The path is none of the API."""

    name, status = "unknown_endpoint", 404
    default_detail = "No such endpoint. The Tenant URL ends in /scim/v2/{tenant}."


class MethodNotAllowed(ScimError):
    """The endpoint exists, the method does not."""

    name, status = "method_not_allowed", 405

    def __init__(self, detail: str = "", *, allow: tuple[str, ...] = ("GET",)) -> None:
        self.allow = ", ".join(allow)
        super().__init__(detail or f"This endpoint takes only {self.allow}.")

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Allow": self.allow}


class Uniqueness(ScimError):
    """Another resource of the tenant already holds a unique value."""

    name, status, scim_type = "uniqueness", 409, "uniqueness"
    default_detail = "Another resource already has this value. Change or delete that one first."


class Unresolved(ScimError):
    """An operation of a bulk refers to a resource that could not be created (RFC 7644 3.7.1)."""

    name, status = "unresolved", 409
    default_detail = "The operation that this one refers to has failed. Mend that one first."


class PreconditionFailed(ScimError):
    """`If-Match` names another version than the current one, or `If-None-Match` this one."""

    name, status = "precondition_failed", 412
    default_detail = "The resource has changed since it was read. Read it again and repeat."


class PayloadTooLarge(ScimError):
    """The body is larger than the configured limit."""

    name, status = "payload_too_large", 413
    default_detail = "The body is too large. Send fewer values in one request."


class UnsupportedMediaType(ScimError):
    """The body is declared as something other than JSON."""

    name, status = "unsupported_media_type", 415
    default_detail = "Send the body as application/scim+json or application/json."


class RateLimited(ScimError):
    """The tenant sends faster than it may."""

    name, status = "rate_limited", 429
    default_detail = "Too many requests. Wait as long as Retry-After says and repeat."

    def __init__(self, detail: str = "", *, retry_after_s: int = 1) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(detail)

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": str(self.retry_after_s)}


class TooManyRefused(RateLimited):
    """Too many wrong tokens came from where this one came from."""

    name = "too_many_refused"
    default_detail = (
        "Too many requests with a wrong token come from this address. Stop sending them, copy the"
        " Secret Token again and repeat after Retry-After; a right token is served at once."
    )


class Internal(ScimError):
    """A fault of ours; the reason is in our log, never in the answer."""

    name, status = "internal", 500
    default_detail = "Something went wrong on our side. Give us the reference to look it up."


class NotImplementedHere(ScimError):
    """A part of SCIM that this service does not offer."""

    name, status = "not_implemented", 501
    default_detail = "This part of SCIM is not offered here. See /ServiceProviderConfig."


class Unavailable(ScimError):
    """The store cannot be reached right now; nothing was changed, the request may be repeated."""

    name, status = "unavailable", 503
    default_detail = "The service cannot store changes right now. The request may be repeated."

    def __init__(self, detail: str = "", *, retry_after_s: int = 5) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(detail)

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Retry-After": str(self.retry_after_s)}


class NearlyFull(Unavailable):
    """The store has little room left, which is kept for changes of what is there."""

    name = "nearly_full"
    default_detail = (
        "The store is nearly full: no new resource is taken for now. Changes, deactivations and"
        " deletions are. Repeat after Retry-After; our operators have to make room."
    )

    def __init__(self, detail: str = "", *, retry_after_s: int = 60) -> None:
        super().__init__(detail, retry_after_s=retry_after_s)


class VersionConflict(Unavailable):
    """Other writers won the compare-and-set every time it was tried."""

    name = "version_conflict"
    default_detail = "Others keep changing this resource. Nothing was changed; repeat the request."

    def __init__(self, detail: str = "", *, retry_after_s: int = 1) -> None:
        super().__init__(detail, retry_after_s=retry_after_s)


CATALOGUE: tuple[type[ScimError], ...] = (
    InvalidSyntax,
    InvalidValue,
    InvalidPath,
    InvalidFilter,
    Mutability,
    NoTarget,
    TooMany,
    Unauthorized,
    Forbidden,
    NotFound,
    UnknownEndpoint,
    MethodNotAllowed,
    Uniqueness,
    Unresolved,
    PreconditionFailed,
    PayloadTooLarge,
    UnsupportedMediaType,
    RateLimited,
    TooManyRefused,
    Internal,
    NotImplementedHere,
    Unavailable,
    NearlyFull,
    VersionConflict,
)
"""Every row of the catalogue, in the order of status."""


def body(error: ScimError, *, ref: str) -> dict[str, Any]:
    """The error message (RFC 7644 3.12). `status` is text; `ref` finds our log line."""
    answer = {
        "schemas": [ERROR_URN],
        "status": str(error.status),
        "detail": f"{error.detail} (ref {ref})",
    }
    if error.scim_type is not None:
        answer["scimType"] = error.scim_type
    return answer
