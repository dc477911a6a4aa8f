"""The three routes of the operators' listener."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry, exposition

Probe = Callable[[], Sequence[str]]
"""Returns the reasons why the answer is no; empty means yes. Must not block or raise."""


@dataclass(frozen=True, slots=True)
class _Listener:
    registry: CollectorRegistry
    readiness: Probe
    liveness: Probe
    before_scrape: Callable[[], Awaitable[None]]
    facts: Callable[[], Mapping[str, object]]

    async def metrics(self, request: web.Request) -> web.Response:
        """The metrics as text, or as OpenMetrics for those who accept it."""
        await self.before_scrape()
        encode, content_type = exposition.choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self.registry), headers={"Content-Type": content_type})

    async def livez(self, request: web.Request) -> web.Response:
        return _verdict(self.liveness())

    async def readyz(self, request: web.Request) -> web.Response:
        return _verdict(self.readiness(), self.facts())


def make_app(
    registry: CollectorRegistry,
    *,
    readiness: Probe,
    liveness: Probe,
    before_scrape: Callable[[], Awaitable[None]],
    facts: Callable[[], Mapping[str, object]] = dict,
) -> web.Application:
    """The application to serve on the operators' address.

    `before_scrape` refreshes what a scrape should show and must not raise; 200 and 503 of the
    probes carry `{"ok": bool, "reasons": [str]}`; that of `/readyz` carries `facts` besides.
    """
    listener = _Listener(registry, readiness, liveness, before_scrape, facts)
    app = web.Application()
    app.add_routes([
        web.get("/metrics", listener.metrics),
        web.get("/livez", listener.livez),
        web.get("/readyz", listener.readyz),
    ])
    return app


def _verdict(reasons: Sequence[str], facts: Mapping[str, object] | None = None) -> web.Response:
    body = orjson.dumps({"ok": not reasons, "reasons": list(reasons), **(facts or {})})
    status = 503 if reasons else 200
    return web.Response(body=body, status=status, content_type="application/json")
