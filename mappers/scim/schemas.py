"""The one schema table: what a User and a Group are made of (RFC 7643 4 and 8.7). No I/O here.

It drives the reading of bodies, PATCH, the case rules of filters, and /Schemas, which so tells
what the server does. Nothing but `userName` and a group's `displayName` is required, and no value
has a format: identity providers send texts that are no e-mail address, and expect them back
unchanged. There is no password.
"""

from dataclasses import replace

from mappers.scim.attributes import Attribute, ResourceType, Schema, Type

__all__ = [
    "CORE_GROUP",
    "CORE_USER",
    "ENTERPRISE_USER",
    "GROUP",
    "RESOURCE_TYPES",
    "USER",
    "Attribute",
    "ResourceType",
    "Schema",
    "Type",
]

CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE_USER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

_MISSPELT_ENTERPRISE_USER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0User"
"""As printed, without the last colon, in older revisions of Microsoft's SCIM tutorial."""

_WORK_HOME_OTHER = ("work", "home", "other")
_PHONE_TYPES = ("work", "home", "mobile", "fax", "pager", "other")
_IM_TYPES = ("aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo")


def _texts(*names: str) -> tuple[Attribute, ...]:
    return tuple(Attribute(name) for name in names)


def _labels(
    types: tuple[str, ...] = (), *, display: bool = True, primary: bool = True
) -> tuple[Attribute, ...]:
    """The sub-attributes that multi-valued attributes share (RFC 7643 2.4)."""
    return (
        Attribute("display", description="A name to show.", advertised=display),
        Attribute("type", description="What the value is for.", canonical_values=types),
        Attribute(
            "primary", Type.BOOLEAN, "Whether this is the preferred value.", advertised=primary
        ),
    )


def _plural(
    name: str,
    description: str,
    *,
    types: tuple[str, ...] = (),
    value: Attribute | None = None,
    display: bool = True,
) -> Attribute:
    subs = (value or Attribute("value"), *_labels(types, display=display))
    return Attribute(name, Type.COMPLEX, description, multi=True, sub=subs)


_EXTERNAL_ID = Attribute(
    "externalId",
    description="The id at the identity provider; unique in the tenant.",
    case_exact=True,
    uniqueness="server",
)

COMMON = (
    Attribute("schemas", Type.REFERENCE, multi=True, case_exact=True),
    Attribute("id", case_exact=True, mutability="readOnly", returned="always"),
    Attribute(
        "meta",
        Type.COMPLEX,
        mutability="readOnly",
        sub=(
            Attribute("resourceType", case_exact=True),
            Attribute("created", Type.DATE_TIME),
            Attribute("lastModified", Type.DATE_TIME),
        ),
    ),
)
"""Attributes of every resource (RFC 7643 3.1), as they are stored."""

_NAME = Attribute(
    "name",
    Type.COMPLEX,
    "The parts of the person's name.",
    sub=_texts(
        "formatted",
        "familyName",
        "givenName",
        "middleName",
        "honorificPrefix",
        "honorificSuffix",
    ),
)

_ADDRESSES = Attribute(
    "addresses",
    Type.COMPLEX,
    "Postal addresses.",
    multi=True,
    sub=(
        *_texts("formatted", "streetAddress", "locality", "region", "postalCode", "country"),
        *_labels(_WORK_HOME_OTHER, display=False),
    ),
)

_GROUPS = Attribute(
    "groups",
    Type.COMPLEX,
    "The groups that the person is directly in; shown when asked for by name.",
    multi=True,
    mutability="readOnly",
    returned="request",
    sub=(
        Attribute("value", description="The group's id.", case_exact=True, mutability="readOnly"),
        Attribute(
            "$ref",
            Type.REFERENCE,
            "Where the group is.",
            case_exact=True,
            mutability="readOnly",
            reference_types=("Group",),
        ),
        Attribute("display", description="The group's name.", mutability="readOnly"),
        Attribute(
            "type",
            description="Always direct.",
            mutability="readOnly",
            canonical_values=("direct",),
        ),
    ),
)

