"""What every request passes: the log, refusals as problem documents, faults, and the headers."""

import secrets

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from clients.bldng.sandbox import context, problems, strike
from clients.bldng.sandbox.state import Logged

JSON_TYPES = {"application/json"}
PATCH_TYPES = JSON_TYPES | {"application/merge-patch+json"}


@web.middleware
async def log(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Read the body first (a cut connection cannot give it), log the request once it is over."""
    raw = await request.read()
    status = 0
    try:
        response = await handler(request)
        status = 0 if _cut_off(request) else response.status
    finally:
        _write(request, raw, status)
    return response


@web.middleware
async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn refusals and aiohttp's own errors into problem documents."""
    try:
        return await handler(request)
    except problems.Refusal as refusal:
        return problem(refusal)
    except web.HTTPNotFound:
        return problem(problems.not_found("path"))
    except web.HTTPMethodNotAllowed as error:
        allow = {"Allow": ", ".join(sorted(error.allowed_methods))}
        return problem(problems.Refusal(405, "method_not_allowed", "Not this method."), allow)


@web.middleware
async def inject(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Carry out the fault that strikes this request, if any."""
    faults = request.app[context.FAULTS]
    faults.under_way += 1
    try:
        return await _struck(request, handler)
    finally:
        faults.under_way -= 1


@web.middleware
async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a request without token, request id or the right content type."""
    if request.path != f"{context.BASE}/health":
        _check_token(request)
        if not request.headers.get("X-Request-Id"):
            raise problems.Refusal(400, "missing_header", "X-Request-Id is missing.")
        _check_type(request)
    return await handler(request)


async def _struck(request: web.Request, handler: Handler) -> web.StreamResponse:
    faults = request.app[context.FAULTS]
    fault = faults.pick(
        method=request.method,
        path=request.path.removeprefix(context.BASE),
        org=request.match_info.get("org", ""),
    )
    if fault is None:
        return await handler(request)
    request[context.FAULT] = fault.name
    pause_s = fault.waits_ms(faults.under_way) / 1000
    closing = request.app[context.CLOSING]
    return await strike.carry_out(fault, request, handler, closing, pause_s=pause_s)


def problem(refusal: problems.Refusal, headers: dict[str, str] | None = None) -> web.Response:
    """The answer to a refused request."""
    return web.Response(
        status=refusal.status,
        body=orjson.dumps(refusal.body()),
        content_type="application/problem+json",
        headers=headers,
    )


def _check_token(request: web.Request) -> None:
    given = request.headers.get("Authorization", "").encode(errors="replace")
    wanted = f"Bearer {context.state_of(request).token}".encode()
    if not secrets.compare_digest(given, wanted):
        raise problems.Refusal(401, "unauthorized", "The service token is missing or wrong.")


def _check_type(request: web.Request) -> None:
    allowed = PATCH_TYPES if request.method == "PATCH" else JSON_TYPES
    if request.method in {"POST", "PATCH"} and request.content_type not in allowed:
        detail = f"Send one of {', '.join(sorted(allowed))}."
        raise problems.Refusal(415, "unsupported_media_type", detail)


def _cut_off(request: web.Request) -> bool:
    """Whether the fault left the client without a whole answer."""
    struck: str = request.get(context.FAULT, "")
    return struck.startswith(("reset", "hang", "body truncated"))


def _write(request: web.Request, raw: bytes, status: int) -> None:
    state = context.state_of(request)
    state.log.append(
        Logged(
            number=state.next_number(),
            at_ms=state.now_ms(),
            method=request.method,
            path=request.path.removeprefix(context.BASE),
            query=dict(request.query),
            org=request.match_info.get("org", ""),
            request_id=request.headers.get("X-Request-Id", ""),
            idempotency_key=request.headers.get("Idempotency-Key", ""),
            body=_body(raw),
            status=status,
            effect=request.get(context.EFFECT, ""),
            fault=request.get(context.FAULT, ""),
        )
    )


def _body(raw: bytes) -> object:
    try:
        return orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        return raw.decode(errors="replace")


def _contract_only(guard: Middleware) -> Middleware:
    """Leave the sandbox's own API alone: it is not logged, guarded or struck by faults."""

    @web.middleware
    async def scoped(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/_sandbox/"):
            return await handler(request)
        return await guard(request, handler)

    return scoped


ALL = [_contract_only(log), _contract_only(inject), refuse, _contract_only(check)]
"""The guards in the order a request passes them."""
