"""Responses: every one is `application/scim+json`, since some clients stop at anything else."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from aiohttp import web

CONTENT_TYPE: Final = "application/scim+json"


def document(
    body: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A JSON document."""
    return web.Response(
        body=orjson.dumps(body), status=status, headers={**_TYPE, **(headers or {})}
    )


def empty(status: int, *, headers: Mapping[str, str] | None = None) -> web.Response:
    """An answer without a body (204, 304)."""
    return web.Response(status=status, headers={**_TYPE, **(headers or {})})


_TYPE: Final = {"Content-Type": CONTENT_TYPE}
