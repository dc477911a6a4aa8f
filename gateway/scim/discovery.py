"""What this server can do: /ServiceProviderConfig, /ResourceTypes and /Schemas (RFC 7644, 4)."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from gateway.scim import answers
from gateway.scim.call import Call
from mappers.scim import discovery, errors, listing

Describe = Callable[[str], list[dict[str, Any]]]


async def service_provider_config(call: Call) -> web.Response:
    """200 with the one configuration resource."""
    return answers.document(discovery.service_provider_config(call.base_url))


async def everything(call: Call, describe: Describe) -> web.Response:
    """200 with a list of all that `describe` gives for a base URL."""
    found = describe(call.base_url)
    return answers.document(listing.list_response(found, total=len(found), start_index=1))


async def one(call: Call, describe: Describe) -> web.Response:
    """200 with the resource whose id the path names, 404."""
    for found in describe(call.base_url):
        if found["id"].lower() == call.item.lower():
            return answers.document(found)
    raise errors.NotFound("There is nothing with this id here: list the endpoint to see the ids.")
