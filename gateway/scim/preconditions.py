"""ETags: `W/"<version>"`, never required of a client.

If-Match takes weak ETags too, as RFC 7644, 3.14 has it (RFC 9110 alone would never match one).
"""

import re
from typing import Final

from aiohttp import web

from mappers.scim import errors

_ETAG: Final = re.compile(r'(?:W/)?"([^"]*)"')


def etag(version: int) -> str:
    """The ETag of a version."""
    return f'W/"{version}"'


def require_match(request: web.Request, version: int) -> None:
    """Raise PreconditionFailed when an If-Match header names other versions only."""
    wanted = request.headers.get("If-Match")
    if wanted is not None and not _names(wanted, version):
        raise errors.PreconditionFailed


def is_unmodified(request: web.Request, version: int) -> bool:
    """Whether an If-None-Match header says that the client has this version already."""
    held = request.headers.get("If-None-Match")
    return held is not None and _names(held, version)


def _names(header: str, version: int) -> bool:
    return header.strip() == "*" or str(version) in _ETAG.findall(header)
