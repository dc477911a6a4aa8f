"""The settings, and the only code that reads the environment.

Every setting is a variable `BLDNG_SCIM_<NAME>`; a secret may be given as a file instead, by
`BLDNG_SCIM_<NAME>_FILE`. A name that is not known is refused, since a misspelt setting that is
silently ignored is found in production. Components receive values, never the settings object.
"""

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from clients.redis.durability import Ack
from clients.redis.server import Address
from gateway import redis_settings
from gateway.redis_settings import RedisSettings

__all__ = [
    "Address",
    "ListenAddress",
    "Settings",
    "SettingsError",
    "env_name",
    "load",
    "reference_table",
]

PREFIX: Final = "BLDNG_SCIM_"
_FILE: Final = "_FILE"
LEAST_RATE: Final = 25
"""Requests a second of one tenant that must pass."""


class SettingsError(Exception):
    """The settings cannot be used. `lines`: one per fault, each with name, fault and cure."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def _address(value: Any) -> Any:
    """`host:port` or `[ipv6]:port` as an Address. Raises ValueError."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\]:(\d{1,5})|([^:\[\]]+):(\d{1,5})", value)
    if match is None or int(match[2] or match[4]) > 0xFFFF:
        raise ValueError("is not host:port")
    return Address(match[1] or match[3], int(match[2] or match[4]))


def _http_url(value: str) -> str:
    """An http or https URL without query or trailing slash. Raises ValueError."""
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", value):
        raise ValueError("is not an http(s) URL without a query")
    return value.rstrip("/")


def _rate(value: int) -> int:
    """A rate that Entra's own rule for applications allows, or 0. Raises ValueError."""
    if 0 < value < LEAST_RATE:
        raise ValueError(
            f"is below {LEAST_RATE}: Entra's gallery rule asks for at least {LEAST_RATE} requests"
            " a second per tenant, and refused ones end in quarantine"
        )
    return value


