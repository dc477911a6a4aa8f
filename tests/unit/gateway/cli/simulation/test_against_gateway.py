"""The simulation against the real gateway, and against one that is made to misbehave."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import orjson
import pytest
from aiohttp import ClientSession, web

from gateway.cli.output import ExitCode
from gateway.cli.simulation import play
from gateway.cli.simulation.dialect import Dialect
from gateway.cli.simulation.groups import Scale
from gateway.cli.simulation.journal import Action
from gateway.cli.simulation.play import Plan, Played
from tests.support.gateway import Gateway
from tests.unit.gateway.cli.conftest import Run, aside

Tamper = Callable[[web.Request, web.Response], Awaitable[web.Response]]


def plan(gateway: Gateway, *, url: str = "", form: Dialect = Dialect.BOTH) -> Plan:
    return Plan(
        url or gateway.base,
        gateway.token,
        seed=11,
        users=12,
        cycles=3,
        form=form,
        scale=Scale(groups=3, members=6, churn=0.3),
    )


async def played(wanted: Plan) -> Played:
    return await play.play(wanted, lambda _phase, _done, _total: None)


@asynccontextmanager
async def tampering(gateway: Gateway, tamper: Tamper) -> AsyncIterator[str]:
    """The gateway behind a proxy that may change answers; gives its Tenant URL."""

    async def forward(request: web.Request) -> web.Response:
        async with session.request(
            request.method,
            gateway.root + request.raw_path,
            data=await request.read(),
            headers={k: v for k, v in request.headers.items() if k != "Host"},
        ) as answer:
            kept = web.Response(
                status=answer.status,
                body=await answer.read(),
                content_type=answer.content_type,
            )
        return await tamper(request, kept)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", forward)
    runner = web.AppRunner(app, access_log=None)
    async with ClientSession() as session:
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/scim/v2/acme"
        finally:
            await runner.cleanup()


@pytest.mark.parametrize("form", Dialect)
async def test_every_dialect_ends_with_nothing_failed(gateway: Gateway, form: Dialect) -> None:
    report = (await played(plan(gateway, form=form))).report
    assert report.ok, report.problems
    assert {call.action for call in report.calls} == set(Action)
    assert report.verified > 15
    assert report.memberships > 12
    assert not report.quarantine.quarantined


async def test_the_same_seed_makes_the_same_calls(gateway: Gateway) -> None:
    first = await played(plan(gateway))
    again = await played(replace(plan(gateway), concurrency=1))
    assert first.report.changes == again.report.changes
    assert first.report.people == again.report.people


async def test_a_wrong_token_is_quarantined_and_nobody_is_sent(gateway: Gateway) -> None:
    wanted = Plan(gateway.base, "wrong", seed=1)
    report = (await played(wanted)).report
    assert report.quarantine.quarantined
    assert "credentials" in report.quarantine.reason
    assert [call.action for call in report.calls] == ["test_connection"]
    assert await gateway.total() == 0


async def test_a_lost_change_is_found_when_reading_back(gateway: Gateway) -> None:
    async def lose_titles(request: web.Request, answer: web.Response) -> web.Response:
        if request.method != "GET" or request.query_string or not isinstance(answer.body, bytes):
            return answer
        body = orjson.loads(answer.body)
        body.pop("title", None)
        return web.json_response(body)

    async with tampering(gateway, lose_titles) as url:
        report = (await played(plan(gateway, url=url))).report
    assert not report.ok
    assert {each.action for each in report.problems} == {Action.VERIFY}
    assert report.problems[0].detail == "is not what was sent: title"


async def test_a_lost_member_is_found_when_reading_back(gateway: Gateway) -> None:
    async def lose_members(request: web.Request, answer: web.Response) -> web.Response:
        if request.method != "GET" or request.query_string or not isinstance(answer.body, bytes):
            return answer
        body = orjson.loads(answer.body)
        body["members"] = body.get("members", [])[1:]
        return web.json_response(body)

    async with tampering(gateway, lose_members) as url:
        problems = (await played(replace(plan(gateway, url=url), cycles=0))).report.problems
    assert {each.detail for each in problems} >= {"1 members are missing, 0 too many"}


async def test_a_member_whose_change_failed_is_sent_again_in_the_next_cycle(
    gateway: Gateway,
) -> None:
    refused = 0

    async def refuse_first(request: web.Request, answer: web.Response) -> web.Response:
        nonlocal refused
        if request.method == "PATCH" and "/Groups/" in request.path and refused < 2:
            refused += 1
            return web.json_response({"detail": "try later"}, status=500)
        return answer

    async with tampering(gateway, refuse_first) as url:
        report = (await played(plan(gateway, url=url))).report
    assert refused == 2
    assert {each.action for each in report.problems} == {Action.MEMBERS}
    verified = next(call for call in report.calls if call.action == Action.VERIFY)
    assert verified.failed == 0


async def test_a_miss_answered_with_404_is_a_quarantine(gateway: Gateway) -> None:
    async def miss(request: web.Request, answer: web.Response) -> web.Response:
        return web.Response(status=404) if request.query_string else answer

    async with tampering(gateway, miss) as url:
        report = (await played(plan(gateway, url=url))).report
    assert report.quarantine.quarantined
    assert "connection test" in report.quarantine.reason
    assert await gateway.total() == 0


async def test_what_failed_is_sent_again_in_the_next_cycle(gateway: Gateway) -> None:
    refused = 0

    async def refuse_first(request: web.Request, answer: web.Response) -> web.Response:
        nonlocal refused
        if request.method == "PATCH" and refused < 3:
            refused += 1
            return web.json_response({"detail": "try later (ref 1a2b)"}, status=500)
        return answer

    async with tampering(gateway, refuse_first) as url:
        report = (await played(plan(gateway, url=url))).report
    assert refused == 3
    assert sum(each.count for each in report.problems) == 3, report.problems
    assert {each.detail for each in report.problems} == {"try later"}
    verified = next(call for call in report.calls if call.action == Action.VERIFY)
    assert verified.failed == 0


async def test_people_who_are_there_already_are_matched_not_doubled(gateway: Gateway) -> None:
    wanted = Plan(gateway.base, gateway.token, seed=4, users=5, cycles=0)
    await played(wanted)
    again = await played(wanted)
    assert again.report.ok, again.report.problems
    assert "create" not in {call.action for call in again.report.calls}
    assert await gateway.total() == 5


async def test_the_command_prints_json_and_ends_with_0(gateway: Gateway, offline: Run) -> None:
    arguments = ["simulate", "--tenant-url", gateway.base, "--token", gateway.token]
    more = ["--users", "3", "--cycles", "1", "--seed", "9", "-o", "json"]
    more += ["--groups", "2", "--members", "2", "--churn", "0.5"]
    ended = await aside(offline, *arguments, *more)
    assert ended.code == ExitCode.OK, ended.stderr
    data = orjson.loads(ended.stdout)
    assert data["ok"] is True
    assert data["seed"] == 9
    assert data["changes"]["hire"] >= 3
    assert data["changes"]["group_create"] == 3
    assert data["memberships"] > 0


async def test_the_command_ends_with_3_when_something_failed(
    gateway: Gateway, offline: Run
) -> None:
    ended = await aside(offline, "simulate", "--tenant-url", gateway.base, SCIM_TOKEN="wrong")
    assert ended.code == ExitCode.CHECK_FAILED
    assert "Would have been quarantined because the credentials were refused" in ended.stdout


def test_the_command_ends_with_5_when_nobody_answers(offline: Run) -> None:
    url = "http://127.0.0.1:1/scim/v2/acme"
    ended = offline("simulate", "--tenant-url", url, "--token", "x")
    assert ended.code == ExitCode.UNREACHABLE
    assert ended.stdout == ""
