"""Somebody else's requests, from a process of its own: fifty a second, reads and writes in turn.

Run as `python -m tests.support.probe TENANT_URL TOKEN USER_ID`; when stdin ends it prints the
milliseconds that each request took, as one JSON list.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

PAUSE_S = 0.02
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def probing(
    base_url: str, token: str, user_id: str, took_ms: list[float]
) -> AsyncIterator[None]:
    """Probe for as long as the block runs; `took_ms` has what was measured afterwards."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.probe", base_url, token, user_id,
        cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield
    finally:
        said, _ = await process.communicate(b"")
    assert process.returncode == 0
    took_ms.extend(json.loads(said))


async def _main(base_url: str, token: str, user_id: str) -> None:
    ended = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    took_ms: list[float] = []
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http:
        while not ended.done():
            began = time.perf_counter()
            await _ask(http, f"{base_url}/Users/{user_id}", len(took_ms))
            took_ms.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(PAUSE_S)
    print(json.dumps(took_ms))  # noqa: T201 - what the caller reads


async def _ask(http: aiohttp.ClientSession, url: str, turn: int) -> None:
    if turn % 2:
        async with http.get(url) as answer:
            await answer.read()
    else:
        value = [{"op": "Replace", "path": "title", "value": f"turn {turn}"}]
        body = json.dumps({"schemas": [PATCH], "Operations": value})
        headers = {"Content-Type": "application/scim+json"}
        async with http.patch(url, data=body, headers=headers) as answer:
            await answer.read()
    assert answer.status == 200, answer.status


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
