"""One resource: from its newest desired state to a settlement.

In: a claimed resource. Steps: profile -> desired -> plan -> look up -> call -> judge. Out: an
`Attempt`, whose settlement gives the resource back. Nothing is raised for a failure: BLDNG's and
our own become decisions by the outcome table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from clients.bldng.client import Bldng
from clients.bldng.errors import Refused
from clients.redis.queue import Queue
from clients.redis.store import Store
from clients.redis.types import Claimed, Outcome, Settlement, Tenant
from mappers.bldng import translate
from mappers.bldng.desired import Desired, Kind
from mappers.profile import Profile
from workers import outcome, records, settlements
from workers.causes import Cause
from workers.departments import Departments
from workers.lease import Lease
from workers.outcome import Decision, Facts
from workers.steps import Steps
from workers.task import Failed, Task, World

SUCCEEDS_FOR_S: Final = 600.0
"""How long one accepted change shows that BLDNG lets this tenant in, in seconds."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of one claimed resource.

    `operation` is create, update, deactivate or delete. `status` is BLDNG's last failure as a
    status or name, empty when there was none. `error` is set when our own code failed.
    `members_added` and `members_removed` count the changes of a group that BLDNG confirmed.
    """

    settlement: Settlement
    operation: str
    status: str = ""
    linked: str = ""
    drifted: bool = False
    error: Exception | None = None
    members_added: int = 0
    members_removed: int = 0


class Reconciler:
    """Makes BLDNG hold what is desired, one resource at a time; any number at once.

    `profile_of(tenant name)` is the mapping profile. `clock` counts monotonic seconds.
    """

    def __init__(
        self,
        bldng: Bldng,
        store: Store,
        queue: Queue,
        *,
        profile_of: Callable[[str], Profile],
        clock: Callable[[], float],
        settle_ms: int,
    ) -> None:
        departments = Departments(bldng, clock=clock)
        self._world = World(store, queue, departments, bldng.groups, clock)
        self._sides = records.sides(bldng)
        self._profile_of = profile_of
        self._settle_ms = settle_ms
        self._succeeded_s: dict[str, float] = {}

    async def attempt(
        self, item: Claimed, tenant: Tenant, lease: Lease, *, jitter: float
    ) -> Attempt:
        """Close the gap of one resource. `jitter` in [0, 1) spreads its waits."""
        facts = self._facts(item, jitter)
        try:
            task = self._task(item, tenant, lease)
        except translate.Unmappable as error:
            decision = outcome.dead(Cause.UNMAPPABLE, str(error))
            return Attempt(settlements.untried(item, decision, jitter=jitter), "update")
        except Exception as error:  # noqa: BLE001  # a stored document or profile may be broken
            decision = outcome.judge_ours(error, facts)
            settlement = settlements.untried(item, decision, jitter=jitter)
            return Attempt(settlement, "update", error=error)
        return await self._attempt(task, facts)

    async def _attempt(self, task: Task, facts: Facts) -> Attempt:
        steps = Steps(task)
        error: Exception | None = None
        status = ""
        try:
            decision, status = await self._converge(steps, facts)
        except Exception as caught:  # noqa: BLE001  # a bug must not take the worker down
            decision = outcome.judge_ours(caught, facts)
            error = caught if decision.cause is Cause.INTERNAL else None
        if decision.outcome is Outcome.OK:
            self._succeeded_s[task.tenant.name] = self._world.clock()
        done = steps.membership.done
        added = sum(entry.sign > 0 for entry in done)
        return Attempt(
            settlements.tried(task, decision, steps, jitter=facts.jitter),
            _operation(task),
            status,
            linked=steps.linked,
            drifted=steps.drifted,
            error=error,
            members_added=added,
            members_removed=len(done) - added,
        )

    async def _converge(self, steps: Steps, facts: Facts) -> tuple[Decision, str]:
        """Take steps until one decides; each kind of repetition happens once at most."""
        status = ""
        while True:
            try:
                return await steps.take(), status
            except Failed as failed:
                status = failed.error.code
                divisible = steps.membership.divisible
                facts = outcome.later(facts, tried=steps.tried, divisible=divisible)
                answer = outcome.judge(failed.operation, failed.error, facts)
                if isinstance(answer, Decision):
                    return outcome.explained(answer, _text(failed)), status
                steps.again(answer, failed)

    def _task(self, item: Claimed, tenant: Tenant, lease: Lease) -> Task:
        kind = records.kind_of(item.rk)
        wanted = None if item.doc is None else self._desired(kind, item.doc, tenant.name)
        return Task(self._world, item, tenant, wanted, lease, self._sides[kind])

    def _desired(self, kind: Kind, doc: bytes, tenant: str) -> Desired:
        document: dict[str, Any] = orjson.loads(doc)
        to_desired = translate.to_user if kind is Kind.USER else translate.to_group
        return to_desired(document, self._profile_of(tenant))

    def _facts(self, item: Claimed, jitter: float) -> Facts:
        last_s = self._succeeded_s.get(item.tenant)
        return Facts(
            failures=item.failures,
            jitter=jitter,
            settle_ms=self._settle_ms,
            others_succeed=(last_s is not None and self._world.clock() - last_s < SUCCEEDS_FOR_S),
        )


def _operation(task: Task) -> str:
    if task.wanted is None:
        return "delete"
    if not task.item.backend_id:
        return "create"
    return "deactivate" if task.wanted.fields.get("active") is False else "update"


def _text(failed: Failed) -> str:
    """Which call failed and why; a refusal names its fields, never their values."""
    error = failed.error
    text = f"{failed.operation.value}: {error}"
    if isinstance(error, Refused) and error.fields:
        named = (f"{field.field} ({field.code})" for field in error.fields)
        text += f"; fields: {', '.join(named)}"
    return text
