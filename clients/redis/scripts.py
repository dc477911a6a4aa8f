"""Loads the Lua scripts: each is a few shared parts and its own file, joined once at start.

A script's file opens with its contract: KEYS, ARGV, and what it returns. The clock is one line, so
that tests can drive time by a key instead.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

FOLDER = Path(__file__).with_name("scripts")

SERVER_CLOCK = (
    "local time = redis.call('TIME')\nlocal now = time[1] * 1000 + math.floor(time[2] / 1000)\n"
)
"""One clock for every process: the server's own, in milliseconds."""

CLOCK = "clock"
"""The name of the part that is the clock's line and not a file."""

_GUARD = ("guard",)
_PARTITION = (*_GUARD, CLOCK, "partition")
_TENANT = (*_PARTITION, "tenant")
_RESOURCE = (*_TENANT, "resource")
_GROUP = (*_RESOURCE, "group", "dirty", "change")

PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "record_get": _GUARD,
    "record_put": _GUARD,
    "tenant_create": _GUARD,
    "pulse": (*_GUARD, CLOCK),
    "read": _GUARD,
    "find": _GUARD,
    "page": _GUARD,
    "scan": _GUARD,
    "write": (*_RESOURCE, "indexes", "group", "dirty", "brake", "leaving", "depart"),
    "members": _GROUP,
    "replace_begin": _RESOURCE,
    "replace_step": _GROUP,
    "members_page": _GUARD,
    "members_has": _GUARD,
    "groups_of": _GUARD,
    "sweep": (*_PARTITION, "group", "leaving", "joining"),
    "claim": (*_PARTITION, "group", "delta"),
    "beat": (*_GUARD, CLOCK),
    "settle": (
        *_RESOURCE,
        "group",
        "breaker",
        "wake",
        "again",
        "joining",
        "arrival",
        "confirm",
    ),
    "recover": _PARTITION,
    "resync": (*_RESOURCE, "group", "again", "members_again"),
    "patrol_take": (*_TENANT, "patrol"),
    "patrol_done": (*_TENANT, "patrol"),
    "patrol_hurry": _TENANT,
    "patrol_mark": (*_RESOURCE, "group", "again", "members_again"),
    "patrol_members": _GUARD,
    "replay": (*_TENANT, "trail"),
    "list": _TENANT,
    "control": (*_TENANT, "trail"),
    "switches": (*_TENANT, "brake"),
    "fleet": (*_PARTITION, "trail"),
    "state": (*_RESOURCE, "group"),
    "depths": _PARTITION,
    "budget": (CLOCK,),
    "audit": (*_TENANT, "group"),
})
"""Script name -> shared parts put before its own file."""

ACKNOWLEDGED = frozenset({
    "write",
    "members",
    "replace_begin",
    "replace_step",
    "record_put",
    "tenant_create",
    "pulse",
})
"""Scripts whose answer is an acknowledgement to somebody outside: SCIM or an operator.

The pulse is among them because it is to show what they keep. What a worker changes is not: a lost
claim or settle only means that it is sent again.
"""


@dataclass(frozen=True, slots=True)
class Script:
    """A complete script. `sha` names it in the server's script cache."""

    name: str
    source: str
    sha: str


def make(name: str, source: str) -> Script:
    digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
    return Script(name=name, source=source, sha=digest)


def part(name: str) -> str:
    return (FOLDER / f"{name}.lua").read_text(encoding="utf-8")


def source(name: str, *, clock: str = SERVER_CLOCK) -> str:
    """The text of one script, its shared parts first."""
    parts = (clock if each == CLOCK else part(each) for each in PARTS[name])
    return "\n".join([*parts, part(name)])


@lru_cache(maxsize=8)
def library(clock: str = SERVER_CLOCK) -> Mapping[str, Script]:
    """Every script by name."""
    return MappingProxyType({name: make(name, source(name, clock=clock)) for name in PARTS})
