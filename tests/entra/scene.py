"""What a case of cases.json is played in: a gateway, what was set up in it, and what came back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support.gateway import Answer, Gateway


@dataclass(slots=True)
class Scene:
    """A gateway and the ids of what was set up in it, by variable."""

    gateway: Gateway
    people: Mapping[str, Any]
    ids: dict[str, str] = field(default_factory=dict)

    def filled(self, value: Any) -> Any:
        """`value` with every `{variable}` replaced by its id."""
        match value:
            case str():
                for name, known in (*self.ids.items(), ("token", self.gateway.token)):
                    value = value.replace(f"{{{name}}}", known)
                return value
            case dict():
                return {self.filled(key): self.filled(inner) for key, inner in value.items()}
            case list():
                return [self.filled(inner) for inner in value]
            case _:
                return value

    async def group(self, name: str, members: Sequence[str]) -> dict[str, Any]:
        """A group that exists from now on."""
        body = {
            "displayName": name,
            "externalId": f"of {name}",
            "members": [{"value": member} for member in members],
        }
        answer = await self.gateway.send("POST", "/Groups", body)
        assert answer.status == 201, answer.raw
        return answer.json

    async def read(self, endpoint: str, resource_id: str) -> dict[str, Any]:
        """A resource that is there."""
        answer = await self.gateway.send("GET", f"{endpoint}/{resource_id}")
        assert answer.status == 200, answer.raw
        return answer.json

    async def set_up(self, step: Mapping[str, Any]) -> None:
        """One step of `given`."""
        match step:
            case {"user": person, "as": variable}:
                made = await self.gateway.create(self.filled(self.people[person]))
                self.ids[variable] = made["id"]
            case {"group": str(name), "as": variable, "members": members}:
                made = await self.group(name, self.filled(members))
                self.ids[variable] = made["id"]
            case {"people": int(count)}:
                for number in range(count):
                    await self.gateway.create({"userName": f"person{number:03}@contoso.com"})
            case {"send": request}:
                sent = self.filled(request)
                answer = await self.gateway.send(sent["method"], sent["path"], sent.get("body"))
                assert answer.status < 300, answer.raw
            case _:
                raise AssertionError(f"not a step: {step}")


@dataclass(frozen=True, slots=True)
class Played:
    """A case that was sent, about a user or a group. `before` is how that was read before."""

    scene: Scene
    endpoint: str
    sent: Any
    then: Mapping[str, Any]
    answer: Answer
    before: Mapping[str, Any]

    @property
    def resource_id(self) -> str:
        """The resource the case is about: the one created, or the one set up."""
        known = self.scene.ids.get(VARIABLES[self.endpoint])
        return self.answer.json["id"] if self.answer.status == 201 else str(known)

    async def stored(self) -> dict[str, Any]:
        """The resource as it is read now."""
        return await self.scene.read(self.endpoint, self.resource_id)


VARIABLES = {"/Users": "userId", "/Groups": "groupId"}
"""The variable of the resource that a case is about."""


async def play(scene: Scene, case: Mapping[str, Any]) -> Played:
    """Set the scene and send the request."""
    for step in case["given"]:
        await scene.set_up(step)
    endpoint = "/Groups" if case["path"].startswith("/Groups") else "/Users"
    then, before = scene.filled(case["then"]), {}
    if "unchanged" in then:
        before = await scene.read(endpoint, scene.ids[VARIABLES[endpoint]])
    body = scene.filled(case["body"])
    path, headers = scene.filled(case["path"]), scene.filled(case["headers"])
    answer = await scene.gateway.send(case["method"], path, body, headers=headers)
    return Played(scene, endpoint, body, then, answer, before)
