"""Where Redis is and how to get in: one value, made once from the settings. No I/O here."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, unquote, urlsplit

PORT = 6379
SENTINEL_PORT = 26379

SCHEMES = ("redis", "rediss", "unix")


class Address(NamedTuple):
    """A server's host and port; port 0 takes a free one to listen on."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Topology(StrEnum):
    """How the servers belong together."""

    STANDALONE = "standalone"
    SENTINEL = "sentinel"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class Login:
    """An account; without a user name it is the server's `default`."""

    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def options(self) -> dict[str, Any]:
        """As redis-py's keyword arguments."""
        return {"username": self.username or None, "password": self.password or None}


@dataclass(frozen=True, slots=True)
class Tls:
    """Paths of PEM files. Without a CA those that the system trusts count."""

    ca: str = ""
    certificate: str = ""
    key: str = ""

    @property
    def options(self) -> dict[str, Any]:
        """As redis-py's keyword arguments; chain and host name are always verified."""
        return {
            "ssl_ca_certs": self.ca or None,
            "ssl_certfile": self.certificate or None,
            "ssl_keyfile": self.key or None,
            "ssl_cert_reqs": "required",
            "ssl_check_hostname": True,
        }


@dataclass(frozen=True, slots=True)
class Server:
    """One Redis, the master that Sentinels know, or a Cluster.

    `address` is None with a Unix socket; Sentinel does not use it. `tls` is None without TLS; it
    counts for the Sentinels too. In a Cluster `address` is one node of it, the others are found.
    """

    address: Address | None
    path: str = ""
    database: int = 0
    login: Login = Login()
    tls: Tls | None = None
    sentinels: tuple[Address, ...] = ()
    service: str = ""
    sentinel_login: Login = Login()
    cluster: bool = False

    @classmethod
    def from_url(cls, url: str, tls: Tls | None = None) -> Self:
        """The server a URL names: `redis://`, `rediss://` or `unix://`.

        Raises ValueError saying what is wrong; the message repeats nothing of the URL.
        """
        parts = _split(url)
        login = Login(unquote(parts.username or ""), unquote(parts.password or ""))
        if parts.scheme == "unix":
            path = unquote(parts.path)
            return cls(None, path=path, database=_unix_database(parts.query), login=login)
        return cls(
            Address(unquote(parts.hostname or ""), parts.port or PORT),
            database=_number(parts.path.strip("/")),
            login=login,
            tls=(tls or Tls()) if parts.scheme == "rediss" else None,
        )

    @property
    def topology(self) -> Topology:
        if self.cluster:
            return Topology.CLUSTER
        return Topology.SENTINEL if self.sentinels else Topology.STANDALONE

    def __str__(self) -> str:
        """Where it is, without credentials."""
        match self.topology:
            case Topology.SENTINEL:
                return f"{self.service} at {', '.join(map(str, self.sentinels))}"
            case _:
                return str(self.address) if self.address else self.path


def addresses(text: str) -> tuple[Address, ...]:
    """`host:port,[ipv6]:port,host` as addresses. Raises ValueError."""
    return tuple(_address(each.strip()) for each in text.split(",") if each.strip())


def _address(text: str) -> Address:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not host:port,host:port") from None
    if not host or parts.netloc != text or "@" in text:
        raise ValueError("is not host:port,host:port")
    return Address(host, port or SENTINEL_PORT)


def _split(url: str) -> Any:
    """The parts of a URL that says nothing we would not heed."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError(_UNREADABLE) from None
    if parts.scheme not in SCHEMES:
        raise ValueError("is not a redis://, rediss:// or unix:// URL")
    if parts.fragment or (parts.scheme != "unix" and "@" in parts.path):
        raise ValueError(_UNREADABLE)
    if parts.query and parts.scheme != "unix":
        raise ValueError("has options after a question mark, which are not taken")
    if parts.scheme == "unix" and not parts.path.strip("/"):
        raise ValueError("names no socket")
    return parts


_UNREADABLE = (
    "cannot be read as a URL; a password with special characters goes into "
    "BLDNG_SCIM_REDIS_PASSWORD"
)


def _unix_database(query: str) -> int:
    options = parse_qs(query)
    if options.keys() - {"db"}:
        raise ValueError("has options other than ?db=, which are not taken")
    return _number(options.get("db", ["0"])[0])


def _number(text: str) -> int:
    if not (text or "0").isdecimal():
        raise ValueError("names a database that is not a number")
    return int(text or 0)