ListenAddress = Annotated[Address, BeforeValidator(_address)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
Rate = Annotated[int, AfterValidator(_rate)]


class Settings(RedisSettings):
    """Everything that can be set, with what it means; `load` makes one."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    public_url: HttpUrl | None = Field(
        None,
        description="What customers reach the gateway by, without `/scim/v2`; it begins every"
        " Tenant URL. Needed by `serve` and `tenant create`.",
        examples=["https://scim.example.com"],
    )
    backend_url: HttpUrl | None = Field(
        None,
        description="Base URL of the BLDNG dashboard's API. Needed by `work`.",
        examples=["https://dashboard.example.com/internal/v1"],
    )
    backend_token: SecretStr | None = Field(
        None,
        description="Service token for the BLDNG dashboard. Needed by `work`.",
        examples=["the token that BLDNG issued"],
    )
    listen: ListenAddress = Field(
        Address("127.0.0.1", 8080),
        description="Address of the SCIM listener.",
        examples=["0.0.0.0:8080"],
    )
    ops_listen: ListenAddress = Field(
        Address("127.0.0.1", 9090),
        description="Address of the operators' listener (`/metrics`, `/livez`, `/readyz`);"
        " keep it off the public network.",
        examples=["127.0.0.1:9090"],
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level that is logged.", examples=["info"]
    )
    redis_timeout_ms: int = Field(
        800,
        ge=50,
        le=10_000,
        description="Milliseconds within which Redis must answer a call.",
        examples=["800"],
    )
    ack: Ack = Field(
        Ack.FSYNC,
        description="How far a write has got when it is acknowledged: `memory` (the last seconds"
        " may be lost at a power loss), `fsync` (on Redis' disk: `appendfsync always`) or"
        " `replica` (on a replica as well). A Redis that cannot keep it is refused; see"
        " docs/redis.md.",
        examples=["fsync"],
    )
    redis_memory_limit: int = Field(
        90,
        ge=10,
        le=100,
        description="Percent of Redis' `maxmemory` above which SCIM creates are refused with 503,"
        " until it is 5 points below. At 100 Redis itself refuses all that grows.",
        examples=["90"],
    )
    allow_unsafe_redis: bool = Field(
        default=False,
        description="Start although Redis may evict, does not persist or does not keep"
        " `BLDNG_SCIM_ACK`. For trials only.",
        examples=["false"],
    )
    body_limit_bytes: int = Field(
        1024 * 1024,
        ge=1024,
        le=64 * 1024 * 1024,
        description="Bytes a request body may have; a longer one is answered 413.",
        examples=["1048576"],
    )
    token_cache_s: float = Field(
        5,
        ge=0,
        le=300,
        description="Seconds a checked token is remembered: a revocation takes at most that long.",
        examples=["5"],
    )
    rate_limit: Rate = Field(
        100,
        ge=0,
        le=100_000,
        description="SCIM requests a second that one gateway process takes of a tenant; more are"
        " answered 429. At least 25; 0 is no limit.",
        examples=["100"],
    )
    rate_burst: int = Field(
        200,
        ge=LEAST_RATE,
        le=1_000_000,
        description="SCIM requests that a tenant may send at once after a rest.",
        examples=["200"],
    )
    auth_failure_limit: int = Field(
        20,
        ge=0,
        le=100_000,
        description="Refused tokens a second from one address; more are answered 429 instead of"
        " 401. A right token always passes. 0 is no limit.",
        examples=["20"],
    )
    drain_delay_s: float = Field(
        5,
        ge=0,
        le=120,
        description="Seconds between `/readyz` turning 503 and the listener closing, for load"
        " balancers to notice.",
        examples=["5"],
    )
    drain_timeout_s: float = Field(
        20,
        ge=0,
        le=300,
        description="Seconds that requests or sync attempts in hand may take to finish at a stop.",
        examples=["20"],
    )
    lease_ms: int = Field(
        30_000,
        ge=200,
        le=600_000,
        description="Milliseconds a worker holds a claimed resource without a sign of life.",
        examples=["30000"],
    )
    settle_ms: int = Field(
        30_000,
        ge=0,
        le=600_000,
        description="Milliseconds to wait after a create of unknown outcome before looking again.",
        examples=["30000"],
    )
    slots: int = Field(
        64,
        ge=1,
        le=1024,
        description="Resources that one worker process syncs at the same time.",
        examples=["64"],
    )
    backend_rate: int = Field(
        0,
        ge=0,
        le=100_000,
        description="Calls a second that all workers together may make on BLDNG; set it alike for"
        " all of them. 0 is no limit.",
        examples=["50"],
    )
    sweep_days: float = Field(
        7,
        ge=0,
        le=365,
        description="Days in which every resource is compared with BLDNG once and sent again when"
        " it differs, at most one a second for each tenant; 0 turns it off.",
        examples=["7"],
    )
    profile_dir: Path | None = Field(
        None,
        description="Directory of mapping profiles, `<tenant>.toml`; a tenant without one uses"
        " the built-in mapping.",
        examples=["/etc/bldng-scim/profiles"],
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` passes in: the environment has one way into the program."""
        return (init_settings,)

    def require(self, *fields: str) -> None:
        """Raise SettingsError, a line for each of these optional settings that was not given."""
        missing = [name for name in fields if getattr(self, name) is None]
        if missing:
            raise SettingsError([_line(name, "is required here") for name in missing])


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings of this process; an empty value counts as not given.

    Raises SettingsError, a line per fault.
    """
    given = os.environ if environ is None else environ
    ours = {name: value for name, value in given.items() if name.startswith(PREFIX)}
    faults: list[str] = []
    values = dict(_values(ours, faults))
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError([*faults, *_fault_lines(error, values)]) from None
    faults += [_line(field, what) for field, what in redis_settings.faults(settings)]
    if faults:
        raise SettingsError(faults)
    return settings


def _values(ours: Mapping[str, str], faults: list[str]) -> Iterator[tuple[str, str]]:
    """The given settings by field name, files read; what is wrong with a name goes to `faults`."""
    for name, value in ours.items():
        field = name.removeprefix(PREFIX).lower()
        if field in Settings.model_fields:
            if value:
                yield field, value
        elif name.endswith(_FILE) and field.removesuffix("_file") in _secrets():
            yield from _from_file(name, value, ours, faults)
        else:
            faults.append(_unknown(name))


def _from_file(
    name: str, path: str, ours: Mapping[str, str], faults: list[str]
) -> Iterator[tuple[str, str]]:
    """The secret a `_FILE` variable points to, less one trailing newline."""
    plain = name.removesuffix(_FILE)
    if ours.get(plain):
        faults.append(f"{name}: {plain} is set too; keep one of the two")
        return
    try:
        secret = Path(path).read_bytes().decode().removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        faults.append(f"{name}: cannot be read ({type(error).__name__}); give a readable file")
        return
    if not secret:
        faults.append(f"{name}: the file is empty; put the secret into it")
    yield plain.removeprefix(PREFIX).lower(), secret


def _unknown(name: str) -> str:
    known = [field.upper() for field in Settings.model_fields]
    known += [field.upper() + _FILE for field in _secrets()]
    near = difflib.get_close_matches(name.removeprefix(PREFIX).upper(), known, n=1)
    cure = f"did you mean {PREFIX}{near[0]}?" if near else "see docs/settings.md for the names"
    return f"{name}: is not a setting; {cure}"


def _fault_lines(error: ValidationError, values: Mapping[str, str]) -> Iterator[str]:
    """One line per invalid setting. What was given is not repeated: it may be a secret."""
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        field = str(fault["loc"][0])
        what = fault["msg"].removeprefix("Value error, ") if field in values else "is required"
        yield _line(field, what)


def _line(field: str, what: str) -> str:
    example = _example(Settings.model_fields[field])
    return f"{env_name(field)}: {what[:1].lower()}{what[1:]}; for example {example}"


def _example(info: FieldInfo) -> str:
    return str((info.examples or [""])[0])


def _secrets() -> list[str]:
    fields = Settings.model_fields.items()
    return [name for name, info in fields if "SecretStr" in str(info.annotation)]


def env_name(field: str) -> str:
    """The variable of a field: `redis_url` is BLDNG_SCIM_REDIS_URL."""
    return PREFIX + field.upper()


def reference_table() -> str:
    """The Markdown table of all settings, as docs/settings.md shows it."""
    rows = [_row(name, info) for name, info in Settings.model_fields.items()]
    return "\n".join(["| Name | Default | Meaning |", "| --- | --- | --- |", *rows]) + "\n"


def _row(field: str, info: FieldInfo) -> str:
    name = f"`{env_name(field)}`" + (" (or `…_FILE`)" if field in _secrets() else "")
    return f"| {name} | {_default(info)} | {info.description} |"


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    if info.default is None:
        return ""
    shown = str(info.default)
    return f"`{shown.lower() if isinstance(info.default, bool) else shown}`"
