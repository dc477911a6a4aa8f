"""A tenant's mapping profile: which SCIM attribute becomes which BLDNG field.

No I/O here but reading the packaged default, once. A tenant's profile holds its differences from
`DEFAULT`: a row replaces the row of the same BLDNG field, `drop` takes a field out.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources

from mappers.bldng import profile_file, transforms
from mappers.bldng.desired import DEPARTMENT
from mappers.bldng.profile_file import ProfileError, Row, Written
from mappers.bldng.vocabulary import FIELDS, GROUP_FIELDS
from mappers.scim import errors, path, schemas
from mappers.scim.attributes import ResourceType, Type

__all__ = ["DEFAULT", "Profile", "ProfileError", "Rule", "parse"]

USER_FIELDS = tuple(DEPARTMENT if name == "departmentId" else name for name in FIELDS)
"""What a row for users may name. A department is mapped by its name, not by BLDNG's id."""

FIXED = {"active": "active", "ssoSubject": "externalId", "externalId": "externalId"}
"""Fields whose source no tenant changes: sign-in, ownership and leaving stand on them."""

REQUIRED = frozenset({"username", "name", *FIXED})
"""Fields that cannot be dropped."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled row. `row` is what was written, for messages."""

    row: Row
    path: path.Path
    transforms: tuple[transforms.Transform, ...]

    def transformed(self, value: str | None) -> str | None:
        """The text after every transform; an empty one is no value."""
        for transform in self.transforms:
            value = transform(value)
        return value or None


@dataclass(frozen=True, slots=True)
class Profile:
    """The mapping of one tenant. `digest` (16 hex digits) differs when the mapping does."""

    users: tuple[Rule, ...]
    groups: tuple[Rule, ...]
    digest: str


def parse(text: str) -> Profile:
    """Read a tenant's profile. Raises ProfileError with a line for each wrong row."""
    return _compile(_overlaid(profile_file.read(text)))


def _overlaid(written: Written) -> Written:
    """The default with a tenant's differences."""
    _raise_if([
        *_bad_drops("users", written.drop.users, USER_FIELDS),
        *_bad_drops("groups", written.drop.groups, GROUP_FIELDS),
    ])
    return Written(
        users=_merged(_DEFAULT_WRITTEN.users, written.users, written.drop.users),
        groups=_merged(_DEFAULT_WRITTEN.groups, written.groups, written.drop.groups),
        tables=written.tables,
    )


def _merged(default: Iterable[Row], rows: Iterable[Row], drop: Iterable[str]) -> tuple[Row, ...]:
    """The tenant's rows first, so that a row's number is the one in its file."""
    own = tuple(rows)
    replaced = {row.bldng for row in own} | set(drop)
    return own + tuple(row for row in default if row.bldng not in replaced)


def _bad_drops(kind: str, names: Iterable[str], known: tuple[str, ...]) -> Iterable[str]:
    for name in names:
        if name not in known:
            yield f"drop {kind}: {name!r} is no BLDNG field; {profile_file.nearest(name, known)}"
        elif name in REQUIRED:
            yield f"drop {kind}: {name!r} cannot be dropped; remove it from the list"


def _compile(written: Written) -> Profile:
    problems: list[str] = []
    profile = Profile(
        users=_rules("users", written, problems),
        groups=_rules("groups", written, problems),
        digest=_digest(written),
    )
    _raise_if(problems)
    return profile


def _rules(kind: str, written: Written, problems: list[str]) -> tuple[Rule, ...]:
    """The compiled rows of a kind; what is wrong with others goes into `problems`."""
    rows = written.users if kind == "users" else written.groups
    rules, taken = [], set[str]()
    for number, row in enumerate(rows, start=1):
        try:
            _check_field(kind, row, taken)
            rules.append(_rule(kind, row, written.tables))
        except (ValueError, errors.ScimError) as error:
            problems.append(f"{kind} row {number} ({row.scim} -> {row.bldng}): {error}")
        taken.add(row.bldng)
    return tuple(rules)


def _check_field(kind: str, row: Row, taken: set[str]) -> None:
    known = USER_FIELDS if kind == "users" else GROUP_FIELDS
    if row.bldng == "departmentId":
        raise ValueError("map the department's name: write bldng = 'department'")
    if row.bldng not in known:
        raise ValueError(
            f"{row.bldng!r} is no BLDNG field; {profile_file.nearest(row.bldng, known)}"
        )
    if row.bldng in taken:
        raise ValueError(f"{row.bldng!r} has a row already; remove one of them")
    source = FIXED.get(row.bldng)
    if source and (row.scim != source or row.transforms):
        raise ValueError(f"{row.bldng!r} always comes from {source!r} as it is; remove the row")


def _rule(kind: str, row: Row, tables: transforms.Tables) -> Rule:
    resource = schemas.USER if kind == "users" else schemas.GROUP
    return Rule(
        row=row,
        path=_path(row.scim, resource),
        transforms=tuple(transforms.parse(text, tables) for text in row.transforms),
    )


def _path(text: str, resource: ResourceType) -> path.Path:
    found = path.parse(text, resource)
    if found.target is None or found.target.type is Type.COMPLEX:
        subs = found.target.sub if found.target else ()
        cure = f"name one, like {text}.{subs[0].name}" if subs else "name an attribute"
        raise ValueError(f"{text!r} has several parts; {cure}")
    return found


def _digest(written: Written) -> str:
    rows = {
        kind: sorted((row.model_dump() for row in found), key=lambda row: str(row["bldng"]))
        for kind, found in (("users", written.users), ("groups", written.groups))
    }
    text = json.dumps({**rows, "tables": written.tables}, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _raise_if(problems: list[str]) -> None:
    if problems:
        raise ProfileError(problems)


_DEFAULT_WRITTEN = profile_file.read(
    resources.files("mappers").joinpath("default_profile.toml").read_text(encoding="utf-8")
)

DEFAULT = _compile(_DEFAULT_WRITTEN)
"""The mapping of a tenant without a profile of its own."""
