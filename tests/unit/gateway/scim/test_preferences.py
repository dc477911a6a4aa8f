import pytest

from gateway.scim import preferences


@pytest.mark.parametrize(
    ("header", "strict", "applied"),
    [
        (None, False, None),
        ("", False, None),
        ("handling=strict", True, "handling=strict"),
        ("Handling=STRICT", True, "handling=strict"),
        ('handling = "strict"', True, "handling=strict"),
        ("handling=strict; why=because", True, "handling=strict"),
        ("respond-async, wait=10, handling=strict", True, "handling=strict"),
        ("handling=lenient", False, "handling=lenient"),
        ("handling=lenient, handling=strict", False, "handling=lenient"),
        ("handling=strict, handling=lenient", True, "handling=strict"),
        ("handling=odd", False, None),
        ("handling", False, None),
        ("return=minimal", False, None),
        (",;=,", False, None),
    ],
)
def test_the_first_handling_counts(
    header: str | None, *, strict: bool, applied: str | None
) -> None:
    headers = {} if header is None else {"Prefer": header}
    assert preferences.strict(headers) is strict
    assert preferences.applied(headers) == applied
