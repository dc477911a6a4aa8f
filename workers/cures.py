"""What a cause means in words, and what an operator does about it. No I/O here.

One entry for each cause that a change or a tenant can wait for; a test holds the table complete.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from workers.causes import Cause


@dataclass(frozen=True, slots=True)
class Cure:
    """`what` happened and what to `do`; both are whole sentences without personal values."""

    what: str
    do: str


WAIT: Final = "Nothing: it is tried again by itself."
RETRY: Final = "Then: bldng-scim queue retry TENANT."

CURES: Final[Mapping[str, Cure]] = {
    Cause.PROTOCOL: Cure(
        "BLDNG answered what its contract does not allow.", f"Tell BLDNG. {RETRY}"
    ),
    Cause.REDIRECTED: Cure(
        "BLDNG's address answers with a redirect.", "Correct BLDNG_SCIM_BACKEND_URL."
    ),
    Cause.REJECTED: Cure(
        "BLDNG refused the values of this record.",
        f"Correct the value in Entra (that alone retries it), or at BLDNG. {RETRY}",
    ),
    Cause.AUTH: Cure(
        "BLDNG does not accept our service token.", "Renew BLDNG_SCIM_BACKEND_TOKEN and restart."
    ),
    Cause.FORBIDDEN: Cure(
        "Our service token may not do this.", f"Have BLDNG grant it for the organisation. {RETRY}"
    ),
    Cause.MISSING: Cure(
        "The record vanished at BLDNG again and again.", f"Ask BLDNG why. {RETRY}"
    ),
    Cause.ORG_UNKNOWN: Cure(
        "BLDNG does not know the tenant's organisation.",
        "Compare `bldng-scim tenant show TENANT` with BLDNG; the work waits meanwhile.",
    ),
    Cause.UNSUPPORTED: Cure("BLDNG does not know this call.", "Compare the versions of both."),
    Cause.CONFLICT: Cure(
        "Another record at BLDNG has one of the unique values.",
        f"Free the value at BLDNG, or change it in Entra. {RETRY}",
    ),
    Cause.PRECONDITION: Cure("The record at BLDNG keeps changing meanwhile.", WAIT),
    Cause.LOCKED: Cure("BLDNG keeps the record locked.", f"Unlock it at BLDNG. {RETRY}"),
    Cause.THROTTLED: Cure("BLDNG asked us to send less.", WAIT),
    Cause.UNAVAILABLE: Cure("BLDNG failed (5xx).", f"Ask BLDNG. {RETRY}"),
    Cause.UNANSWERED: Cure("BLDNG did not answer in time.", f"Ask BLDNG. {RETRY}"),
    Cause.NOT_SENT: Cure(
        "BLDNG cannot be reached.", "Check network and name; the rest is by itself."
    ),
    Cause.BUDGET: Cure("The shared budget of calls on BLDNG is used up for now.", WAIT),
    Cause.CERTIFICATE: Cure(
        "BLDNG's certificate is not valid.", "Renew it, or our trusted roots."
    ),
    Cause.INTERRUPTED: Cure("A worker was stopped, or had no time left for it.", WAIT),
    Cause.REDIS: Cure("Redis did not answer a worker.", WAIT),
    Cause.INTERNAL: Cure(
        "A fault of this program.", f"Find `attempt_broke` in the log; report it. {RETRY}"
    ),
    Cause.UNMAPPABLE: Cure(
        "The tenant's mapping makes no BLDNG record of these values.",
        f"Correct the mapping profile or the value in Entra. {RETRY}",
    ),
    Cause.BLOCKED: Cure(
        "Another record of ours still has its name at BLDNG.",
        "Mend or release the one it waits for; it follows by itself.",
    ),
    Cause.DUPLICATE_BACKEND: Cure(
        "BLDNG has several records of this person; none is picked.",
        f"Merge them at BLDNG. {RETRY}",
    ),
    Cause.NEEDS_REVIEW: Cure(
        "BLDNG has an unlinked record with this name; the tenant's policy is review.",
        f"Set its ssoSubject to the person's externalId. {RETRY}",
    ),
    "crashloop": Cure(
        "Worker after worker died over it.", f"Find the crash in the workers' log. {RETRY}"
    ),
    "held": Cure(
        "Too many people left at once: the mass-change guard keeps BLDNG as it is.",
        "If meant: bldng-scim queue release TENANT. If not: make the people active"
        " again in Entra. Who was deleted and is created anew waits for the release.",
    ),
    "breaker": Cure("BLDNG failed five times in a row; one probe at a time is sent.", WAIT),
}
"""Cause -> cure."""

UNKNOWN: Final = Cure("No cause is known.", f"Look into the log. {RETRY}")


def of(cause: str) -> Cure:
    """The cure of a cause as the queue keeps it."""
    return CURES.get(cause, UNKNOWN)
