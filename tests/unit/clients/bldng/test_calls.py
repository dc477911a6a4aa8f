"""Addresses and headers of calls."""

import pytest

from clients.bldng import calls

BASE = "https://dashboard.example.com/internal/v1"


@pytest.mark.parametrize(
    ("org", "path"),
    [
        ("acme", "acme"),
        ("a/b", "a%2Fb"),
        ("a b", "a%20b"),
        ("../admin", "..%2Fadmin"),
        ("%2e%2e", "%252e%252e"),
        ("a?x=1#y", "a%3Fx%3D1%23y"),
        ("ætt", "%C3%A6tt"),
        ("evil@host", "evil%40host"),
    ],
)
def test_a_segment_never_leaves_its_place(org: str, path: str) -> None:
    url = calls.Call("user_page", "GET", ("orgs", org, "users")).url(BASE)
    assert url == f"{BASE}/orgs/{path}/users"


@pytest.mark.parametrize("org", ["", ".", ".."])
def test_a_dot_segment_is_refused(org: str) -> None:
    with pytest.raises(ValueError, match="cannot be an organisation"):
        calls.Call("user_page", "GET", ("orgs", org, "users")).url(BASE)


def test_a_query_is_quoted() -> None:
    call = calls.Call("f", "GET", ("orgs", "a", "users"), query={"username": "a+b&c=d é"})
    url = call.url(BASE)
    assert url == f"{BASE}/orgs/a/users?username=a%2Bb%26c%3Dd%20%C3%A9"


@pytest.mark.parametrize(
    "text",
    [
        "dashboard.example.com",
        "ftp://dashboard.example.com",
        "http://",
        "https://user:secret@dashboard.example.com",
        "https://dashboard.example.com/v1?x=1",
        "https://dashboard.example.com/v1#x",
    ],
)
def test_an_unusable_base_url_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="BLDNG base URL"):
        calls.base_url(text)


def test_a_trailing_slash_of_the_base_url_does_not_matter() -> None:
    assert calls.base_url(f"{BASE}/") == BASE


def test_headers() -> None:
    call = calls.Call(
        "user_create", "POST", ("orgs", "a", "users"), request_id="r", body={}, idempotency_key="k"
    )
    assert call.headers("t") == {
        "Accept": "application/json",
        "Authorization": "Bearer t",
        "X-Request-Id": "r",
        "Content-Type": "application/json",
        "Idempotency-Key": "k",
    }


def test_health_carries_no_token() -> None:
    assert calls.Call("health", "GET", ("health",)).headers("t") == {"Accept": "application/json"}
