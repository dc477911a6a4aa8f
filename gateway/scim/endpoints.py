"""The table of endpoints: what may be asked of which path, and who answers."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from aiohttp import web

from gateway.scim import answers, bulk, discovery, groups, resources, routing, searching
from gateway.scim.call import Call
from mappers.scim import discovery as described
from mappers.scim import errors
from mappers.scim.attributes import ResourceType
from mappers.scim.schemas import GROUP, USER

Handler = Callable[[Call], Awaitable[web.Response]]
OfResource = Callable[[Call, ResourceType], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`template` is the path below the Tenant URL, also the route in logs and metrics."""

    template: str
    methods: Mapping[str, Handler]

    def handler(self, method: str) -> Handler:
        """Who answers a method; HEAD is served as GET. Raises MethodNotAllowed."""
        if method == "OPTIONS":
            return partial(_options, allow=self.allow)
        found = self.methods.get("GET" if method == "HEAD" else method)
        if found is None:
            raise errors.MethodNotAllowed(allow=self.allow)
        return found

    @property
    def allow(self) -> tuple[str, ...]:
        """Every method that is served (RFC 9110, 10.2.1)."""
        head = ("HEAD",) if "GET" in self.methods else ()
        return (*self.methods, *head, "OPTIONS")


async def _options(call: Call, *, allow: tuple[str, ...]) -> web.Response:
    """204 with what is allowed: RFC 7644 is silent, RFC 9110 has it for every resource.

    Nothing is said to browsers: what provisions does not run in one.
    """
    return answers.empty(204, headers={"Allow": ", ".join(allow)})


async def not_implemented(call: Call) -> web.Response:
    """501, for what RFC 7644 makes optional and this server leaves out."""
    raise errors.NotImplementedHere


@dataclass(frozen=True, slots=True)
class Handlers:
    """Who answers for one resource of a type."""

    get: OfResource = resources.get
    create: OfResource = resources.create
    replace: OfResource = resources.replace
    modify: OfResource = resources.modify
    delete: OfResource = resources.delete


def _of(resource: ResourceType, handlers: Handlers) -> Iterator[Endpoint]:
    """The endpoints of a resource type: collection, resource, search."""
    collection = resource.endpoint
    find = partial(searching.find, among=(resource,))
    search = partial(searching.search, among=(resource,))

    async def get(call: Call) -> web.Response:
        return await handlers.get(call, resource)

    create = _counting("create", handlers.create, resource)
    yield Endpoint(collection, {"GET": find, "POST": create})
    yield Endpoint(f"{collection}/.search", {"POST": search})
    yield Endpoint(
        f"{collection}/{routing.ITEM}",
        {
            "GET": get,
            "PUT": _counting("update", handlers.replace, resource),
            "PATCH": _counting("update", handlers.modify, resource),
            "DELETE": _counting("delete", handlers.delete, resource),
        },
    )


def _counting(op: str, write: OfResource, resource: ResourceType) -> Handler:
    """A handler that runs a write and counts what became of it, outages aside."""
    counted = resource.name.lower()

    async def handler(call: Call) -> web.Response:
        try:
            response = await write(call, resource)
        except (errors.Uniqueness, errors.PreconditionFailed, errors.VersionConflict):
            count(call, "conflict")
            raise
        except errors.ScimError:
            count(call, "rejected")
            raise
        count(call, call.facts.result)
        return response

    def count(call: Call, result: str) -> None:
        call.facts.noted["result"] = result
        call.services.meters.count_write(counted, op, result)

    return handler


def _of_discovery() -> Iterator[Endpoint]:
    yield Endpoint("/ServiceProviderConfig", {"GET": discovery.service_provider_config})
    yield Endpoint("/ServiceConfiguration", {"GET": discovery.service_configuration})
    for name, describe in (
        ("/ResourceTypes", described.resource_types),
        ("/Schemas", described.schemas),
    ):
        everything = partial(discovery.everything, describe=describe)
        yield Endpoint(name, {"GET": everything})
        one = partial(discovery.one, describe=describe)
        yield Endpoint(f"{name}/{routing.ITEM}", {"GET": one})


def _others(written: Iterable[Endpoint]) -> Iterator[Endpoint]:
    everyone = partial(searching.search, among=(USER, GROUP))
    yield Endpoint("/.search", {"POST": everyone})
    parts = {_key(endpoint): endpoint for endpoint in written}
    yield Endpoint("/Bulk", {"POST": partial(bulk.run, endpoints=parts)})
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
    yield Endpoint("/Me", dict.fromkeys(methods, not_implemented))


def _key(endpoint: Endpoint) -> str:
    return endpoint.template.strip("/").lower()


def _written(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """Those that change a resource."""
    return [each for each in endpoints if not each.template.endswith(".search")]


_RESOURCES: Final = (
    *_of(USER, Handlers()),
    *_of(GROUP, Handlers(groups.get, replace=groups.replace, modify=groups.modify)),
)

TABLE: Final = {
    _key(endpoint): endpoint
    for endpoint in (*_RESOURCES, *_of_discovery(), *_others(_written(_RESOURCES)))
}
"""Lower-case path below the Tenant URL -> its endpoint, as `routing.locate` spells it."""