_USER_ATTRIBUTES = (
    Attribute(
        "userName",
        description="The login name; unique in the tenant, compared without case.",
        required=True,
        uniqueness="server",
    ),
    _EXTERNAL_ID,
    _NAME,
    Attribute("displayName", description="The name to show."),
    Attribute("nickName", description="What the person is called."),
    Attribute(
        "profileUrl",
        Type.REFERENCE,
        "The person's page.",
        reference_types=("external",),
    ),
    Attribute("title", description="The job title."),
    Attribute("userType", description="The relation to the organisation."),
    Attribute("preferredLanguage", description="The preferred language."),
    Attribute("locale", description="The locale for dates and numbers."),
    Attribute("timezone", description="The time zone."),
    Attribute("active", Type.BOOLEAN, "Whether the person may sign in; absent means true."),
    _plural("emails", "E-mail addresses.", types=_WORK_HOME_OTHER, display=False),
    _plural("phoneNumbers", "Telephone numbers.", types=_PHONE_TYPES),
    _plural("ims", "Instant messaging addresses.", types=_IM_TYPES),
    _plural(
        "photos",
        "Pictures of the person.",
        types=("photo", "thumbnail"),
        value=Attribute("value", Type.REFERENCE, reference_types=("external",)),
    ),
    _ADDRESSES,
    _GROUPS,
    _plural("entitlements", "What the person is entitled to."),
    _plural("roles", "The person's roles."),
    _plural(
        "x509Certificates",
        "The person's certificates.",
        value=Attribute("value", Type.BINARY, case_exact=True),
    ),
)

_MANAGER = Attribute(
    "manager",
    Type.COMPLEX,
    "The person's manager.",
    sub=(
        Attribute("value", description="The manager's id.", case_exact=True),
        Attribute("$ref", Type.REFERENCE, case_exact=True, reference_types=("User",)),
        Attribute("displayName", description="The manager's name."),
    ),
)

_ENTERPRISE_ATTRIBUTES = (
    *(
        Attribute(name, description=description)
        for name, description in (
            ("employeeNumber", "The number of the person in the organisation."),
            ("costCenter", "The cost centre."),
            ("organization", "The organisation."),
            ("division", "The division."),
            ("department", "The department."),
        )
    ),
    _MANAGER,
)

_MEMBERS = Attribute(
    "members",
    Type.COMPLEX,
    "The members of the group.",
    multi=True,
    sub=(
        Attribute(
            "value",
            description="The member's id.",
            required=True,
            case_exact=True,
            mutability="immutable",
        ),
        Attribute("$ref", Type.REFERENCE, case_exact=True, advertised=False),
        Attribute("type", advertised=False),
        Attribute("display", advertised=False),
    ),
)
"""Of a member only the id is kept: what else is sent has no effect, and /Schemas promises none."""

_GROUP_ATTRIBUTES = (
    Attribute(
        "displayName",
        description="The name of the group; unique in the tenant, compared without case.",
        required=True,
        uniqueness="server",
    ),
    replace(_EXTERNAL_ID),
    _MEMBERS,
)

USER = ResourceType(
    name="User",
    endpoint="/Users",
    description="A person's account",
    schema=Schema(CORE_USER, "User", "User Account", _USER_ATTRIBUTES),
    extensions=(
        Schema(
            ENTERPRISE_USER,
            "EnterpriseUser",
            "Enterprise User",
            _ENTERPRISE_ATTRIBUTES,
            aliases=(_MISSPELT_ENTERPRISE_USER,),
        ),
    ),
    common=COMMON,
)

GROUP = ResourceType(
    name="Group",
    endpoint="/Groups",
    description="A group of people",
    schema=Schema(CORE_GROUP, "Group", "Group", _GROUP_ATTRIBUTES),
    common=COMMON,
)

RESOURCE_TYPES = {"User": USER, "Group": GROUP}
"""The resource types by name."""
