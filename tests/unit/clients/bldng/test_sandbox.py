"""What the sandbox can do beyond the contract: faults, modes, the log, its own API, its memory."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from clients.bldng import client, errors
from clients.bldng.client import Bldng
from clients.bldng.sandbox import app, context, idempotency, persistence
from clients.bldng.sandbox.faults import Fault, Faults
from clients.bldng.sandbox.state import Modes, State
from tests.support.sandbox import ORG, TOKEN, Sandbox
from tests.support.waiting import eventually


async def create(bldng: Bldng, username: str, key: str = "", **fields: Any) -> str:
    user = await bldng.users.create(
        ORG,
        fields={"username": username, **fields},
        idempotency_key=key or username,
        request_id="r",
    )
    return user.id


@pytest.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    """A session at the root of the sandbox's server."""
    root = sandbox.base_url.removesuffix(context.BASE)
    async with aiohttp.ClientSession(root) as session:
        yield session


@pytest.mark.parametrize(
    ("fault", "created"),
    [
        ({"action": "status", "status": 500}, 0),
        ({"action": "status", "status": 500, "when": "after"}, 1),
        ({"action": "reset"}, 0),
        ({"action": "reset", "when": "after"}, 1),
        ({"action": "hang"}, 0),
        ({"action": "hang", "when": "after"}, 1),
        ({"action": "body", "body": "html"}, 1),
        ({"action": "body", "body": "truncated"}, 1),
        ({"action": "trickle"}, 1),
    ],
)
async def test_a_fault_strikes_before_or_after_the_commit(
    sandbox: Sandbox, bldng: Bldng, fault: dict[str, Any], created: int
) -> None:
    sandbox.order(**fault, times=1)
    with pytest.raises(errors.BldngError):
        await create(bldng, "ada")
    assert len(sandbox.users()) == created
    assert sandbox.faults.ordered == []


async def test_a_delayed_request_takes_effect_though_the_client_gave_up(
    sandbox: Sandbox, bldng: Bldng
) -> None:
    sandbox.order(action="delay", delay_ms=1_200, times=1)
    with pytest.raises(errors.Unanswered):
        await create(bldng, "ada")
    assert sandbox.users() == []
    await eventually(sandbox.users)


def test_a_fault_chooses_its_requests() -> None:
    faults = Faults()
    faults.add(Fault(action="reset", method="POST", path="/orgs/acme/users", org="acme", times=2))
    right = {"method": "POST", "path": "/orgs/acme/users", "org": "acme"}
    for other in ({"method": "GET"}, {"path": "/orgs/acme/groups"}, {"org": "other"}):
        assert faults.pick(**{**right, **other}) is None
    assert [faults.pick(**right) is not None for _ in range(3)] == [True, True, False]


