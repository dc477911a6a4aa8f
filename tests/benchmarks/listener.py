"""The baseline of the wake-up benchmark: a bare subscriber that makes one call per message.

Prints `ready` once it listens. Run as `python listener.py REDIS_URL CHANNEL CALL_URL TOKEN`.
"""

import sys

import aiohttp
import uvloop
from redis.asyncio import Redis


async def _listen(redis_url: str, channel: str, call_url: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with Redis.from_url(redis_url, socket_timeout=None) as redis, redis.pubsub() as messages:
        await messages.subscribe(channel)
        async with aiohttp.ClientSession(headers=headers) as http:
            async for message in messages.listen():
                if message["type"] == "subscribe":
                    print("ready", flush=True)
                    continue
                async with http.get(call_url) as answer:
                    await answer.read()


if __name__ == "__main__":
    redis_url, channel, call_url, token = sys.argv[1:]
    uvloop.run(_listen(redis_url, channel, call_url, token))
