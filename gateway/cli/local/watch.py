"""Waits until BLDNG holds what Entra sent, by looking at the sandbox from outside."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from gateway.cli.local import arrival
from gateway.cli.local.arrival import Freshness
from gateway.cli.simulation.cycle import Job
from gateway.cli.simulation.lanes import Advance
from gateway.cli.simulation.play import Played

SYNC_TIMEOUT_S: Final = 60.0
POLL_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Arrived:
    """How many of `people` and `groups` BLDNG holds as sent; those late are object ids.

    `memberships` counts the people in all groups.
    """

    people: int
    late: tuple[str, ...]
    groups: int
    late_groups: tuple[str, ...]
    memberships: int
    freshness: Freshness

    @property
    def complete(self) -> bool:
        """Whether nothing is late."""
        return not self.late and not self.late_groups


async def until_arrived(sandbox: str, org: str, played: Played, advance: Advance) -> Arrived:
    """Poll the sandbox at `sandbox` until nobody is late, at most SYNC_TIMEOUT_S."""
    job = played.job
    people = len(job.links) + len(job.deleted)
    groups = len(job.groups.links) + len(job.groups.deleted)
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + SYNC_TIMEOUT_S
    async with aiohttp.ClientSession() as http:
        while True:
            state = await _get(http, f"{sandbox}/_sandbox/state")
            late, late_groups = _late(state["orgs"].get(org, {}), job)
            there = people + groups - len(late) - len(late_groups)
            advance("arriving at BLDNG", there, people + groups)
            if there == people + groups or loop.time() >= give_up_at:
                break
            await asyncio.sleep(POLL_S)
        log = await _get(http, f"{sandbox}/_sandbox/log")
    return Arrived(
        people,
        tuple(late),
        groups,
        tuple(late_groups),
        memberships=sum(map(len, arrival.memberships(job).values())),
        freshness=arrival.freshness(played.journal.entries, log["requests"]),
    )


def _late(organisation: Mapping[str, Any], job: Job) -> tuple[list[str], list[str]]:
    """The object ids of people and of groups that are not there as sent."""
    people = arrival.missing(organisation, job.links, job.deleted)
    groups = arrival.missing_groups(
        organisation, job.groups.links, arrival.memberships(job), job.groups.deleted
    )
    return people, groups


async def _get(http: aiohttp.ClientSession, url: str) -> Any:
    async with http.get(url, raise_for_status=True) as answer:
        return await answer.json()
