"""ETags: `W/"<version>"`, never required of a client (RFC 9110, 13; RFC 7644, 3.14).

If-Match takes weak ETags too, as RFC 7644 has it (RFC 9110 alone would never match one).
"""

import re
from collections.abc import Mapping
from typing import Final

from mappers.scim import errors

Headers = Mapping[str, str]

_ETAG: Final = re.compile(r'(?:W/)?"([^"]*)"')


def etag(version: int) -> str:
    """The ETag of a version."""
    return f'W/"{version}"'


def require(headers: Headers, version: int) -> None:
    """Before a write: raise PreconditionFailed unless it was meant for this version.

    If-Match must name it, If-None-Match must not.
    """
    require_match(headers, version)
    if is_unmodified(headers, version):
        raise errors.PreconditionFailed


def require_match(headers: Headers, version: int) -> None:
    """Raise PreconditionFailed when an If-Match header names other versions only."""
    wanted = headers.get("If-Match")
    if wanted is not None and not _names(wanted, version):
        raise errors.PreconditionFailed


def is_unmodified(headers: Headers, version: int) -> bool:
    """Whether an If-None-Match header says that the client has this version already."""
    held = headers.get("If-None-Match")
    return held is not None and _names(held, version)


def _names(header: str, version: int) -> bool:
    return header.strip() == "*" or str(version) in _ETAG.findall(header)
