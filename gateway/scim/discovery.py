"""What this server can do: /ServiceProviderConfig, /ResourceTypes and /Schemas (RFC 7644, 4)."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from gateway.scim import answers
from gateway.scim.call import Call
from mappers.scim import discovery, errors, listing
from mappers.tolerance import tolerance

Describe = Callable[[str], list[dict[str, Any]]]


async def service_provider_config(call: Call) -> web.Response:
    """200 with the one configuration resource; 403."""
    _require_no_filter(call)
    described = discovery.service_provider_config(
        call.base_url, max_payload_bytes=call.services.body_limit_bytes
    )
    return answers.document(described)


@tolerance(
    seen="Microsoft's Postman collection",
    test="conformance/test_postman.py::test_the_endpoints",
)
async def service_configuration(call: Call) -> web.Response:
    """/ServiceConfiguration is another name of /ServiceProviderConfig."""
    return await service_provider_config(call)


async def everything(call: Call, describe: Describe) -> web.Response:
    """200 with a list of all that `describe` gives for a base URL; 403."""
    _require_no_filter(call)
    found = describe(call.base_url)
    return answers.document(listing.list_response(found, total=len(found), start_index=1))


async def one(call: Call, describe: Describe) -> web.Response:
    """200 with the resource whose id the path names, 404."""
    for found in describe(call.base_url):
        if found["id"].lower() == call.item.lower():
            return answers.document(found)
    raise errors.NotFound("There is nothing with this id here: list the endpoint to see the ids.")


def _require_no_filter(call: Call) -> None:
    """RFC 7644, 4: whoever filters a description is told so, and never given all of it."""
    if any(name.lower() == "filter" for name in call.request.query):
        raise errors.Forbidden
