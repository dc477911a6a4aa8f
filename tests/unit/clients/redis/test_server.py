"""Where Redis is: what a URL and a list of Sentinels say, and what they may not say."""

import pytest

from clients.redis.server import Address, Login, Server, Tls, Topology, addresses


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("redis://host", Server(Address("host", 6379))),
        ("redis://host:1/3", Server(Address("host", 1), database=3)),
        ("redis://[::1]:2/", Server(Address("::1", 2))),
        ("rediss://host", Server(Address("host", 6379), tls=Tls())),
        ("redis://u:p@host", Server(Address("host", 6379), login=Login("u", "p"))),
        ("redis://:p@host", Server(Address("host", 6379), login=Login("", "p"))),
        (
            "redis://u%40x:p%40%3A%2F%23%25%20%22%C3%A9@host",
            Server(Address("host", 6379), login=Login("u@x", 'p@:/#% "é')),
        ),
        ("unix:///run/redis.sock", Server(None, path="/run/redis.sock")),
        ("unix://u:p@/r?db=4", Server(None, path="/r", database=4, login=Login("u", "p"))),
    ],
)
def test_a_url_names_a_server(url: str, server: Server) -> None:
    assert Server.from_url(url) == server


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://host", "is not a redis://"),
        ("host:6379", "is not a redis://"),
        ("redis://u:p@:/#%@host", "cannot be read as a URL"),
        ("redis://u:12/34@host", "cannot be read as a URL"),
        ("redis://u:p#x@host", "cannot be read as a URL"),
        ("redis://host:port", "cannot be read as a URL"),
        ("redis://host?db=1", "options after a question mark"),
        ("unix:///r?ssl=no", "options other than ?db="),
        ("unix://", "names no socket"),
        ("redis://host/x", "database that is not a number"),
    ],
)
def test_a_url_that_says_what_is_not_heeded_is_refused(url: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault.replace("?", r"\?")) as refused:
        Server.from_url(url)
    assert "host" not in str(refused.value)


def test_a_list_of_sentinels() -> None:
    assert addresses("a:1, [::1]:2,c,") == (
        Address("a", 1),
        Address("::1", 2),
        Address("c", 26379),
    )
    assert addresses("") == ()


@pytest.mark.parametrize("text", ["a:x", ":1", "a:70000", "u@a:1", "a/b", "redis://a:1"])
def test_a_sentinel_is_host_and_port(text: str) -> None:
    with pytest.raises(ValueError, match="is not host:port,host:port"):
        addresses(f"good:1,{text}")


def test_no_secret_is_printed() -> None:
    login = Login("user", "hunter2")
    server = Server(Address("host", 1), login=login, sentinel_login=login)
    assert "hunter2" not in f"{server!r}{server}"


@pytest.mark.parametrize(
    ("server", "topology", "text"),
    [
        (Server(Address("h", 1)), Topology.STANDALONE, "h:1"),
        (Server(None, path="/r"), Topology.STANDALONE, "/r"),
        (Server(Address("h", 1), cluster=True), Topology.CLUSTER, "h:1"),
        (
            Server(Address("", 1), sentinels=(Address("::1", 2), Address("b", 3)), service="m"),
            Topology.SENTINEL,
            "m at [::1]:2, b:3",
        ),
    ],
)
def test_a_server_says_what_it_is(server: Server, topology: Topology, text: str) -> None:
    assert (server.topology, str(server)) == (topology, text)
