"""Plays a whole simulation: an initial cycle, the incremental ones, and the verification."""

from collections.abc import Collection
from dataclasses import dataclass, field
from random import Random
from typing import Final

from gateway.cli.simulation import changes, groups, quarantine, report, transport, verify
from gateway.cli.simulation.changes import Change
from gateway.cli.simulation.cycle import Job
from gateway.cli.simulation.dialect import Dialect
from gateway.cli.simulation.groups import Change as GroupChange
from gateway.cli.simulation.groups import Scale
from gateway.cli.simulation.journal import Action, Journal
from gateway.cli.simulation.lanes import Advance
from gateway.cli.simulation.people import Person
from gateway.cli.simulation.report import Report

NO_GROUPS: Final = Scale()


@dataclass(frozen=True, slots=True)
class Plan:
    """What to play. `cycles` are incremental ones; `rate` is calls a second, 0 for no limit.

    `scale` says how many groups there are, and how large.
    """

    tenant_url: str
    token: str
    seed: int
    users: int = 50
    cycles: int = 3
    form: Dialect = Dialect.BOTH
    concurrency: int = 4
    rate: float = 0.0
    scale: Scale = NO_GROUPS

    @property
    def domain(self) -> str:
        """People and groups of different seeds never share a name."""
        return f"seed{self.seed}.example.com"


@dataclass(frozen=True, slots=True)
class Played:
    """The report, and what it was made of for whoever wants to look further."""

    report: Report
    journal: Journal
    job: Job


async def play(plan: Plan, advance: Advance) -> Played:
    """Play `plan` to its end; a failed connection test ends it early."""
    journal = Journal()
    dice = Random(plan.seed)  # noqa: S311 - repeatable people, nothing secret
    async with transport.connect(
        plan.tenant_url,
        plan.token,
        connections=plan.concurrency,
        per_s=plan.rate,
        repeats=transport.REPEATS,
    ) as endpoint:
        job = Job(
            endpoint,
            journal,
            form=plan.form,
            concurrency=plan.concurrency,
            advance=advance,
            dice=Random(plan.seed),  # noqa: S311 - a repeatable order, nothing secret
        )
        happened = await _cycles(plan, job, dice)
        await verify.everyone(endpoint, journal, links=job.links, deleted=job.deleted)
        formed = job.groups
        await verify.groups(endpoint, journal, links=formed.links, deleted=formed.deleted)
    return Played(_report(plan, happened, journal, job), journal, job)


@dataclass(frozen=True, slots=True)
class Happened:
    """Every change of the directory, in order."""

    people: list[Change] = field(default_factory=list)
    groups: list[GroupChange] = field(default_factory=list)


async def _cycles(plan: Plan, job: Job, dice: Random) -> Happened:
    """All cycles, until the end or a failed connection test."""
    happened = Happened()
    for number in range(plan.cycles + 1):
        batch = _batch(plan, number, job, dice)
        staff = {**job.directory, **{each.person.object_id: each.person for each in batch}}
        group_batch = _group_batch(plan, number, job, staff.values(), dice)
        happened.people.extend(batch)
        happened.groups.extend(group_batch)
        if not await job.cycle(number, batch, group_batch):
            break
    return happened


def _batch(plan: Plan, number: int, job: Job, dice: Random) -> tuple[Change, ...]:
    if number == 0:
        return changes.initial(plan.users, domain=plan.domain, dice=dice)
    return changes.incremental(job.directory, domain=plan.domain, dice=dice)


def _group_batch(
    plan: Plan, number: int, job: Job, staff: Collection[Person], dice: Random
) -> tuple[GroupChange, ...]:
    if number == 0:
        return groups.initial(plan.scale, staff, domain=plan.domain, dice=dice)
    return groups.incremental(
        job.groups.directory, staff, plan.scale, domain=plan.domain, dice=dice
    )


def _report(plan: Plan, happened: Happened, journal: Journal, job: Job) -> Report:
    verified = [entry for entry in journal.entries if entry.action is Action.VERIFY]
    return Report(
        tenant_url=plan.tenant_url,
        seed=plan.seed,
        cycles=plan.cycles + 1,
        people=len({change.person.object_id for change in happened.people}),
        changes={
            **report.count_changes(change.kind for change in happened.people),
            **groups.count(happened.groups),
        },
        calls=report.timings(journal),
        problems=report.problems(journal),
        verified=len(verified),
        quarantine=quarantine.judge(journal),
        throttled=sum(entry.answer.throttled for entry in journal.entries),
        groups=len(job.groups.directory),
        memberships=sum(len(link.members) for link in job.groups.links.values()),
    )
