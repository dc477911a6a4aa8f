"""Small programs of the benchmarks beside the product's processes: the baselines."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

HERE = Path(__file__).parent


@asynccontextmanager
async def running(script: str, *arguments: object) -> AsyncIterator["subprocess.Popen[bytes]"]:
    """A script of this folder while the block runs; then it is killed."""
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    process = await asyncio.to_thread(subprocess.Popen, command, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        await asyncio.to_thread(process.communicate)
