"""The settings that say where Redis is, what contradicts in them, and the value they make."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings

from clients.redis.server import Login, Server, Tls, addresses

Fault = tuple[str, str]
"""A field and what is wrong with it, the cure included."""


def _url(value: SecretStr) -> SecretStr:
    """Raises ValueError with a message that repeats nothing of the URL."""
    Server.from_url(value.get_secret_value())
    return value


def _nodes(value: str) -> str:
    if not addresses(value):
        raise ValueError("names no Sentinel")
    return value


class RedisSettings(BaseSettings):
    """Where Redis is and how to get in; a part of `gateway.settings.Settings`."""

    redis_url: Annotated[SecretStr, AfterValidator(_url)] = Field(
        description="Where Redis is: `redis://`, `rediss://` (TLS) or `unix://`, with user,"
        " password (percent-encoded) and database in the URL. With Sentinel its host is not used;"
        " of a Cluster it is any node.",
        examples=["redis://127.0.0.1:6379/0"],
    )
    redis_username: str | None = Field(
        None,
        description="Redis account; goes before the user in the URL.",
        examples=["bldng-scim"],
    )
    redis_password: SecretStr | None = Field(
        None,
        description="Password of the Redis account as it is, any character; goes before the one"
        " in the URL.",
        examples=["the account's password"],
    )
    redis_tls_ca: Path | None = Field(
        None,
        description="PEM file of the authority that signed Redis' certificate, besides those that"
        " the system trusts. With `rediss://`; for the Sentinels too.",
        examples=["/etc/bldng-scim/redis-ca.pem"],
    )
    redis_tls_cert: Path | None = Field(
        None,
        description="PEM file of our client certificate, when Redis wants one.",
        examples=["/etc/bldng-scim/redis-client.pem"],
    )
    redis_tls_key: Path | None = Field(
        None,
        description="PEM file of the client certificate's key, without a passphrase.",
        examples=["/etc/bldng-scim/redis-client.key"],
    )
    redis_sentinels: Annotated[str, AfterValidator(_nodes)] | None = Field(
        None,
        description="Sentinels that know the master: `host:port,host:port,…`.",
        examples=["sentinel-1:26379,sentinel-2:26379,sentinel-3:26379"],
    )
    redis_sentinel_service: str | None = Field(
        None,
        description="Name of the master at the Sentinels.",
        examples=["mymaster"],
    )
    redis_sentinel_username: str | None = Field(
        None,
        description="Account at the Sentinels; that of Redis is never used there.",
        examples=["bldng-scim"],
    )
    redis_sentinel_password: SecretStr | None = Field(
        None,
        description="Password of the account at the Sentinels.",
        examples=["the Sentinels' password"],
    )
    redis_cluster: bool = Field(
        default=False,
        description="Redis is a Cluster, and the URL one node of it.",
        examples=["true"],
    )

    def redis_server(self) -> Server:
        """The server that these settings name."""
        return _server(self)


def faults(given: RedisSettings) -> Iterator[Fault]:
    """What contradicts in settings that are each acceptable."""
    server = _server(given)
    yield from _sentinel_faults(given, server)
    yield from _cluster_faults(given, server)
    yield from _tls_faults(given, server)
    if server.address and not server.address.host and not server.sentinels:
        yield "redis_url", "names no host"


def _server(given: RedisSettings) -> Server:
    tls = Tls(
        ca=str(given.redis_tls_ca or ""),
        certificate=str(given.redis_tls_cert or ""),
        key=str(given.redis_tls_key or ""),
    )
    told = Server.from_url(given.redis_url.get_secret_value(), tls)
    login = Login(
        given.redis_username or told.login.username,
        _secret(given.redis_password) or told.login.password,
    )
    return Server(
        address=told.address,
        path=told.path,
        database=told.database,
        login=login,
        tls=told.tls,
        sentinels=addresses(given.redis_sentinels or ""),
        service=given.redis_sentinel_service or "",
        sentinel_login=Login(
            given.redis_sentinel_username or "", _secret(given.redis_sentinel_password)
        ),
        cluster=given.redis_cluster,
    )


def _sentinel_faults(given: RedisSettings, server: Server) -> Iterator[Fault]:
    if not server.sentinels:
        alone = ("redis_sentinel_service", "redis_sentinel_username", "redis_sentinel_password")
        for field in alone:
            if getattr(given, field) is not None:
                yield field, "is of no use without BLDNG_SCIM_REDIS_SENTINELS; give both or none"
        return
    if not server.service:
        yield "redis_sentinel_service", "is required with BLDNG_SCIM_REDIS_SENTINELS"
    if server.cluster:
        yield "redis_cluster", "cannot go with BLDNG_SCIM_REDIS_SENTINELS; keep one of the two"
    if server.address is None:
        yield "redis_url", "is a Unix socket, where Sentinel cannot lead; use redis://"


def _cluster_faults(given: RedisSettings, server: Server) -> Iterator[Fault]:
    if not server.cluster:
        return
    if server.database:
        yield "redis_url", f"names database {server.database}; a Cluster has only 0, leave it out"
    if server.address is None:
        yield "redis_url", "is a Unix socket; a Cluster needs redis:// or rediss://"


_TLS_FIELDS: Final = ("redis_tls_ca", "redis_tls_cert", "redis_tls_key")


def _tls_faults(given: RedisSettings, server: Server) -> Iterator[Fault]:
    present = [field for field in _TLS_FIELDS if getattr(given, field) is not None]
    if present and server.tls is None:
        for field in present:
            yield field, "needs TLS; begin BLDNG_SCIM_REDIS_URL with rediss://"
    elif "redis_tls_cert" in present and "redis_tls_key" not in present:
        yield "redis_tls_key", "is required with BLDNG_SCIM_REDIS_TLS_CERT"
    elif "redis_tls_key" in present and "redis_tls_cert" not in present:
        yield "redis_tls_cert", "is required with BLDNG_SCIM_REDIS_TLS_KEY"
    elif server.tls is not None:
        yield from _unusable(server.tls)


def _unusable(tls: Tls) -> Iterator[Fault]:
    """Try the files as a connection will."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if tls.ca:
            context.load_verify_locations(cafile=tls.ca)
    except OSError as error:
        yield "redis_tls_ca", f"cannot be used ({_why(error)}); give a readable PEM file"
    try:
        if tls.certificate:
            context.load_cert_chain(tls.certificate, tls.key, password=_no_passphrase)
    except (OSError, _Passphrase) as error:
        why = f"cannot be used with BLDNG_SCIM_REDIS_TLS_KEY ({_why(error)})"
        yield "redis_tls_cert", f"{why}; give readable PEM files that belong together"


class _Passphrase(Exception):
    """The key wants one: without this OpenSSL would ask the terminal."""


def _no_passphrase() -> str:
    raise _Passphrase("the key has a passphrase")


def _why(error: Exception) -> str:
    """OpenSSL's reason, or the kind of error."""
    match error:
        case _Passphrase():
            return str(error)
        case ssl.SSLError(reason=str(reason)):
            return reason.lower().replace("_", " ")
        case _:
            return type(error).__name__


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value else ""
