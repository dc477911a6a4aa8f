"""Carries a fault out on a live connection."""

import asyncio
import socket
import struct

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from clients.bldng.sandbox.faults import Fault

HUGE_BYTES = 100_000_000
CHUNK = b" " * 65_536
TRICKLE_S = 1.0
"""Seconds between two bytes of a trickled body."""


async def carry_out(
    fault: Fault,
    request: web.Request,
    handler: Handler,
    closing: asyncio.Event,
    *,
    pause_s: float,
) -> web.StreamResponse:
    """Answer the request the way the fault says, after a pause. `closing` ends what hangs."""
    await _pause(pause_s, closing)
    if fault.action in {"delay", "body", "trickle"} or fault.when == "after":
        answer = await handler(request)
    else:
        answer = web.Response()
    match fault.action:
        case "delay":
            return answer
        case "status":
            return failed(fault)
        case "reset":
            return cut(request)
        case "hang":
            await closing.wait()
            return cut(request)
        case "body":
            return await _spoil(fault.body, request, answer)
        case "trickle":
            return await _trickle(request, answer, closing)


def failed(fault: Fault) -> web.Response:
    """The problem answer of a `status` fault."""
    headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
    body = {
        "type": "about:blank",
        "title": "ordered fault",
        "status": fault.status,
        "code": "fault",
    }
    return web.Response(
        status=fault.status,
        body=orjson.dumps(body),
        content_type="application/problem+json",
        headers=headers,
    )


def cut(request: web.Request) -> web.Response:
    """Reset the connection (RST, not a clean close)."""
    transport = request.transport
    if transport is not None:
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


async def _pause(seconds: float, closing: asyncio.Event) -> None:
    if seconds:
        try:
            await asyncio.wait_for(closing.wait(), seconds)
        except TimeoutError:
            return


async def _spoil(
    body: str, request: web.Request, answer: web.StreamResponse
) -> web.StreamResponse:
    whole = answer.body if isinstance(answer, web.Response) else b""
    text = whole if isinstance(whole, bytes) else b""
    match body:
        case "html":
            return web.Response(text="<html><body>Welcome</body></html>", content_type="text/html")
        case "wrong_id":
            return web.Response(body=_other_id(text), content_type="application/json")
        case "truncated":
            return await _announce(request, text[: len(text) // 2], length=len(text) + 1)
        case "huge":
            return await _flood(request)
        case _:
            return web.Response(body=b"", content_type="application/json")


def _other_id(text: bytes) -> bytes:
    record = orjson.loads(text or b"{}")
    return orjson.dumps({**record, "id": f"{record.get('id', 'usr_')[:4]}somebody_else"})


async def _announce(request: web.Request, text: bytes, *, length: int) -> web.StreamResponse:
    """Promise `length` bytes, send fewer and cut."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = length
    await response.prepare(request)
    await response.write(text)
    if request.transport is not None:
        request.transport.close()
    return response


async def _flood(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = HUGE_BYTES
    await response.prepare(request)
    sent = 0
    try:
        while sent < HUGE_BYTES:
            await response.write(CHUNK[: HUGE_BYTES - sent])
            sent += len(CHUNK)
    except ConnectionError:
        return response
    return response


async def _trickle(
    request: web.Request, answer: web.StreamResponse, closing: asyncio.Event
) -> web.StreamResponse:
    text = answer.body if isinstance(answer, web.Response) else b""
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    await response.prepare(request)
    try:
        for byte in text if isinstance(text, bytes) else b"":
            await response.write(bytes([byte]))
            await _pause(TRICKLE_S, closing)
    except ConnectionError:
        return response
    return response
