"""One claimed resource ready to work on, and the one way to call BLDNG for it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from clients.bldng.errors import BldngError
from clients.bldng.groups import Groups
from clients.redis.queue import Queue
from clients.redis.store import Store
from clients.redis.types import Claimed, Tenant
from mappers.bldng.desired import Desired
from mappers.bldng.linking import Found
from workers.causes import Operation
from workers.departments import Departments, Wanted
from workers.lease import Lease
from workers.records import Side

T = TypeVar("T")
GONE: Final = frozenset({404, 410})
"""Statuses that say: there is no such record."""


class Failed(Exception):
    """A call on BLDNG failed: which one, and how."""

    def __init__(self, operation: Operation, error: BldngError) -> None:
        super().__init__(str(error))
        self.operation = operation
        self.error = error


@dataclass(frozen=True, slots=True)
class World:
    """What every attempt acts on. `clock` counts monotonic seconds."""

    store: Store
    queue: Queue
    departments: Departments
    groups: Groups
    clock: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Task:
    """One claimed resource, ready to work on. `wanted` is None when it was deleted."""

    world: World
    item: Claimed
    tenant: Tenant
    wanted: Desired | None
    lease: Lease
    side: Side

    @property
    def desired(self) -> Desired:
        """What BLDNG should hold. Raises ValueError for a deleted resource."""
        if self.wanted is None:
            raise ValueError("a deleted resource has no desired fields")
        return self.wanted

    @property
    def request_id(self) -> str:
        """Ties BLDNG's log to the SCIM request that caused the change."""
        return f"{self.item.cause or self.item.token}.{self.item.claim}"

    def admit(self) -> None:
        """Ask the lease for one mutating request. Raises Interrupted."""
        self.lease.admit(self.world.clock())

    def admit_long(self, longest_s: float) -> float:
        """Ask the lease for one long mutating request; its timeout. Raises Interrupted."""
        return self.lease.admit_long(self.world.clock(), longest_s)

    async def department_id(self, name: str) -> str:
        """The id of a department, made when missing. Raises Failed and Interrupted."""
        wanted = Wanted(
            self.tenant.org, name, self.request_id, attempt_id=self.item.token, admit=self.admit
        )
        return await call(Operation.DEPARTMENT, self.world.departments.resolve(wanted))

    async def get(self, record_id: str, *, operation: Operation) -> Found:
        """A record by its id. Raises Failed."""
        records = self.side.records
        found = records.get(self.tenant.org, record_id, request_id=self.request_id)
        return await call(operation, found)


async def call(operation: Operation, answer: Awaitable[T]) -> T:
    """Await BLDNG's answer. Raises Failed, which says what the call was for."""
    try:
        return await answer
    except BldngError as error:
        raise Failed(operation, error) from error
