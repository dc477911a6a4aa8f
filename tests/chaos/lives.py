"""People and groups who come, change, leave and come back: the load of the soak.

Every change is repeated until it is acknowledged, at whichever gateway answers, as Entra does. So
the journal knows the end of each. Only the restless are changed by clients that hang up.
"""

import asyncio
import random
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import orjson
from yarl import URL

from tests.chaos.scene import GROUP, PATCH_OP, UNKNOWN, Entra, members, person
from tests.support import oracle
from tests.support.register import Span

LANES = 16
PEOPLE = 20
"""People of one lane."""
GROUPS = 12
RESTLESS = 8
DEPARTMENTS = ("Sales", "Engineering", "Tour Operations", "Legal")
Doc = dict[str, Any]


@dataclass(slots=True)
class Lane:
    """One client: people of its own, one change after the other."""

    number: int
    dice: random.Random
    here: dict[str, str] = field(default_factory=dict)


class Crowd:
    """All clients. `ways` are the Tenant URLs of the gateways that there are now."""

    def __init__(self, entra: Entra, ways: Callable[[], Collection[str]], *, seed: int) -> None:
        self.entra = entra
        self.acknowledged = 0
        self.complaints: list[str] = []
        self._ways = ways
        self._dice = random.Random(seed)
        self._groups: dict[int, str] = {}

    async def live(self, stop: asyncio.Event, *, rate: float) -> None:
        """Begin `rate` changes a second until `stop`; what has begun is finished."""
        async with asyncio.TaskGroup() as group:
            for number in range(GROUPS):
                await self._found(number)
            for number in range(LANES):
                lane = Lane(number, random.Random(self._dice.random()))
                group.create_task(self._lane(lane, stop, pause_s=LANES / rate))
            group.create_task(self._founders(stop, pause_s=100 / rate))
            group.create_task(self._restless(stop, pause_s=20 / rate))

    async def _lane(self, lane: Lane, stop: asyncio.Event, *, pause_s: float) -> None:
        due_s = time.monotonic() + lane.dice.random() * pause_s
        while not stop.is_set():
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            due_s += pause_s
            await self._step(lane)

    async def _step(self, lane: Lane) -> None:
        name = f"p{lane.number}-{lane.dice.randrange(PEOPLE)}"
        scim_id = lane.here.get(name)
        if scim_id is None:
            lane.here[name] = await self._create(name)
            return
        chance = lane.dice.random()
        if chance < 0.06:
            await self._delete(lane.here.pop(name))
        elif chance < 0.40:
            await self._memberships(lane)
        else:
            await self._update(scim_id, change(name, lane.dice), lane.dice)

    async def _create(self, name: str) -> str:
        status, answer, _ = await self._insist("POST", "/Users", person(name))
        if status == 409:
            answer = await self._matching("Users", f'externalId eq "object-{name}"')
        else:
            assert status == 201, status
        return self.entra.journal.stored(answer)

    async def _matching(self, kind: str, expression: str) -> Doc:
        """Whom a repeated create met: itself."""
        path = str(URL(f"/{kind}").with_query(filter=expression))
        _, answer, _ = await self._insist("GET", path)
        [found] = answer["Resources"]
        self.acknowledged -= 1
        return dict(found)

    async def _update(self, scim_id: str, values: Doc, dice: random.Random) -> None:
        body = {"schemas": [PATCH_OP], "Operations": dialect(values, dice)}
        status, answer, _ = await self._insist("PATCH", f"/Users/{scim_id}", body)
        if status == 200:
            self.entra.journal.stored(answer)
        else:
            self.complaints.append(f"{scim_id} is gone: PATCH was answered {status}")

    async def _delete(self, scim_id: str) -> None:
        status, _, span = await self._insist("DELETE", f"/Users/{scim_id}")
        assert status in {204, 404}, status
        self.entra.journal.deleted(scim_id, span)

    async def _memberships(self, lane: Lane) -> None:
        """Some of the lane's people join a group, some leave it."""
        group = self._groups[lane.dice.randrange(GROUPS)]
        some = lane.dice.sample(sorted(lane.here.values()), min(6, len(lane.here)))
        cut = lane.dice.randrange(len(some) + 1)
        joining, leaving = some[:cut], some[cut:]
        body = {
            "schemas": [PATCH_OP],
            "Operations": [
                *([members("Add", joining)] if joining else []),
                *([members("Remove", leaving)] if leaving else []),
            ],
        }
        status, _, span = await self._insist("PATCH", f"/Groups/{group}", body)
        teams = self.entra.journal.teams
        if status == 204:
            teams.changed(group, span, joining=joining, leaving=leaving)
        elif status != 404 or False not in teams.by_id[group].lives.possible():
            self.complaints.append(f"group {group} is gone: PATCH was answered {status}")

    async def _founders(self, stop: asyncio.Event, *, pause_s: float) -> None:
        """Renames groups, and now and then deletes one and founds it again."""
        dice = random.Random(self._dice.random())
        while not stop.is_set():
            await asyncio.sleep(pause_s)
            number = dice.randrange(GROUPS)
            if dice.random() < 0.15:
                await self._disband(number)
                await self._found(number)
            else:
                await self._rename(self._groups[number], f"Team {number} {dice.random():.6f}")

    async def _found(self, number: int) -> None:
        name, external_id = f"Team {number}", f"object-team-{number}"
        body = {"schemas": [GROUP], "displayName": name, "externalId": external_id}
        status, answer, _ = await self._insist("POST", "/Groups", body)
        if status == 409:
            answer = await self._matching("Groups", f'externalId eq "{external_id}"')
        else:
            assert status == 201, status
        self._groups[number] = str(answer["id"])
        self.entra.journal.teams.founded(str(answer["id"]), name)

    async def _disband(self, number: int) -> None:
        group = self._groups[number]
        self.entra.journal.teams.disbanded(group, Span(time.monotonic()))
        _, _, span = await self._insist("DELETE", f"/Groups/{group}")
        self.entra.journal.teams.disbanded(group, span)

    async def _rename(self, group: str, name: str) -> None:
        operation = {"op": "Replace", "path": "displayName", "value": name}
        body = {"schemas": [PATCH_OP], "Operations": [operation]}
        status, _, span = await self._insist("PATCH", f"/Groups/{group}", body)
        if status == 204:
            self.entra.journal.teams.renamed(group, span, name)
        else:
            self.complaints.append(f"renaming group {group}: {status}")

    async def _restless(self, stop: asyncio.Event, *, pause_s: float) -> None:
        """Clients that send a change and hang up at once."""
        ids = [await self._create(f"restless-{number}") for number in range(RESTLESS)]
        for each in ids:
            self.entra.journal.unanswered(each)
        turn = 0
        while not stop.is_set():
            await asyncio.sleep(pause_s)
            turn += 1
            await self._hang_up(ids[turn % RESTLESS], turn)

    async def _hang_up(self, scim_id: str, turn: int) -> None:
        url = URL([*self._ways()][turn % 2])
        values = {"displayName": f"Name {turn}"}
        body = orjson.dumps({"Operations": dialect(values, self._dice)})
        head = (
            f"PATCH {url.path}/Users/{scim_id} HTTP/1.1\r\nHost: {url.authority}\r\n"
            f"Authorization: Bearer {self.entra.stack.token}\r\n"
            f"Content-Type: application/scim+json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            _, writer = await asyncio.open_connection(url.host, url.port)
            writer.write(head.encode() + body)
            await asyncio.sleep(turn % 7 / 1000)
            writer.transport.abort()
        except OSError:
            return

    async def _insist(
        self, method: str, path: str, body: Doc | None = None
    ) -> tuple[int, Doc, Span]:
        """One change, repeated until somebody answers it for certain."""
        sent_s = time.monotonic()
        while True:
            at = self._dice.choice([*self._ways()])
            status, answer = await self.entra.send(method, path, body, at=at)
            if status not in UNKNOWN:
                self.acknowledged += method != "GET"
                return status, answer, Span.until_now(sent_s)
            await asyncio.sleep(self._dice.uniform(0.05, 0.3))


def change(name: str, dice: random.Random) -> Doc:
    """Some attributes with new values."""
    match dice.randrange(6):
        case 0:
            return {"active": dice.random() < 0.5}
        case 1:
            return {"userName": f"{name}.{dice.randrange(100)}@contoso.com"}
        case 2:
            return {f"{oracle.ENTERPRISE}:department": dice.choice(DEPARTMENTS)}
        case _:
            return {"displayName": f"Name {dice.random():.6f}", "title": f"T{dice.randrange(9)}"}


def dialect(values: Doc, dice: random.Random) -> list[Doc]:
    """The change as Entra sends it: in its older way, or by the RFC."""
    if dice.random() < 0.5:
        return [{"op": "replace", "value": values}]
    return [
        {"op": "Replace", "path": path, "value": str(to) if isinstance(to, bool) else to}
        for path, to in values.items()
    ]
