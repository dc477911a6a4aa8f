"""The calls of one attempt: each closes the gap between what is known to be at BLDNG and desired.

A look-up comes before every create, so a record that an earlier attempt made, whether or not its
answer reached us, is adopted and never doubled.
"""

import hashlib
from collections.abc import Mapping, Sequence

import orjson

from clients.bldng.errors import ProtocolError
from mappers.bldng import linking, plan
from mappers.bldng.desired import DEPARTMENT, Value
from workers import lookup, outcome
from workers.causes import Again, Cause, Operation
from workers.membership import Membership
from workers.outcome import DONE, Decision
from workers.task import Failed, Task, call


class Steps:
    """One attempt, and what it learns on the way.

    `known` is what BLDNG holds as far as this attempt can tell. `tried` are the things done again.
    `linked` is the id of a record from before SCIM that was taken over, `drifted` says that the
    record had vanished at BLDNG. `confirmed` says that BLDNG holds the desired fields, whatever
    becomes of the `membership` after them.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self.known = _known(task)
        self.tried: frozenset[Again] = frozenset()
        self.linked = ""
        self.drifted = False
        self.confirmed = False
        self.membership = Membership(task)
        self._holder_id = ""
        self._comparing = False

    def again(self, again: Again, failed: Failed) -> None:
        """Remember what failed: for it the next `take` does something else than the last."""
        self.tried |= {again}
        self._holder_id = lookup.conflicting_id(failed.error) or self._holder_id
        if failed.operation is Operation.MEMBERS:
            self.membership.again(again)
        self._comparing = again is Again.COMPARE and failed.operation is Operation.UPDATE
        if again is Again.HEAL:
            self.known = plan.Known(force=True)
            self.drifted, self.confirmed = True, False
        if again is Again.FRESH_DEPARTMENT:
            name = str(self._task.desired.fields.get(DEPARTMENT))
            self._task.world.departments.forget(self._task.tenant.org, name)

    async def take(self) -> Decision:
        """Close the gap. Raises Failed, Interrupted, RedisUnavailable."""
        if Again.FIND_OWNER in self.tried:
            holder = await lookup.holder_of(self._task, self._holder_id)
            if holder is not None:
                return await self._judge_holder(holder)
        for step in plan.diff(self._task.wanted, self.known):
            decision = await self._perform(step)
            if decision is not DONE:
                return decision
        self.confirmed = True
        await self._send_members()
        return DONE

    async def _send_members(self) -> None:
        """A group that had vanished gets all its members with its next claims, not the changes."""
        if self._task.wanted is not None and not self.drifted:
            await self.membership.send(self.known.backend_id)

    async def _perform(self, step: plan.Step) -> Decision:
        match step:
            case plan.Create(fields=fields):
                return await self._create(fields)
            case plan.Update(backend_id=backend_id, fields=fields):
                return await self._update(backend_id, fields)
            case plan.Delete(backend_id=backend_id):
                return await self._delete(backend_id)
            case plan.Forget():
                return await self._forget()

    async def _create(self, fields: Mapping[str, Value]) -> Decision:
        match await lookup.look_up(self._task, holder_id=self._holder_id):
            case linking.CreateNew():
                return await self._post(fields)
            case linking.Adopt(record=record, linked=linked):
                return await self._adopt(record, linked=linked)
            case linking.OwnedByAnother(field=field, id=holder_id, subject=claim):
                return await lookup.judge_owner(
                    self._task, field=field, holder_id=holder_id, claim=claim
                )
            case linking.Conflict(field=field, id=holder_id):
                text = f"{holder_id} holds the {field}; the policy forbids linking it"
                return outcome.dead(Cause.CONFLICT, text)
            case linking.Duplicate(ids=ids):
                return _doubled(ids)
            case linking.NeedsReview(id=holder_id):
                text = f"{holder_id} may be the same; the policy asks a human to confirm"
                return outcome.dead(Cause.NEEDS_REVIEW, text)

    async def _post(self, fields: Mapping[str, Value]) -> Decision:
        task = self._task
        body = await self._body(fields)
        task.admit()
        with task.lease.creating():
            record = await call(
                Operation.CREATE,
                task.side.records.create(
                    task.tenant.org,
                    fields=body,
                    idempotency_key=self._idempotency_key(body),
                    request_id=task.request_id,
                ),
            )
        if task.item.claim > 1 and not self._salt():
            await self._confirm(record.id)
        return self._applied(record.id)

    async def _confirm(self, backend_id: str) -> None:
        """An earlier create had the same key: was its answer repeated, and its record removed?"""
        if await lookup.holder_of(self._task, backend_id) is None:
            raise Failed(Operation.CREATE, ProtocolError("repeated"))

    async def _adopt(self, record: linking.Found, *, linked: bool) -> Decision:
        self.linked = record.id if linked else ""
        fields = plan.adopt(self._task.desired, record)
        if not fields:
            return self._applied(record.id)
        return await self._update(record.id, fields)

    async def _update(self, backend_id: str, fields: Mapping[str, Value]) -> Decision:
        task = self._task
        body = await self._body(fields)
        if self._comparing:
            await self._compare(backend_id, body)
            return self._applied(backend_id)
        task.admit()
        patch = task.side.records.patch(
            task.tenant.org, backend_id, fields=body, request_id=task.request_id
        )
        await call(Operation.UPDATE, patch)
        return self._applied(backend_id)

    async def _compare(self, backend_id: str, body: Mapping[str, Value]) -> None:
        """Success was claimed in a way that cannot be read: see whether it happened."""
        record = await self._task.get(backend_id, operation=Operation.UPDATE)
        held = record.model_dump(by_alias=True)
        if any(held.get(name) != value for name, value in body.items()):
            raise Failed(Operation.UPDATE, ProtocolError("not_applied"))

    async def _delete(self, backend_id: str) -> Decision:
        task = self._task
        task.admit()
        delete = task.side.records.delete(task.tenant.org, backend_id, request_id=task.request_id)
        await call(Operation.DELETE, delete)
        return DONE

    async def _forget(self) -> Decision:
        """Deleted before a create was confirmed: an unanswered one may have left a record."""
        match await lookup.left_behind(self._task):
            case ():
                return DONE
            case (record,):
                return await self._delete(record.id)
            case several:
                return _doubled([record.id for record in several])

    async def _judge_holder(self, holder: linking.Found) -> Decision:
        """An update was refused because `holder` has one of its values."""
        claim = linking.claim_of(holder)
        return await lookup.judge_owner(
            self._task, field="value", holder_id=holder.id, claim=claim
        )

    async def _body(self, fields: Mapping[str, Value]) -> dict[str, Value]:
        """The fields as BLDNG takes them: a department's name becomes its id."""
        name = fields.get(DEPARTMENT)
        department_id = await self._task.department_id(str(name)) if name else None
        return plan.resolved(fields, department_id)

    def _idempotency_key(self, body: Mapping[str, Value]) -> str:
        """The same body repeats the first answer, unless that answer is known to be stale."""
        text = orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()
        parts = (self._task.tenant.name, self._task.item.rk, self._salt(), text)
        return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()

    def _salt(self) -> str:
        """Makes a new key, after the old one repeated an answer about a record that is gone."""
        item = self._task.item
        stale = self.drifted or Again.LOOKUP in self.tried or item.error == Cause.PROTOCOL
        return str(item.claim) if stale else ""

    def _applied(self, backend_id: str) -> Decision:
        desired = self._task.desired
        self.known = plan.Known(
            backend_id=backend_id, managed=plan.mask(desired), digest=desired.digest
        )
        return DONE


def _known(task: Task) -> plan.Known:
    """What BLDNG was last known to hold.

    After a crash equal content is sent once more: the attempt may have had an effect. One that
    failed left no digest if it may have had one.
    """
    item = task.item
    return plan.Known(
        backend_id=item.backend_id,
        managed=item.managed,
        digest=item.applied_digest,
        force=item.force or bool(item.crashes),
    )


def _doubled(ids: Sequence[str]) -> Decision:
    """A human picks among several records, never we."""
    text = f"BLDNG holds it more than once: {', '.join(ids[:10])}"
    return outcome.dead(Cause.DUPLICATE_BACKEND, text)
