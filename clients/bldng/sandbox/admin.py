"""`/_sandbox/`: look at the state and the log, order faults, set modes, insert legacy people.

No token: this exists only in the sandbox.
"""

from dataclasses import asdict
from typing import Any

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from clients.bldng.sandbox import bodies, context, problems, records
from clients.bldng.sandbox.context import FAULTS, org_of, state_of
from clients.bldng.sandbox.faults import Fault
from clients.bldng.sandbox.state import Modes

FAULT_LIST = TypeAdapter(list[Fault])
MODES = TypeAdapter(Modes)


def table() -> list[web.RouteDef]:
    """Every route of the sandbox's own."""
    return [
        web.get("/_sandbox/state", show_state),
        web.get("/_sandbox/log", show_log),
        web.get("/_sandbox/faults", show_faults),
        web.post("/_sandbox/faults", order_faults),
        web.delete("/_sandbox/faults", clear_faults),
        web.post("/_sandbox/modes", set_modes),
        web.post("/_sandbox/reset", reset),
        web.post("/_sandbox/orgs/{org}/users", insert_user),
    ]


async def show_state(request: web.Request) -> web.Response:
    """All organisations with their records; `modes` beside them."""
    state = state_of(request)
    return context.answer({**state.dump(), "modes": state.modes.model_dump()})


async def show_log(request: web.Request) -> web.Response:
    """The requests after number `since` (default 0), oldest first."""
    since = request.query.get("since", "0")
    if not since.isdecimal():
        raise problems.invalid(("since", "invalid", "a whole number"))
    entries = [asdict(row) for row in state_of(request).log if row.number > int(since)]
    return context.answer({"requests": entries})


async def show_faults(request: web.Request) -> web.Response:
    """The faults still ordered."""
    return context.answer([fault.model_dump() for fault in request.app[FAULTS].ordered])


async def order_faults(request: web.Request) -> web.Response:
    """Add a list of faults."""
    request.app[FAULTS].add(*_checked(FAULT_LIST, await request.read()))
    return await show_faults(request)


async def clear_faults(request: web.Request) -> web.Response:
    """Take all faults away."""
    request.app[FAULTS].clear()
    return web.Response(status=204)


async def set_modes(request: web.Request) -> web.Response:
    """Set some of the modes: `uniqueness`, `idempotency`, `visible_after_ms`."""
    state = state_of(request)
    sent: Modes = _checked(MODES, await request.read())
    state.modes = state.modes.model_copy(update=sent.model_dump(exclude_unset=True))
    return context.answer(state.modes.model_dump())


async def reset(request: web.Request) -> web.Response:
    """Forget everything: records, log, faults, modes."""
    state_of(request).reset()
    request.app[FAULTS].clear()
    return web.Response(status=204)


async def insert_user(request: web.Request) -> web.Response:
    """Put in a user as the legacy store holds them: unclaimed, or doubled if uniqueness is off."""
    fields = bodies.whole(bodies.read(bodies.NewUser, await request.read()))
    org = org_of(request)
    return context.answer(records.create(state_of(request), org, org.users, fields), status=201)


def _checked(adapter: TypeAdapter[Any], raw: bytes) -> Any:
    try:
        return adapter.validate_json(raw)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, found["loc"])) or "body"
        raise problems.invalid((where, found["type"], found["msg"])) from None
