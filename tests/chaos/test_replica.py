"""F17 and the modes of acknowledgement: what a master and its replica keep when they part.

F17  the replica is cut off, the old master is written to and dies, the replica takes over
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from clients.redis.durability import Ack
from tests.chaos.scene import BUSY_S, Entra, looking, person
from tests.support import proxy, replica
from tests.support.oracle import people
from tests.support.proxy import Proxy
from tests.support.replica import Pair, replicated
from tests.support.stack import TENANT, Process, Stack, lines, running
from tests.support.waiting import eventually

WRITES = 12


@asynccontextmanager
async def on_a_pair(directory: Path, ack: Ack) -> AsyncIterator[tuple[Entra, Pair, Proxy]]:
    """A gateway in front of a master, through a proxy that can lead it elsewhere."""
    least = "1" if ack is Ack.REPLICA else "0"
    async with (
        replicated(directory / "pair", min_replicas_to_write=least) as pair,
        proxy.between(pair.master.port) as wire,
        running(directory) as stack,
    ):
        stack.redis, stack.ack = pair.master, ack
        await stack.start_gateway(BLDNG_SCIM_REDIS_URL=f"redis://127.0.0.1:{wire.port}/0")
        yield Entra(stack), pair, wire


async def metric(stack: Stack, process: Process, name: str) -> float:
    async with stack.http.get(f"http://127.0.0.1:{process.ops}/metrics") as answer:
        text = await answer.text()
    return next(float(row.split()[1]) for row in text.splitlines() if row.startswith(name + " "))


async def kept(entra: Entra, scim_ids: list[str]) -> list[bool]:
    """Who of these is there, asked of the product."""
    found = [(await entra.send("GET", f"/Users/{each}"))[0] for each in scim_ids]
    assert set(found) <= {200, 404}
    return [status == 200 for status in found]


async def answers(entra: Entra) -> bool:
    return (await entra.send("GET", "/Users?count=0"))[0] == 200


@pytest.mark.parametrize("ack", [Ack.REPLICA, Ack.FSYNC])
async def test_f17_cut_off_written_to_and_replaced(tmp_path: Path, ack: Ack) -> None:
    """Mode replica: refused, so nothing is lost. Mode fsync: lost, and the product says so."""
    async with (
        on_a_pair(tmp_path, ack) as (entra, pair, wire),
        proxy.between(pair.master.port) as link,
    ):
        await replica.follow(pair.replica, link.port)
        await pair.in_step()
        [gateway] = entra.stack.processes
        before = [await entra.create(f"before{number}") for number in range(4)]
        await pair.in_step()
        link.hold()
        tried = await asyncio.gather(*(entra.try_create(f"cut{n}") for n in range(WRITES)))
        acknowledged = [scim_id for status, scim_id in tried if status == 201]
        assert {status for status, _ in tried} == ({503} if ack is Ack.REPLICA else {201})
        pair.master.kill()
        link.cut()
        await replica.promote(pair.replica)
        wire.lead_to(pair.replica.port)
        wire.cut()
        await eventually(lambda: answers(entra), within_s=10)
        assert all(await kept(entra, before))
        lost = (await kept(entra, acknowledged)).count(False)
        assert lost == (0 if ack is Ack.REPLICA else WRITES)

        async def noticed() -> bool:
            return await metric(entra.stack, gateway, FAILOVERS) == 1

        await eventually(noticed, within_s=10 + BUSY_S)
        window_s = await metric(entra.stack, gateway, WINDOW)
        assert (window_s > 0) == (ack is Ack.FSYNC)
        [told] = lines(gateway, "redis_failover")
        assert ("Restart provisioning" in told.get("cure", "")) == (ack is Ack.FSYNC)


async def test_bldng_follows_what_redis_holds_after_a_failover(tmp_path: Path) -> None:
    """A change that reached BLDNG and was lost with the old master is undone there."""
    async with (
        on_a_pair(tmp_path, Ack.FSYNC) as (entra, pair, wire),
        proxy.between(pair.master.port) as link,
    ):
        stack = entra.stack
        worker = await stack.start_worker(BLDNG_SCIM_REDIS_URL=f"redis://127.0.0.1:{wire.port}/0")
        await replica.follow(pair.replica, link.port)
        joy = await entra.create("joy")
        await eventually(lambda: shown(stack) == "Joy")
        await stack.until_synced()
        await pair.in_step()
        link.hold()
        assert await entra.patch(joy, displayName="Lost") == 200
        await eventually(lambda: shown(stack) == "Lost")
        pair.master.kill()
        link.cut()
        await replica.promote(pair.replica)
        wire.lead_to(pair.replica.port)
        wire.cut()
        await eventually(lambda: shown(stack) == "Joy", within_s=20)
        [told] = lines(worker, "drift_found")
        assert told["rk"] == f"u:{joy}"


def shown(stack: Stack) -> str:
    person = stack.person("joy@contoso.com")
    return str(person["displayName"]) if person else ""


FAILOVERS = "bldng_scim_redis_failovers_total"
WINDOW = "bldng_scim_possible_loss_window_seconds"


async def test_a_restart_of_the_same_data_is_no_loss(stack: Stack, entra: Entra) -> None:
    """Killed and started again on its file: another process, the same data."""
    [gateway] = stack.processes
    await entra.create("joy")
    stack.redis.kill()
    await asyncio.to_thread(stack.redis.start)
    await eventually(lambda: list(lines(gateway, "redis_restarted")), within_s=10 + BUSY_S)
    assert await metric(stack, gateway, FAILOVERS) == 0
    assert await metric(stack, gateway, WINDOW) == 0


async def test_a_silent_replica_is_answered_503_in_time(tmp_path: Path) -> None:
    """With Retry-After, in under a second; repeated later, everybody is there once."""
    async with on_a_pair(tmp_path, Ack.REPLICA) as (entra, pair, _):
        joy = await entra.create("joy")
        pid = pair.replica.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        began_s = time.monotonic()
        tried = await asyncio.gather(
            entra.patch(joy, displayName="Joy Young"),
            *(entra.send("POST", "/Users", person(f"p{number}")) for number in range(8)),
        )
        assert time.monotonic() - began_s < 1.0 + BUSY_S / 3
        assert {tried[0], *(each[0] for each in tried[1:])} == {503}
        url, headers = entra.stack.base_url, {"Authorization": f"Bearer {entra.stack.token}"}
        async with entra.stack.http.post(
            url + "/Users", json=person("late"), headers=headers
        ) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        os.kill(pid, signal.SIGCONT)
        await pair.in_step()
        again = [(await entra.try_create(f"p{number}"))[0] for number in range(8)]
        assert set(again) <= {201, 409}
        assert await entra.patch(joy, displayName="Joy Young") == 200
        async with looking(entra.stack) as look:
            tenant = await look.redis.tenants.get(TENANT)
            assert tenant is not None
            stored = [doc["userName"] for _, doc in (await people(look.redis, tenant)).values()]
        assert sorted(stored) == sorted({*stored})
        assert {f"p{number}@contoso.com" for number in range(8)} <= {*stored}
