"""Many writes in one request (RFC 7644, 3.7), each by the handler that serves it alone.

Every operation is atomic by itself, with its own validation, error, metrics and log line; the
request as a whole is not: what was done stays done when a later operation fails. Ids of what is
created are drawn before anything is, so operations that refer to each other in a circle work too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

import orjson
from aiohttp import web

from gateway.scim import answers, faults, routing
from gateway.scim.call import Call, Facts
from mappers.scim import bulk, errors, messages, strict
from mappers.scim.bulk import Operation

METHODS: Final = ("POST", "PUT", "PATCH", "DELETE")
"""What an operation may do."""

WITH_DATA: Final = frozenset({"POST", "PUT", "PATCH"})

Doc = dict[str, Any]


class Endpoint(Protocol):
    """What serves an operation."""

    @property
    def template(self) -> str:
        """The path below the Tenant URL."""

    def handler(self, method: str) -> Callable[[Call], Any]:
        """Who answers a method."""


@dataclass(frozen=True, slots=True)
class Part:
    """An operation as the request that its handler sees."""

    headers: Mapping[str, str]
    data: bytes
    query: Mapping[str, str] = field(default_factory=dict)
    query_string: str = ""

    async def read(self) -> bytes:
        """The operation's data as a body."""
        return self.data


async def run(call: Call, endpoints: Mapping[str, Endpoint]) -> web.Response:
    """200 with what became of each operation, as sent; 400, 413; 503 when none could be tried."""
    body = await call.body()
    if call.strict:
        strict.require_message(body, messages.BULK_REQUEST)
    asked = bulk.read(body)
    job = _Job(call, endpoints, _ids(call, asked))
    for operation in bulk.in_order(asked.operations):
        await job.do(operation)
        if job.errors == asked.fail_on_errors:
            break
    call.facts.noted |= {"operations": len(job.results), "errors": job.errors}
    return answers.document(bulk.response(job.told()))


def _ids(call: Call, asked: bulk.Request) -> dict[str, str]:
    """The id of what each bulkId stands for."""
    created = (each.bulk_id for each in asked.operations if each.creates)
    return {bulk_id: call.services.new_id() for bulk_id in created if bulk_id is not None}


class _Job:
    """A bulk request in hand."""

    def __init__(self, call: Call, endpoints: Mapping[str, Endpoint], ids: dict[str, str]) -> None:
        self.results: dict[int, Doc] = {}
        self.errors = 0
        self._call = call
        self._endpoints = endpoints
        self._ids = ids
        self._failed: set[str | None] = set()
        self._outage: Exception | None = None

    def told(self) -> list[Doc]:
        """The results in the order in which the operations were sent."""
        return [self.results[at] for at in sorted(self.results)]

    async def do(self, operation: Operation) -> None:
        """Do one operation and keep its result.

        Raises the error of an outage when nothing was done before; after one, no further operation
        is tried.
        """
        facts = Facts(
            f"{self._call.facts.request_id}.{operation.at}", tenant=self._call.tenant.name
        )
        try:
            result = await self._done(operation, facts)
        except Exception as error:  # noqa: BLE001 - an operation's error is its own
            result = self._refused(operation, facts, error)
        self.results[operation.at] = result
        self._call.services.log.info(
            "bulk_operation",
            method=operation.method if operation.method in METHODS else "other",
            route=facts.route,
            status=int(result["status"]),
            tenant=facts.tenant,
            request_id=facts.request_id,
            **facts.noted,
        )

    async def _done(self, operation: Operation, facts: Facts) -> Doc:
        if self._outage is not None:
            raise self._outage
        if operation.refers & self._failed:
            raise errors.Unresolved
        wanted = bulk.resolved(operation, self._ids)
        if wanted.method not in METHODS:
            raise errors.MethodNotAllowed(allow=METHODS)
        endpoint, item = self._located(wanted, facts)
        handler = endpoint.handler(wanted.method)
        if wanted.method in WITH_DATA and wanted.data is None:
            raise errors.InvalidSyntax(f"A {wanted.method} needs data.")
        response = await handler(self._as_call(wanted, facts, item))
        collection = endpoint.template.removesuffix(f"/{routing.ITEM}")
        location = f"{self._call.base_url}{collection}/{item}"
        return bulk.result(
            operation,
            response.status,
            location=response.headers.get("Location", location),
            version=response.headers.get("ETag"),
        )

    def _located(self, operation: Operation, facts: Facts) -> tuple[Endpoint, str]:
        key, item = routing.below(operation.path.removeprefix(self._call.base_url))
        endpoint = self._endpoints.get(key)
        if endpoint is None:
            raise errors.UnknownEndpoint(
                "path must be like /Users, /Users/{id}, /Groups or /Groups/{id}."
            )
        facts.route = endpoint.template
        return endpoint, item

    def _as_call(self, operation: Operation, facts: Facts, item: str) -> Call:
        headers = {"Prefer": "handling=strict"} if self._call.strict else {}
        if operation.version is not None:
            headers["If-Match"] = operation.version
        services = self._call.services
        if operation.creates:
            drawn = self._ids[str(operation.bulk_id)]
            services = replace(services, new_id=lambda: drawn)
        request = Part(headers, orjson.dumps(operation.data))
        return replace(self._call, services=services, request=request, facts=facts, item=item)

    def _refused(self, operation: Operation, facts: Facts, error: Exception) -> Doc:
        scim, body = faults.reported(self._call.services, facts, error)
        if faults.redis_kind(error) is not None:
            if not self.results:
                raise error
            self._outage = error
        self.errors += 1
        if operation.creates:
            self._failed.add(operation.bulk_id)
        location = None if operation.method == "POST" else self._location(operation)
        return bulk.result(operation, scim.status, location=location, response=body)

    def _location(self, operation: Operation) -> str:
        """Where the operation was to be done, as far as it can be told."""
        path = operation.path.removeprefix(self._call.base_url).strip("/")
        return f"{self._call.base_url}/{path}"
