"""The header Prefer (RFC 7240): `handling=strict` asks for the letter of the RFC.

Without it everything that identity providers are known to send is tolerated; see
docs/tolerances.md.
"""

from collections.abc import Iterator, Mapping
from typing import Final

_HANDLING: Final = frozenset({"strict", "lenient"})


def strict(headers: Mapping[str, str]) -> bool:
    """Whether the request is to be read by the letter."""
    return _handling(headers) == "strict"


def applied(headers: Mapping[str, str]) -> str | None:
    """What to answer as Preference-Applied, None when no known preference was sent."""
    handling = _handling(headers)
    return f"handling={handling}" if handling in _HANDLING else None


def _handling(headers: Mapping[str, str]) -> str | None:
    """The value of the first `handling`; a later one does not count (RFC 7240, 2)."""
    sent = headers.get("Prefer")
    if sent is None:
        return None
    return next((value for name, value in _preferences(sent) if name == "handling"), None)


def _preferences(header: str) -> Iterator[tuple[str, str]]:
    """Names and values, both lower-case; parameters after `;` belong to no preference here."""
    for preference in header.lower().split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        yield name.strip(), value.strip().strip('"')
