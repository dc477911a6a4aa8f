"""A group of 100,000 as `simulate` plays it: who else uses the gateway does not notice.

The same number of memberships is sent twice, to a thousand small groups and to a large one, while
somebody else reads and changes a person. Takes minutes: run it by name.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from clients.redis.stack import Stack as RedisStack
from clients.redis.stack import open_stack
from gateway.cli.simulation import groups, people, report, transport, verify
from gateway.cli.simulation.cycle import Job, Link
from gateway.cli.simulation.groups import Change, Kind, Scale
from gateway.cli.simulation.journal import Journal
from tests.support import crowd, probe
from tests.support import stack as stacks
from tests.support.oracle import drained
from tests.support.stack import TENANT, Stack

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

SIZE = 100_000
SMALL = 100
RATE = 100.0
"""Requests a second: four times what Entra sends."""
CHURN = 0.01
SYNC_S = 600.0


async def test_a_group_of_100_000_disturbs_nobody(tmp_path: Path) -> None:
    async with stacks.running(tmp_path, appendfsync="everysec") as stack:
        await stack.start_gateway()
        async with open_stack(stack.redis.url, ack=stack.ack) as redis:
            tenant = await redis.tenants.get(TENANT)
            assert tenant is not None
            ids = await crowd.settle_in(redis, tenant, stack.state, range(SIZE))
            await stack.start_worker()
            scene = Scene(stack, redis, ids, await _other(stack))
            small = await _lives(scene, Scale(SIZE // SMALL, SMALL, CHURN))
            large = await _lives(scene, Scale(1, SIZE, CHURN))
    print(  # noqa: T201 - the figures are what the run is for
        f"\np99 of other requests: {small:.1f} ms beside {SIZE // SMALL} groups of {SMALL}, "
        f"{large:.1f} ms beside one of {SIZE}"
    )
    assert large < 2 * small + 5


@dataclass(frozen=True, slots=True)
class Scene:
    """People with the SCIM ids `ids`, and somebody else, `other`."""

    stack: Stack
    redis: RedisStack
    ids: list[str]
    other: str


async def _other(stack: Stack) -> str:
    """The person whom somebody else works on."""
    status, answer = await stack.request("POST", "/Users", {"userName": "other@example.com"})
    assert status == 201
    return str(answer["id"])


async def _lives(scene: Scene, scale: Scale) -> float:
    """Found, rename, churn and delete groups; the p99 of other requests meanwhile, in ms."""
    dice, journal = Random(scale.groups), Journal()
    stack = scene.stack
    staff = [people.person(number, domain="x", dice=dice) for number in range(SIZE)]
    took_ms: list[float] = []
    async with transport.connect(stack.base_url, stack.token, per_s=RATE) as endpoint:
        job = Job(endpoint, journal, concurrency=4)
        for person, scim_id in zip(staff, scene.ids, strict=True):
            job.links[person.object_id] = Link(scim_id, {})
        async with probe.probing(stack.base_url, stack.token, scene.other, took_ms):
            await _cycles(job, staff, scale, dice)
        await drained(scene.redis, within_s=SYNC_S)
        _compare(stack, job)
        await verify.groups(endpoint, journal, links=job.groups.links, deleted={})
        gone = [replace(each, deleted=True) for each in job.groups.directory.values()]
        async with probe.probing(stack.base_url, stack.token, scene.other, took_ms):
            await _groups(job, 2, [Change(each, {Kind.DELETE: 1}) for each in gone])
        await drained(scene.redis, within_s=SYNC_S)
    assert not journal.failed(), report.problems(journal)
    assert not len(stack.state.org(stacks.ORG).groups)
    return report.percentile(took_ms, 0.99)


async def _cycles(job: Job, staff: list[people.Person], scale: Scale, dice: Random) -> None:
    domain = f"{scale.groups}.example.com"
    await _groups(job, 0, groups.initial(scale, staff, domain=domain, dice=dice))
    churn = groups.incremental(job.groups.directory, staff, scale, domain=domain, dice=dice)
    await _groups(job, 1, churn)


async def _groups(job: Job, number: int, changes: list[Change] | tuple[Change, ...]) -> None:
    """One cycle of groups only."""
    job.groups.number = number
    job.groups.take(changes)
    for group in job.groups.differing():
        await job.groups.object(group)
    for group in job.groups.moving():
        await job.groups.members(group)


def _compare(stack: Stack, job: Job) -> None:
    """BLDNG has every group with as many members as were acknowledged (nobody is nested)."""
    org = stack.state.org(stacks.ORG)
    names = {link.sent["displayName"]: link for link in job.groups.links.values()}
    assert len(org.groups) == len(names)
    known = {link.id for link in job.links.values()}
    for group in org.groups:
        wanted = sum(member in known for member in names[group["name"]].members)
        assert len(org.members[group["id"]]) == wanted
