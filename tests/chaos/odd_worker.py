"""A worker with a bug: looking up certain people blocks its event loop or ends its process.

Everything else is the real worker process. `ODD_BLOCK_S` says for how long the look-up of
`object-block` blocks; the look-up of `object-poison`, or of a name that begins so, exits.
"""

import asyncio
import copy
import os
import signal
import sys
import time
from contextlib import AsyncExitStack

from prometheus_client import CollectorRegistry

from clients import telemetry
from clients.bldng.client import Bldng
from clients.bldng.users import Users
from clients.redis.wake import Wake
from gateway import app as gateway_app
from gateway import failovers, ops, settings
from gateway.cli import work_process
from mappers import profile
from mappers.bldng.vocabulary import User
from workers.runner import Links, Worker

PROGRAM = "tests.chaos.odd_worker:main"
POISON_EXIT = 9


class OddUsers(Users):
    """The users of BLDNG, with two people that bring the bug out."""

    async def find_by_subject(
        self, org: str, sso_subject: str, *, request_id: str
    ) -> tuple[User, ...]:
        if sso_subject.startswith("object-poison"):
            os._exit(POISON_EXIT)
        if sso_subject == "object-block":
            time.sleep(float(os.environ["ODD_BLOCK_S"]))  # noqa: ASYNC251 - the bug
        return await super().find_by_subject(org, sso_subject, request_id=request_id)


def main() -> None:
    """Run until SIGTERM."""
    asyncio.run(_main())


async def _main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    loaded = settings.load()
    log = telemetry.configure("info", sys.stdout.buffer)
    metrics = telemetry.Metrics(CollectorRegistry())
    vitals = work_process.Vitals()
    operators = ops.make_app(
        metrics.registry,
        readiness=vitals.readiness,
        liveness=vitals.liveness,
        before_scrape=vitals.refresh,
    )
    async with AsyncExitStack() as open_:
        await open_.enter_async_context(gateway_app.listening(operators, loaded.ops_listen))
        redis = await work_process._redis(loaded, stop, open_, log=log)
        assert redis is not None
        bldng = await open_.enter_async_context(work_process._bldng(loaded, metrics))
        links = Links(
            queue=redis.queue,
            store=redis.store,
            members=redis.members,
            tenants=redis.tenants,
            bldng=_odd(bldng),
            wake=Wake(redis.client),
            partitions=redis.partitions,
            profile_of=lambda _name: profile.DEFAULT,
            patrol=redis.patrol,
        )
        worker = Worker(links, work_process._means(loaded, metrics, log))
        await work_process._run(
            worker, vitals, stop, failovers.health(loaded, redis, lambda _: None)
        )


def _odd(bldng: Bldng) -> Bldng:
    odd = copy.copy(bldng)
    odd.users = OddUsers(bldng._wire)
    return odd
