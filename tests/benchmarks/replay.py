"""The baseline of the drain benchmark: the same calls of BLDNG from a bare client loop.

Reads one JSON line for each call, `[method, path, query, body, headers]`, and makes them in that
order, `AT_ONCE` at a time; prints how many were refused. Run as
`python replay.py BASE_URL TOKEN CALLS_FILE AT_ONCE`.
"""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import uvloop

Call = tuple[str, str, dict[str, str], Any, dict[str, str]]


async def _make(http: aiohttp.ClientSession, base_url: str, calls: Iterator[Call]) -> int:
    refused = 0
    for method, path, query, body, headers in calls:
        data = None if body is None else orjson.dumps(body)
        async with http.request(
            method, base_url + path, params=query, data=data, headers=headers
        ) as answer:
            await answer.read()
            refused += answer.status >= 400
    return refused


async def _run(base_url: str, token: str, calls: Iterator[Call], at_once: int) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        refused = await asyncio.gather(*(_make(http, base_url, calls) for _ in range(at_once)))
    print(sum(refused))


if __name__ == "__main__":
    lines = Path(sys.argv[3]).read_bytes().splitlines()
    uvloop.run(
        _run(sys.argv[1], sys.argv[2], (orjson.loads(line) for line in lines), int(sys.argv[4]))
    )
