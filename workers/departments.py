"""A department's name becomes its id: looked up, and made when missing.

Ids are remembered for a while, within a bound. One task per organisation and name asks BLDNG at a
time; the others wait for its answer. A race with another process ends at the same department,
because BLDNG refuses the second one (409 `department_exists`) and it is looked up again.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from clients.bldng.client import Bldng
from clients.bldng.errors import BldngError, Refused

REMEMBERED_S: Final = 300.0
"""How long an id is trusted, in seconds; a department removed at BLDNG shows as 422 before."""
REMEMBERED_MAX: Final = 10_000
"""Most ids remembered by one worker."""


Landed = str | BldngError | None
"""How a flight ended: the id, BLDNG's refusal, or None when it was given up before an answer."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A department by name.

    `admit` is called before a mutating request and may refuse it. `attempt_id` is unique.
    """

    org: str
    name: str
    request_id: str
    attempt_id: str
    admit: Callable[[], None]

    @property
    def key(self) -> tuple[str, str]:
        """BLDNG compares names without case."""
        return self.org, self.name.casefold()


class Departments:
    """Resolves names. `clock` counts monotonic seconds."""

    def __init__(self, bldng: Bldng, *, clock: Callable[[], float]) -> None:
        self._bldng = bldng
        self._clock = clock
        self._ids: dict[tuple[str, str], tuple[str, float]] = {}
        self._flights: dict[tuple[str, str], asyncio.Future[Landed]] = {}

    async def resolve(self, wanted: Wanted) -> str:
        """The id of the department. Raises `BldngError`, or what `admit` raises."""
        while True:
            known = self._remembered(wanted.key)
            if known is not None:
                return known
            flight = self._flights.get(wanted.key)
            if flight is None:
                return await self._lead(wanted)
            if isinstance(landed := await asyncio.shield(flight), BldngError):
                raise landed

    async def known(self, org: str, name: str, *, request_id: str) -> str | None:
        """The id of the department, None when there is none; never makes one."""
        wanted = Wanted(org, name, request_id, attempt_id="", admit=lambda: None)
        found = self._remembered(wanted.key) or await self._find(wanted)
        if found is not None:
            self._remember(wanted.key, found)
        return found

    def forget(self, org: str, name: str) -> None:
        """BLDNG did not know the id any more."""
        self._ids.pop((org, name.casefold()), None)

    def _remembered(self, key: tuple[str, str]) -> str | None:
        department_id, until_s = self._ids.get(key, ("", 0.0))
        return department_id if self._clock() < until_s else None

    def _remember(self, key: tuple[str, str], department_id: str) -> None:
        self._ids.pop(key, None)
        if len(self._ids) >= REMEMBERED_MAX:
            del self._ids[next(iter(self._ids))]
        self._ids[key] = (department_id, self._clock() + REMEMBERED_S)

    async def _lead(self, wanted: Wanted) -> str:
        """Ask on behalf of all who wait.

        They share the answer and BLDNG's failure, but not this task's lease or its cancellation:
        then one of them asks again.
        """
        flight: asyncio.Future[Landed] = asyncio.get_running_loop().create_future()
        self._flights[wanted.key] = flight
        landed: Landed = None
        try:
            found = landed = await self._ask(wanted)
        except BldngError as error:
            landed = error
            raise
        else:
            self._remember(wanted.key, found)
            return found
        finally:
            del self._flights[wanted.key]
            flight.set_result(landed)

    async def _ask(self, wanted: Wanted) -> str:
        if found := await self._find(wanted):
            return found
        wanted.admit()
        try:
            made = await self._bldng.departments.create(
                wanted.org,
                name=wanted.name,
                idempotency_key=_idempotency_key(wanted),
                request_id=wanted.request_id,
            )
        except Refused as refused:
            found = await self._find(wanted) if refused.status == 409 else None
            if found is None:
                raise
            return found
        return made.id

    async def _find(self, wanted: Wanted) -> str | None:
        """The id of the department of that name; the lowest when BLDNG holds several."""
        found = await self._bldng.departments.find(
            wanted.org, wanted.name, request_id=wanted.request_id
        )
        return min((department.id for department in found), default=None)


def _idempotency_key(wanted: Wanted) -> str:
    """New for each attempt: an older key would repeat the answer about a department since removed.

    What an earlier attempt made is found by its name.
    """
    text = "\0".join(("department", *wanted.key, wanted.attempt_id))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
