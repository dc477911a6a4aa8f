"""`bldng-scim healthcheck`: ask a running process how it is, without curl and without a shell."""

import http.client
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from gateway.cli import environment, output
from gateway.cli.output import ExitCode, Failure
from gateway.settings import Address

app = typer.Typer(rich_markup_mode=None)

PROBE_TIMEOUT_S: Final = 3.0
"""A process that takes longer is not well."""

MAX_ANSWER_BYTES: Final = 4096
"""Readiness answers are short; more than this is not ours."""

ANY_HOST: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
"""Where a listener on all addresses is reached from inside."""


@app.command()
def healthcheck(
    *,
    live: Annotated[bool, typer.Option("--live", help="Is the process running at all?")] = False,
    ready: Annotated[bool, typer.Option("--ready", help="May it be sent work? (default)")] = False,
    url: Annotated[str, typer.Option(help="Operators' listener; default from settings.")] = "",
    path: Annotated[str, typer.Option(help="Ask this path instead of a probe.")] = "",
) -> None:
    """Exit 0 when the process says yes, 3 when it says no, 5 when it does not answer.

    Example: bldng-scim healthcheck --ready --url http://127.0.0.1:9090
    """
    if live and ready:
        raise Failure(ExitCode.USAGE, "choose one of --live and --ready")
    probe = (url or own_url(environment.configured().ops_listen)).rstrip("/")
    probe += path or ("/livez" if live else "/readyz")
    status, text = ask(probe)
    output.talk(f"{probe} answered {status} {text}")
    output.end(ExitCode.OK if status == http.HTTPStatus.OK else ExitCode.CHECK_FAILED)


def own_url(listen: Address) -> str:
    """The operators' listener as seen from the same machine or container."""
    return f"http://{listen._replace(host=ANY_HOST.get(listen.host, listen.host))}"


def ask(url: str) -> tuple[int, str]:
    """GET `url`: status and the beginning of the body.

    Raises:
        Failure: UNREACHABLE when nobody answers in time, USAGE when `url` is not one.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise Failure(ExitCode.USAGE, f"--url must be http://host:port, not {url}")
    connection = http.client.HTTPConnection(
        parts.hostname, parts.port or 80, timeout=PROBE_TIMEOUT_S
    )
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        return answer.status, answer.read(MAX_ANSWER_BYTES).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        raise Failure(
            ExitCode.UNREACHABLE, f"{url}: {str(error) or type(error).__name__}"
        ) from None
    finally:
        connection.close()
