"""A mapping profile as it is written in TOML. No I/O here.

    [[users]]
    scim = 'phoneNumbers[type eq "work"].value'
    bldng = "mobile"
    transforms = ["trim", "replace:+:00"]

`default_profile.toml` explains every key. Reading checks shapes only; `mappers.profile` checks
what the rows mean.
"""

import difflib
import tomllib
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError


class ProfileError(ValueError):
    """The profile cannot be used. `problems` holds a line each: row, attribute, cure."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Row(_Strict):
    """A SCIM path, the BLDNG field it becomes, and the names of transforms on the way."""

    scim: str
    bldng: str
    transforms: tuple[str, ...] = ()


class Drop(_Strict):
    """BLDNG fields that this tenant does not want written."""

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class Written(_Strict):
    """The whole file."""

    users: tuple[Row, ...] = ()
    groups: tuple[Row, ...] = ()
    drop: Drop = Drop()
    tables: dict[str, dict[str, str]] = {}


def read(text: str) -> Written:
    """Read the text of a profile. Raises ProfileError."""
    try:
        return Written.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ProfileError([f"the profile is not TOML: {error}"]) from None
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise ProfileError(
            _explained(row["loc"], row["type"], row["msg"]) for row in found
        ) from None


def nearest(name: str, names: Iterable[str]) -> str:
    """The cure for a wrong name: the nearest right one, or all of them."""
    names = sorted(names)
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(names)}"


def _explained(where: tuple[int | str, ...], kind: str, message: str) -> str:
    """One line, such as: users row 2: unknown key 'transform'; did you mean 'transforms'?"""
    place = " ".join(f"row {part + 1}" if isinstance(part, int) else part for part in where)
    if kind != "extra_forbidden":
        return f"{place}: {message[:1].lower()}{message[1:]}"
    *holder, key = where
    owner = _holder(holder)
    place = place.removesuffix(str(key)).strip() or "the profile"
    return f"{place}: unknown key {key!r}; {nearest(str(key), owner.model_fields)}"


def _holder(where: list[Any]) -> type[BaseModel]:
    if not where:
        return Written
    return Drop if where[0] == "drop" else Row
