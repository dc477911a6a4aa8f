"""Every way a call to BLDNG can fail, as one tree.

    BldngError
    ├── NotSent              DNS, refused, connect timeout, TLS handshake: nothing reached BLDNG
    ├── Unbudgeted           our own budget of calls is used up; nothing was sent
    ├── CertificateInvalid   its certificate does not verify; nothing was sent
    ├── Unanswered           total timeout, reset, disconnect, cut body: it may have happened
    ├── ProtocolError        a 2xx against the contract: no body, huge, no JSON, wrong body or id
    ├── Redirected           a 3xx; never followed
    ├── Refused              a 4xx (but 429) with BLDNG's reason
    ├── Throttled            429, or 503 with Retry-After
    └── Unavailable          any other 5xx

`sent` says whether the request may have had an effect. Texts from BLDNG are foreign: `clean` drops
control characters and cuts them; they may still name a person, so they do not belong in a log.
"""

from typing import ClassVar

from mappers.bldng import vocabulary

DETAIL_MAX = 256
"""Longest text taken over from a foreign error body, in characters."""


class BldngError(Exception):
    """A call did not give the answer of the contract.

    `status` is None when there was no answer, or none that can be used.
    """

    name: ClassVar[str] = "error"
    sent: bool = True
    status: int | None = None

    @property
    def code(self) -> str:
        """The status as text, else the failure's name: a label for metrics and logs."""
        return self.name if self.status is None else str(self.status)


class NotSent(BldngError):
    """Nothing reached BLDNG. `reason` is dns, refused, connect_timeout or tls."""

    name = "not_sent"
    sent = False

    def __init__(self, reason: str) -> None:
        super().__init__(f"BLDNG was not reached: {reason}")
        self.reason = reason


class Unbudgeted(BldngError):
    """The calls that we allow ourselves are used up for now."""

    name = "unbudgeted"
    sent = False

    def __init__(self) -> None:
        super().__init__("the budget of calls on BLDNG is used up for now")


class CertificateInvalid(BldngError):
    """BLDNG's certificate does not verify: mend the certificate or the trust store."""

    name = "certificate_invalid"
    sent = False

    def __init__(self) -> None:
        super().__init__("BLDNG's TLS certificate does not verify")


class Unanswered(BldngError):
    """Sent, and no whole answer came. `reason` is timeout, disconnected or truncated."""

    name = "unanswered"

    def __init__(self, reason: str) -> None:
        super().__init__(f"BLDNG gave no whole answer: {reason}")
        self.reason = reason


class ProtocolError(BldngError):
    """BLDNG claimed success, but not as agreed.

    `reason` is no_body, too_large, not_json, wrong_body, wrong_id, wrong_items or not_http.
    """

    name = "protocol"

    def __init__(self, reason: str) -> None:
        super().__init__(f"BLDNG's answer does not follow the contract: {reason}")
        self.reason = reason


class Redirected(BldngError):
    """BLDNG answered a redirect; the base URL in the settings is probably wrong."""

    name = "redirected"

    def __init__(self, status: int) -> None:
        super().__init__(f"BLDNG answered the redirect {status}; redirects are not followed")
        self.status = status


class Refused(BldngError):
    """BLDNG refused the request (4xx). `problem_code` is its `code`, such as `user_exists`."""

    name = "refused"

    def __init__(
        self,
        status: int,
        *,
        problem_code: str = "",
        detail: str = "",
        fields: tuple[vocabulary.FieldProblem, ...] = (),
        conflict: vocabulary.Conflict | None = None,
    ) -> None:
        super().__init__(f"BLDNG refused with {status} {problem_code}".rstrip())
        self.status = status
        self.problem_code = problem_code
        self.detail = detail
        self.fields = fields
        self.conflict = conflict


class Throttled(BldngError):
    """BLDNG asks to wait: 429, or 503 with Retry-After.

    `retry_after_s` is None when the header is missing or unreadable.
    """

    name = "throttled"

    def __init__(self, status: int, *, retry_after_s: float | None) -> None:
        super().__init__(f"BLDNG asks to slow down ({status})")
        self.status = status
        self.retry_after_s = retry_after_s


class Unavailable(BldngError):
    """BLDNG failed (5xx); a create may still have happened."""

    name = "unavailable"

    def __init__(self, status: int) -> None:
        super().__init__(f"BLDNG failed with {status}")
        self.status = status


def clean(text: str) -> str:
    """One line of at most DETAIL_MAX printable characters of a foreign text."""
    printable = "".join(char if char.isprintable() else " " for char in text[: DETAIL_MAX * 4])
    return " ".join(printable.split())[:DETAIL_MAX]
