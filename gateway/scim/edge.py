"""Around every request: its id, its errors, its metrics and its one log line."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from clients.redis.types import Tenant
from gateway.scim import answers, endpoints, faults, preferences, queries, routing
from gateway.scim.call import FACTS, SERVICES, Call, Facts, Services
from mappers.scim import errors

SERVER: Final = "bldng-scim"
"""Instead of aiohttp's own Server header, which tells its version."""

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods that are labels of metrics; all others are one."""

Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def edge(request: web.Request, handler: Serve) -> web.StreamResponse:
    """Answer with what the handler gives, or with the SCIM error of what it raises."""
    services = request.app[SERVICES]
    clock = asyncio.get_running_loop().time
    started_s = clock()
    facts = request[FACTS] = Facts(services.new_request_id())
    services.metrics.http_requests_in_flight.inc()
    try:
        response = await handler(request)
    except Exception as error:  # noqa: BLE001 - nothing but a SCIM error leaves the gateway
        response = failed(services, facts, error)
    finally:
        services.metrics.http_requests_in_flight.dec()
    if preference := preferences.applied(request.headers):
        response.headers["Preference-Applied"] = preference
    finish(services, facts, response, method=request.method, duration_s=clock() - started_s)
    return response


async def dispatch(request: web.Request) -> web.StreamResponse:
    """Serve any path. Whether an endpoint exists is told to those with a token only."""
    services, facts = request.app[SERVICES], request[FACTS]
    target = routing.locate(request.path)
    if target is None:
        raise _unknown(services.base_url("{tenant}"))
    endpoint = endpoints.TABLE.get(target.endpoint)
    if endpoint is not None:
        facts.route = endpoint.template
    tenant = await _admitted(request, target.tenant)
    facts.tenant = tenant.name
    if endpoint is None:
        raise _unknown(services.base_url(tenant.name))
    call = Call(services, request, facts, tenant, target.item)
    if call.strict:
        queries.require_exclusive(request.query)
    return await endpoint.handler(request.method)(call)


async def _admitted(request: web.Request, name: str) -> Tenant:
    """The tenant, when the token opens it and it does not send too much.

    Raises Unauthorized, RateLimited, RedisUnavailable.
    """
    services = request.app[SERVICES]
    credentials = request.headers.get("Authorization")
    try:
        tenant = await services.authenticator.tenant(name, credentials)
    except errors.Unauthorized:
        services.admission.refused(request.remote)
        raise
    services.admission.admit(tenant.name)
    return tenant


def _unknown(base_url: str) -> errors.UnknownEndpoint:
    return errors.UnknownEndpoint(
        f"No such endpoint. The Tenant URL is {base_url}; endpoints such as /Users follow it."
    )


def failed(services: Services, facts: Facts, error: BaseException | None) -> web.Response:
    """The error response."""
    scim, body = faults.reported(services, facts, error)
    response = answers.document(body, status=scim.status, headers=scim.headers)
    if isinstance(scim, errors.TooManyRefused):
        response.force_close()
    return response


def finish(
    services: Services,
    facts: Facts,
    response: web.StreamResponse,
    *,
    method: str,
    duration_s: float,
) -> None:
    """Sign a response with the request's id, count it, and log it."""
    if services.draining.is_set():
        response.force_close()  # so that the client is elsewhere before the connection closes
    response.headers["X-Request-Id"] = facts.request_id
    response.headers["Server"] = SERVER
    label = method if method in METHODS else "other"
    services.meters.observe(label, facts.route, response.status, duration_s)
    services.log.info(
        "http_request",
        method=label,
        route=facts.route,
        status=response.status,
        duration_ms=round(duration_s * 1000, 2),
        tenant=facts.tenant,
        request_id=facts.request_id,
        **facts.noted,
    )