def test_dice_are_seeded() -> None:
    def throws(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.add(Fault(action="reset", probability=0.3))
        return [faults.pick(method="GET", path="/", org="") is not None for _ in range(200)]

    assert throws(1) == throws(1) != throws(2)
    assert 30 < sum(throws(1)) < 90


async def test_without_uniqueness_there_are_doubles(sandbox: Sandbox, bldng: Bldng) -> None:
    sandbox.state.modes = Modes(uniqueness=False)
    first, second = await create(bldng, "ada", "k1"), await create(bldng, "ADA", "k2")
    found = await bldng.users.find_by_username(ORG, "ada", request_id="r")
    assert [user.id for user in found] == [first, second]


async def test_without_idempotency_a_key_means_nothing(sandbox: Sandbox, bldng: Bldng) -> None:
    sandbox.state.modes = Modes(uniqueness=False, idempotency=False)
    assert await create(bldng, "ada", "k") != await create(bldng, "ada", "k")


async def test_keys_are_forgotten_after_a_day() -> None:
    clock = [1_000]
    state = State(token=TOKEN, now_ms=lambda: clock[0])
    async with (
        app.serve(app.make_app(state, Faults()), host="127.0.0.1", port=0) as base_url,
        client.connect(base_url=base_url, token=TOKEN) as bldng,
    ):
        first = await create(bldng, "ada", "k")
        clock[0] += idempotency.KEEP_MS
        assert await create(bldng, "ada", "k") == first
        clock[0] += 1
        with pytest.raises(errors.Refused) as caught:
            await create(bldng, "ada", "k")
    assert caught.value.status == 409


async def test_a_new_user_can_be_hidden_from_look_ups() -> None:
    clock = [1_000]
    state = State(token=TOKEN, now_ms=lambda: clock[0])
    state.modes = Modes(visible_after_ms=300)
    async with (
        app.serve(app.make_app(state, Faults()), host="127.0.0.1", port=0) as base_url,
        client.connect(base_url=base_url, token=TOKEN) as bldng,
    ):
        user_id = await create(bldng, "ada")
        find = bldng.users.find_by_username
        clock[0] += 299
        assert await find(ORG, "ada", request_id="r") == ()
        assert (await bldng.users.get(ORG, user_id, request_id="r")).id == user_id
        clock[0] += 1
        assert [user.id for user in await find(ORG, "ada", request_id="r")] == [user_id]


async def test_the_log_tells_requests_effects_and_faults(sandbox: Sandbox, bldng: Bldng) -> None:
    user_id = await create(bldng, "ada", "key")
    sandbox.order(action="reset", when="after", times=1)
    with pytest.raises(errors.Unanswered):
        await bldng.users.patch(ORG, user_id, fields={"mobile": "1"}, request_id="r2")
    with pytest.raises(errors.Refused):
        await create(bldng, "ada", "other")
    rows = [(row.method, row.status, row.effect, row.fault) for row in sandbox.log]
    assert rows == [
        ("POST", 201, f"created {user_id}", ""),
        ("PATCH", 0, f"patched {user_id}", "reset after"),
        ("POST", 409, "", ""),
    ]
    assert sandbox.log[0].path == "/orgs/acme/users"
    assert [row.number for row in sandbox.log] == [1, 2, 3]


async def test_a_replay_has_no_effect(sandbox: Sandbox, bldng: Bldng) -> None:
    await create(bldng, "ada", "k")
    await create(bldng, "ada", "k")
    assert [row.effect != "" for row in sandbox.log] == [True, False]


async def test_its_own_api_orders_and_shows(
    sandbox: Sandbox, bldng: Bldng, http: aiohttp.ClientSession
) -> None:
    legacy = {"username": "old@acme.example", "email": "old@acme.example"}
    async with http.post(f"/_sandbox/orgs/{ORG}/users", json=legacy) as response:
        inserted = await response.json()
        assert (response.status, inserted["ssoSubject"]) == (201, None)
    async with http.post("/_sandbox/modes", json={"visible_after_ms": 5}) as response:
        modes = {"uniqueness": True, "idempotency": True, "visible_after_ms": 5}
        assert await response.json() == modes
    async with http.post("/_sandbox/faults", json=[{"action": "reset", "times": 1}]) as response:
        assert (await response.json())[0]["action"] == "reset"
    with pytest.raises(errors.Unanswered):
        await create(bldng, "ada")
    async with http.get("/_sandbox/state") as response:
        state = await response.json()
        assert [user["id"] for user in state["orgs"][ORG]["users"]] == [inserted["id"]]
    async with http.get("/_sandbox/log?since=0") as response:
        assert [row["fault"] for row in (await response.json())["requests"]] == ["reset before"]
    async with http.post("/_sandbox/reset") as response:
        assert response.status == 204
    assert (sandbox.users(), sandbox.log, sandbox.faults.ordered) == ([], [], [])


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("faults", [{"action": "explode"}], "0.action"),
        ("faults", [{"action": "reset", "probabilty": 1}], "0.probabilty"),
        ("faults", {}, "body"),
        ("modes", {"uniqueness": "perhaps"}, "uniqueness"),
        ("modes", {"unique": True}, "unique"),
        ("orgs/acme/users", {}, "username"),
    ],
)
async def test_its_own_api_names_what_is_wrong(
    http: aiohttp.ClientSession, path: str, body: Any, field: str
) -> None:
    async with http.post(f"/_sandbox/{path}", json=body) as response:
        problem = await response.json(content_type=None)
        assert response.status == 422
        assert problem["errors"][0]["field"] == field


async def test_faults_leave_its_own_api_alone(
    sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    sandbox.order(action="reset")
    async with http.get("/_sandbox/faults") as response:
        assert response.status == 200


async def test_unknown_organisations_can_be_404() -> None:
    state = State(token=TOKEN, now_ms=app.wall_clock_ms, orgs=["acme"])
    async with (
        app.serve(app.make_app(state, Faults()), host="127.0.0.1", port=0) as base_url,
        client.connect(base_url=base_url, token=TOKEN) as bldng,
    ):
        assert (await bldng.users.page("acme", request_id="r")).items == ()
        with pytest.raises(errors.Refused) as caught:
            await bldng.users.page("acne", request_id="r")
    assert caught.value.status == 404


async def test_the_state_survives_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "dev" / "sandbox.json"
    stop, address = asyncio.Event(), asyncio.Queue[str]()

    async def session(stop: asyncio.Event) -> None:
        await app.run(
            host="127.0.0.1",
            port=0,
            token=TOKEN,
            stop=stop,
            state_file=file,
            started=address.put_nowait,
        )

    async with asyncio.TaskGroup() as group:
        group.create_task(session(stop))
        async with client.connect(base_url=await address.get(), token=TOKEN) as bldng:
            user_id = await create(bldng, "ada", "key")
            made = await bldng.groups.create(
                ORG, fields={"name": "g"}, idempotency_key="g", request_id="r"
            )
            await bldng.groups.change_members(ORG, made.id, add=[user_id], request_id="r")
        stop.set()
    again = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(session(again))
        async with client.connect(base_url=await address.get(), token=TOKEN) as bldng:
            assert (await bldng.groups.members(ORG, made.id, request_id="r")).items == (user_id,)
            assert await create(bldng, "ada", "key") == user_id
            assert await create(bldng, "bob", "key2") > user_id
        again.set()


@pytest.mark.parametrize("text", [b"", b"[]", b'{"orgs": {}}', b'{"last": 1, "orgs": {"a": {}}}'])
def test_a_strange_state_file_is_refused(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "state.json"
    file.write_bytes(text)
    with pytest.raises(ValueError, match="no state file of the sandbox"):
        persistence.load(State(token=TOKEN, now_ms=app.wall_clock_ms), file)
