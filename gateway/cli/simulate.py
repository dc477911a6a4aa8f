"""`bldng-scim simulate`: play Microsoft Entra ID against any Tenant URL."""

import asyncio
import secrets
from typing import Annotated

import typer

from gateway.cli import output, progress
from gateway.cli.output import ExitCode, Failure, Output
from gateway.cli.simulation import play, report
from gateway.cli.simulation.dialect import Dialect
from gateway.cli.simulation.groups import Scale
from gateway.cli.simulation.play import Plan, Played

app = typer.Typer(rich_markup_mode=None)

TOKEN_VARIABLE = "SCIM_TOKEN"  # noqa: S105 - a name, not a secret


@app.command()
def simulate(
    *,
    tenant_url: Annotated[str, typer.Option(help="As it stands in Entra's provisioning page.")],
    token: Annotated[
        str, typer.Option(envvar=TOKEN_VARIABLE, help="The Secret Token; better as a variable.")
    ],
    users: Annotated[int, typer.Option(min=1, help="People in the initial cycle.")] = 50,
    cycles: Annotated[int, typer.Option(min=0, help="Incremental cycles after it.")] = 3,
    groups: Annotated[int, typer.Option(min=0, help="Groups in the initial cycle.")] = 0,
    members: Annotated[
        int, typer.Option(min=0, help="Members of each group, or everybody if they are fewer.")
    ] = 20,
    churn: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the members that changes in a cycle.")
    ] = 0.05,
    seed: Annotated[int | None, typer.Option(help="Same seed, same people and changes.")] = None,
    dialect: Annotated[Dialect, typer.Option(help="PATCH form: the flag is aadOptscim062020.")] = (
        Dialect.BOTH
    ),
    concurrency: Annotated[int, typer.Option(min=1, max=200, help="Calls at once.")] = 4,
    rate: Annotated[float, typer.Option(min=0, help="Calls a second; 0: no limit.")] = 0,
    form: Output = output.Format.TEXT,
) -> None:
    """Exit 0 when Entra would see only successes, 3 when something failed, 5 when unreachable.

    Invents people, so use a tenant made for trials. Everything they become stays there.

    Example: bldng-scim simulate --tenant-url https://scim.example.com/scim/v2/trial --users 100
    """
    plan = Plan(
        tenant_url=tenant_url,
        token=token,
        seed=secrets.randbelow(1_000_000) if seed is None else seed,
        users=users,
        cycles=cycles,
        form=dialect,
        concurrency=concurrency,
        rate=rate,
        scale=Scale(groups, members, churn),
    )
    with progress.bar() as advance:
        played = asyncio.run(play.play(plan, advance))
    _require_contact(played)
    output.record(played.report.data(), form, lambda _row: report.text(played.report))
    output.end(ExitCode.OK if played.report.ok else ExitCode.CHECK_FAILED)


def _require_contact(played: Played) -> None:
    """Say it plainly when not even the first call was answered."""
    first = played.journal.entries[0].answer
    if first.error is not None:
        raise Failure(ExitCode.UNREACHABLE, f"the Tenant URL does not answer: {first.detail}")
