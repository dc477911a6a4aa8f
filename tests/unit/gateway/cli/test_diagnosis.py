"""What Entra will show, and why: every mistake of the table by name."""

import socket
import ssl
from typing import Any

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from gateway import tokens
from gateway.cli import diagnosis
from gateway.cli.diagnosis import Level
from gateway.cli.simulation.transport import Answer

KEY = ConnectionKey("scim.example.com", 443, True, True, None, None, None)
EMPTY: dict[str, Any] = {"totalResults": 0, "Resources": []}
TOKEN = tokens.make(bytes(tokens.ENTROPY_BYTES)).text


def untrusted(code: int) -> aiohttp.ClientConnectorCertificateError:
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_code = code
    return aiohttp.ClientConnectorCertificateError(KEY, cause)


def answered(status: int, body: dict[str, Any] | None = None, **more: Any) -> Answer:
    kind = more.pop("content_type", "application/scim+json")
    return Answer(status, body or {}, more.pop("duration_ms", 5.0), content_type=kind, **more)


def unanswered(error: BaseException) -> Answer:
    return Answer(0, {}, 5.0, error=error)


ROWS = [
    ("certificate_untrusted", unanswered(untrusted(20))),
    ("certificate_untrusted", unanswered(untrusted(18))),
    ("certificate_invalid", unanswered(untrusted(10))),
    ("tls_failed", unanswered(aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "eof")))),
    ("unknown_host", unanswered(aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(-2, "?")))),
    ("refused", unanswered(aiohttp.ClientConnectorError(KEY, ConnectionRefusedError(111, "no")))),
    ("timeout", unanswered(TimeoutError())),
    ("timeout", unanswered(aiohttp.ConnectionTimeoutError())),
    ("broken_off", unanswered(aiohttp.ServerDisconnectedError())),
    ("redirect", answered(302)),
    ("redirect", answered(308)),
    ("filter_refused", answered(400, {"scimType": "invalidFilter"})),
    ("unauthorized", answered(401)),
    ("forbidden", answered(403, content_type="text/html")),
    ("wrong_server", answered(404, content_type="text/html")),
    ("wrong_path", answered(404, {"detail": "no such path"})),
    ("refuses_get", answered(406)),
    ("refuses_get", answered(415)),
    ("throttled", answered(429)),
    ("unavailable", answered(503)),
    ("server_error", answered(500)),
    ("server_error", answered(502, content_type="text/html")),
    ("no_content", answered(204)),
    ("html", answered(200, content_type="text/html")),
    ("not_scim", answered(200, {"ok": True})),
    ("not_scim", answered(200, {"totalResults": "0"})),
    ("filter_ignored", answered(200, {"totalResults": 1, "Resources": [{"id": "1"}]})),
    ("filter_ignored", answered(200, {"totalResults": 7})),
    ("content_type", answered(200, EMPTY, content_type="application/json")),
    ("slow", answered(200, EMPTY, duration_ms=5001.0)),
    ("ok", answered(200, EMPTY)),
]


@pytest.mark.parametrize(("name", "answer"), ROWS)
def test_each_mistake_has_its_finding(name: str, answer: Answer) -> None:
    finding = diagnosis.judge(answer)
    assert finding.name == name
    assert finding.entra_shows
    assert finding.cause
    assert finding.cure


def test_every_row_of_the_table_is_met_by_a_mistake() -> None:
    assert {row.finding.name for row in diagnosis.TABLE} == {name for name, _ in ROWS}


def test_only_warnings_and_ok_let_entra_pass() -> None:
    passing = {row.finding.name for row in diagnosis.TABLE if row.finding.level is not Level.FAIL}
    assert passing == {"content_type", "slow", "ok"}


@pytest.mark.parametrize(
    ("url", "token", "names"),
    [
        ("https://scim.example.com/scim/v2/acme", TOKEN, []),
        ("http://127.0.0.1:8080/scim/v2/acme", TOKEN, []),
        ("scim.example.com/scim/v2/acme", TOKEN, ["not_a_url"]),
        ("ftp://scim.example.com", TOKEN, ["not_a_url"]),
        ("http://scim.example.com/scim/v2/acme", TOKEN, ["plain_http"]),
        ("https://x/scim/v2/acme", TOKEN + "\n", ["token_spaces"]),
        ("https://x/scim/v2/acme", TOKEN[:-1], ["token_shape"]),
        ("https://x/scim/v2/acme", "another-kind-of-token", ["token_shape"]),
        ("https://x/scim/v2/acme", "x" * 101, ["token_too_long"]),
    ],
)
def test_what_can_be_said_before_anything_is_sent(url: str, token: str, names: list[str]) -> None:
    assert [finding.name for finding in diagnosis.address(url, token)] == names
