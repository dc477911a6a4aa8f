"""What an answer to Test Connection means: what Entra shows, why, and what to do. No I/O.

One table, read from the top; the first row that applies is the finding. The error codes are those
of Entra's provisioning logs (Microsoft Learn, "Application provisioning in quarantine status").
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from gateway import tokens
from gateway.cli.simulation.transport import Answer

INCOMPATIBLE: Final = "SystemForCrossDomainIdentityManagementServiceIncompatible"
SLOW_MS: Final = 5_000
"""Test Connection still passes, but a whole on-demand run must end within 30 seconds."""

MAX_TOKEN: Final = 100
"""Longer secrets pass Test Connection but fail when the page is saved (azure-docs #40093)."""

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class Level(StrEnum):
    """FAIL: Entra refuses. WARN: it works today, yet should be mended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to tell the administrator. `name` is stable, for scripts."""

    level: Level
    name: str
    entra_shows: str
    cause: str
    cure: str


@dataclass(frozen=True, slots=True)
class Row:
    """A mistake: how to recognise it, and the finding."""

    applies: Callable[[Answer], bool]
    finding: Finding


def address(tenant_url: str, token: str) -> tuple[Finding, ...]:
    """What can be said before anything is sent."""
    parts = urlsplit(tenant_url)
    found = []
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        found.append(_fail("not_a_url", "the form refuses it", "the Tenant URL is not a URL",
                           "give it in full: https://<host>/scim/v2/<tenant>"))  # fmt: skip
    elif parts.scheme == "http" and parts.hostname not in LOOPBACK:
        found.append(_fail("plain_http", "the form refuses it", "the Tenant URL is not https",
                           "put TLS in front of the gateway and use https"))  # fmt: skip
    return (*found, *_token(token))


def judge(answer: Answer) -> Finding:
    """The finding for the answer to one probe."""
    return next(row.finding for row in TABLE if row.applies(answer))


def _token(token: str) -> tuple[Finding, ...]:
    if token != token.strip():
        return (_fail("token_spaces", "Unauthorized", "the token begins or ends with a space",
                      "copy the token again, without spaces or line breaks"),)  # fmt: skip
    if len(token) > MAX_TOKEN:
        return (_fail("token_too_long", "saving fails: ExternalSecret data is invalid",
                      f"the token has more than {MAX_TOKEN} characters",
                      "issue one with `bldng-scim token issue`"),)  # fmt: skip
    try:
        tokens.parse(token)
    except tokens.Rejected:
        return (_warn("token_shape", "Unauthorized, if the gateway is ours",
                      "the token is incomplete or not one of ours",
                      "copy the whole token, it begins with bscim_"),)  # fmt: skip
    return ()


def _fail(name: str, shows: str, cause: str, cure: str) -> Finding:
    return Finding(Level.FAIL, name, shows, cause, cure)


def _warn(name: str, shows: str, cause: str, cure: str) -> Finding:
    return Finding(Level.WARN, name, shows, cause, cure)


def _error(*kinds: type[BaseException]) -> Callable[[Answer], bool]:
    return lambda answer: isinstance(answer.error, kinds)


def _status(*statuses: int) -> Callable[[Answer], bool]:
    return lambda answer: answer.status in statuses


def _untrusted(answer: Answer) -> bool:
    """A chain that cannot be built: self-signed, private, or the intermediate is not sent."""
    cause = getattr(answer.error, "certificate_error", answer.error)
    return isinstance(cause, ssl.SSLCertVerificationError) and cause.verify_code in {
        18,
        19,
        20,
        21,
    }


def _html(answer: Answer) -> bool:
    return answer.content_type.startswith("text/")


def _not_a_list(answer: Answer) -> bool:
    body = answer.body
    return not isinstance(body.get("totalResults"), int) or not isinstance(
        body.get("Resources", []), list
    )


_WRONG_PATH = "use exactly the Tenant URL that `bldng-scim tenant show` prints"

TABLE: Final = (
    Row(_untrusted, _fail(
        "certificate_untrusted", "no connection", "the certificate chain is not trusted: "
        "self-signed, from a private authority, or the intermediate certificate is missing",
        "use a public certificate and let the server send the full chain")),
    Row(_error(aiohttp.ClientConnectorCertificateError), _fail(
        "certificate_invalid", "no connection", "the certificate is expired or for another name",
        "renew the certificate; its name must be the host in the Tenant URL")),
    Row(_error(aiohttp.ClientSSLError, ssl.SSLError), _fail(
        "tls_failed", "no connection", "TLS could not be agreed on; perhaps the port speaks http",
        "offer TLS 1.2 with ECDHE and AES-GCM on that port")),
    Row(_error(aiohttp.ClientConnectorDNSError), _fail(
        "unknown_host", "no connection", "the host name is not in the DNS",
        "check the spelling; Entra needs a name that resolves on the internet")),
    Row(_error(TimeoutError), _fail(
        "timeout", "Timeout", "there was no answer in 30 seconds",
        "look at /readyz and the firewall: Entra's addresses are the service tag "
        "AzureActiveDirectory")),
    Row(_error(aiohttp.ClientConnectorError), _fail(
        "refused", "no connection", "nothing listens there, or a firewall refuses",
        "start the gateway, check the port, let the service tag AzureActiveDirectory in")),
    Row(lambda answer: answer.error is not None, _fail(
        "broken_off", "WebExceptionProtocolError", "the connection broke before an answer",
        "look at the proxy in front of the gateway and at the gateway's log")),
    Row(_status(301, 302, 303, 307, 308), _fail(
        "redirect", INCOMPATIBLE, "the server redirects, and the token is not sent along",
        "use the address that it redirects to as Tenant URL")),
    Row(_status(400), _fail(
        "filter_refused", f"{INCOMPATIBLE}Filtering", "the filter on userName was refused",
        "the server must answer `userName eq` with an empty list")),
    Row(_status(401), _fail(
        "unauthorized", "Unauthorized", "the token is wrong, expired, revoked, or of another "
        "tenant than the one in the Tenant URL",
        "copy both from one place, or run `bldng-scim token issue` and paste the new token")),
    Row(_status(403), _fail(
        "forbidden", "InsufficientRights", "something in front refuses the call: Entra sends no "
        "User-Agent, and many firewalls refuse that",
        "exempt the SCIM path from rules about User-Agent and bots")),
    Row(lambda answer: answer.status in {404, 405} and _html(answer), _fail(
        "wrong_server", INCOMPATIBLE, "a web server answered, not SCIM",
        f"check host and proxy path; {_WRONG_PATH}")),
    Row(_status(404), _fail(
        "wrong_path", INCOMPATIBLE, "the path is not that of a tenant", _WRONG_PATH)),
    Row(_status(405, 406, 415), _fail(
        "refuses_get", INCOMPATIBLE, "the server refuses the form of a plain GET",
        "accept a GET without Accept and Content-Type headers")),
    Row(_status(429), _fail(
        "throttled", "TooManyRequests", "the rate limit is reached",
        "allow at least 25 requests a second for a tenant")),
    Row(_status(503), _fail(
        "unavailable", "Timeout or InternalServerError", "the gateway cannot reach its Redis",
        "run `bldng-scim check redis` where the gateway runs")),
    Row(lambda answer: answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR, _fail(
        "server_error", "InternalServerError", "the server or the proxy in front of it failed",
        "find the X-Request-Id of the answer in the gateway's log")),
    Row(_status(201, 202, 203, 204, 206), _fail(
        "no_content", INCOMPATIBLE, "no match must be 200 with an empty list",
        "answer 200 with a ListResponse of totalResults 0")),
    Row(_html, _fail(
        "html", INCOMPATIBLE, "the answer is a web page, perhaps a sign-in page",
        f"exempt the SCIM path from sign-in; {_WRONG_PATH}")),
    Row(_not_a_list, _fail(
        "not_scim", INCOMPATIBLE, "the answer is not a SCIM ListResponse",
        _WRONG_PATH)),
    Row(lambda answer: bool(answer.body.get("Resources") or answer.body["totalResults"]), _fail(
        "filter_ignored", f"{INCOMPATIBLE}Filtering", "somebody who does not exist was found: "
        "the filter is ignored, and the wrong people would be changed",
        "do not start provisioning; mend the filter first")),
    Row(lambda answer: answer.content_type != "application/scim+json", _warn(
        "content_type", "success", "the answer is not application/scim+json; Microsoft's "
        "SCIM Validator stops at that",
        "let the proxy pass the Content-Type through")),
    Row(lambda answer: answer.duration_ms > SLOW_MS, _warn(
        "slow", "success", "the answer took more than 5 seconds",
        "look at Redis and at the proxy: answers should take well under a second")),
    Row(lambda _answer: True, Finding(
        Level.OK, "ok", "success: the credentials are authorised to enable provisioning",
        "an empty SCIM list", "nothing to do")),
)  # fmt: skip
