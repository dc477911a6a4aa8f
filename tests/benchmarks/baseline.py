"""The baseline of the edge benchmark: bare aiohttp, one Redis script through redis-py's pool.

It stores or returns the same bytes as the gateway does, and nothing else: no validation, no
authentication, no log line, no metric. Run as `python baseline.py PORT REDIS_URL DOCUMENT_FILE`.
"""

import asyncio
import sys
from pathlib import Path

import uvloop
from aiohttp import web
from redis.asyncio import Redis

_STORE = "redis.call('SET', KEYS[1], ARGV[1]) return 1"
_LOAD = "return redis.call('GET', KEYS[1])"


async def _serve(port: int, redis_url: str, document: bytes) -> None:
    redis = Redis.from_url(redis_url)
    store, load = await redis.script_load(_STORE), await redis.script_load(_LOAD)
    await redis.set("baseline:document", document)
    count = 0

    async def post(request: web.Request) -> web.Response:
        nonlocal count
        body = await request.read()
        count += 1
        await redis.evalsha(store, 1, f"baseline:{count}", body)
        return web.Response(body=body, status=201, content_type="application/scim+json")

    async def patch(request: web.Request) -> web.Response:
        await request.read()
        stored = await redis.evalsha(load, 1, "baseline:document")
        await redis.evalsha(store, 1, "baseline:patched", stored)
        return web.Response(body=stored, content_type="application/scim+json")

    async def get(_: web.Request) -> web.Response:
        stored = await redis.evalsha(load, 1, "baseline:document")
        return web.Response(body=stored, content_type="application/scim+json")

    app = web.Application()
    app.add_routes([
        web.post("/Users", post),
        web.patch("/Users/{id}", patch),
        web.get("/Users", get),
    ])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]).read_bytes()))
