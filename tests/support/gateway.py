"""The gateway's SCIM application on a free port, over a real Redis, with one tenant and its token.

A plugin: fixture `gateway`. Requests go over real HTTP; the log lines and metrics of the process
can be read by the test.
"""

import io
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession, web
from prometheus_client import CollectorRegistry
from yarl import URL

from clients import telemetry
from clients.redis.stack import Stack, open_stack
from clients.redis.types import Tenant, Token
from clients.telemetry import Metrics
from gateway import app as gateway_app
from gateway import settings, tokens
from gateway.scim import protocol
from gateway.scim.call import SERVICES, Services

SCIM_JSON = "application/scim+json; charset=utf-8"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE_USER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, read to its end."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object."""
        parsed: dict[str, Any] = orjson.loads(self.raw)
        return parsed


@dataclass(slots=True)
class Gateway:
    """A running gateway and a client of it. `root` is its origin, `base` the Tenant URL."""

    root: str
    base: str
    token: str
    redis: Stack
    tenant: Tenant
    metrics: Metrics
    http: ClientSession
    server: web.Server
    log: io.BytesIO = field(default_factory=io.BytesIO)

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request below the Tenant URL, authorised unless `headers` say otherwise.

        A `body` that is bytes or text is sent as it is, anything else as JSON.
        """
        return await self.raw(method, self.base + path, body, headers=headers)

    async def raw(
        self,
        method: str,
        url: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request to any URL of this gateway, sent as written."""
        given = dict(headers) if headers is not None else self.authorized(body)
        data = _data(body)
        sent_to = URL(url.replace(" ", "%20"), encoded=True)
        async with self.http.request(
            method, sent_to, data=data, headers=given, skip_auto_headers=("Content-Type",)
        ) as response:
            return Answer(response.status, response.headers, await response.read())

    def authorized(self, body: object = None, **more: str) -> dict[str, str]:
        """The headers that Entra sends."""
        content = {} if body is None else {"Content-Type": SCIM_JSON}
        return {"Authorization": f"Bearer {self.token}", **content, **more}

    async def create(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A user that exists from now on."""
        answer = await self.send("POST", "/Users", body)
        assert answer.status == 201, answer.raw
        return answer.json

    async def patch(self, user_id: str, *operations: Mapping[str, Any]) -> Answer:
        """PATCH a user."""
        body = {"schemas": [PATCH_OP], "Operations": list(operations)}
        return await self.send("PATCH", f"/Users/{user_id}", body)

    async def get(self, user_id: str) -> dict[str, Any]:
        """A user that is there."""
        answer = await self.send("GET", f"/Users/{user_id}")
        assert answer.status == 200, answer.raw
        return answer.json

    async def total(self) -> int:
        """How many users there are."""
        return int((await self.send("GET", "/Users?count=0")).json["totalResults"])

    async def issue(self, tenant: str, **record: Any) -> str:
        """A further token of a tenant; `record` sets fields of its record."""
        secret = tokens.make(secrets.token_bytes(tokens.ENTROPY_BYTES))
        token = Token(secret.key_id, tenant, secret.digest, created_ms=0, **record)
        assert await self.redis.tenants.add_token(token)
        return secret.text

    def lines(self, event: str = "http_request") -> list[dict[str, Any]]:
        """The log lines with that event name."""
        parsed = [orjson.loads(line) for line in self.log.getvalue().splitlines()]
        return [line for line in parsed if line["event"] == event]

    def metric(self, name: str, **labels: str) -> float:
        """The value of a metric; 0 when it has no such labels."""
        found = self.metrics.registry.get_sample_value(f"{telemetry.PREFIX}_{name}", labels)
        return found or 0.0


@asynccontextmanager
async def running(
    redis_url: str, adapt: Callable[[Services], Services] = lambda parts: parts, **environ: str
) -> AsyncIterator[Gateway]:
    """A gateway on that Redis; `environ` holds settings without their prefix.

    `adapt` may exchange parts of the process before it serves.
    """
    given = {
        "REDIS_URL": redis_url,
        "PUBLIC_URL": "https://scim.example.com",
        "RATE_LIMIT": "0",
        **environ,
    }
    loaded = settings.load({f"BLDNG_SCIM_{name}": value for name, value in given.items()})
    log, metrics = io.BytesIO(), Metrics(CollectorRegistry())
    async with open_stack(redis_url, install=True) as redis, ClientSession() as http:
        tenant = await _tenant(redis)
        scim = gateway_app.make_app(
            loaded, metrics=metrics, log=telemetry.make_logger("debug", log)
        )
        scim.cleanup_ctx.append(partial(_adapted, adapt))
        runner = web.AppRunner(scim, access_log=None)
        await runner.setup()
        try:
            async with protocol.listening(runner, "127.0.0.1", 0) as port:
                root = f"http://127.0.0.1:{port}"
                base = f"{root}/scim/v2/acme"
                server = runner.server
                assert server is not None
                gateway = Gateway(root, base, "", redis, tenant, metrics, http, server, log)
                gateway.token = await gateway.issue("acme")
                yield gateway
        finally:
            await runner.cleanup()


@pytest.fixture
async def gateway(redis_url: str) -> AsyncIterator[Gateway]:
    """A gateway on an empty Redis."""
    async with running(redis_url) as started:
        yield started


async def _tenant(redis: Stack) -> Tenant:
    """The tenant acme: made now, unless another gateway of the test made it."""
    known = await redis.tenants.get("acme")
    return known or await redis.tenants.create("acme", org="org-acme", now_ms=gateway_app.now_ms())


async def _adapted(
    adapt: Callable[[Services], Services], app: web.Application
) -> AsyncIterator[None]:
    app[SERVICES] = adapt(app[SERVICES])
    yield


def _data(body: object) -> bytes | None:
    if body is None or isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else orjson.dumps(body)
