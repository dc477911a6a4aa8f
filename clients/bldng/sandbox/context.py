"""What the sandbox's handlers share: the application's values, pages and JSON answers."""

import asyncio
import base64
import binascii
import re
from typing import Any

import orjson
from aiohttp import web

from clients.bldng.sandbox import problems
from clients.bldng.sandbox.collection import Collection, Record
from clients.bldng.sandbox.faults import Faults
from clients.bldng.sandbox.state import Organisation, State
from mappers.bldng.vocabulary import PAGE_MAX

BASE = "/internal/v1"
"""Path of the contract; the base URL ends in it."""

_ID = re.compile(r"[a-z]{3}_[0-9]{8,}")

STATE: web.AppKey[State] = web.AppKey("state", State)
FAULTS: web.AppKey[Faults] = web.AppKey("faults", Faults)
CLOSING: web.AppKey[asyncio.Event] = web.AppKey("closing", asyncio.Event)
EFFECT: web.RequestKey[str] = web.RequestKey("effect", str)
FAULT: web.RequestKey[str] = web.RequestKey("fault", str)


def state_of(request: web.Request) -> State:
    """The sandbox's state."""
    return request.app[STATE]


def org_of(request: web.Request) -> Organisation:
    """The organisation in the path. Raises Refusal 404."""
    return state_of(request).org(request.match_info["org"])


def answer(body: Any, *, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(
        status=status, body=orjson.dumps(body), content_type="application/json", charset="utf-8"
    )


def note(request: web.Request, effect: str) -> None:
    """Tell the log what the request changed."""
    request[EFFECT] = effect


def listing(request: web.Request, kind: Collection) -> web.Response:
    """A look-up by a unique field, or a page of all. Raises Refusal 422 for another query."""
    query = dict(request.query)
    cursor, limit = query.pop("cursor", None), query.pop("limit", None)
    unknown = [name for name in query if name not in kind.fields]
    if unknown:
        raise problems.invalid((unknown[0], "unknown_parameter", "there is no such parameter"))
    if query:
        return answer({"items": _found(request, kind, query), "nextCursor": None})
    ids, after = kind.page(after=_after(cursor), limit=_limit(limit))
    items = [kind.records[record_id] for record_id in ids]
    return answer({"items": items, "nextCursor": cursor_at(after)})


def page_of_ids(request: web.Request, ids: list[str]) -> web.Response:
    """A page of ids, in their own order."""
    after, limit = _after(request.query.get("cursor")), _limit(request.query.get("limit"))
    rest = [record_id for record_id in sorted(ids) if record_id > after]
    more = rest[limit - 1] if len(rest) > limit else None
    return answer({"items": rest[:limit], "nextCursor": cursor_at(more)})


def cursor_at(after: str | None) -> str | None:
    """An opaque cursor behind the id `after`."""
    return None if after is None else base64.urlsafe_b64encode(after.encode()).decode()


def _found(request: web.Request, kind: Collection, query: dict[str, str]) -> list[Record]:
    """The records that match every field of the query and are visible already."""
    state, org = state_of(request), org_of(request)
    matches = [set(kind.find(field, value)) for field, value in query.items()]
    ids = sorted(set.intersection(*matches))
    return [kind.records[record_id] for record_id in ids if state.visible(org, record_id)]


def _after(cursor: str | None) -> str:
    if cursor is None:
        return ""
    try:
        after = base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        after = ""
    if not _ID.fullmatch(after):
        raise problems.invalid(("cursor", "invalid", "no cursor of this API"))
    return after


def _limit(text: str | None) -> int:
    if text is None:
        return PAGE_MAX
    if not text.isdecimal() or int(text) < 1:
        raise problems.invalid(("limit", "invalid", "a positive whole number"))
    return min(int(text), PAGE_MAX)
