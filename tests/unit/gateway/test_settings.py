"""Settings: what is read, what is refused, and that the reference in the docs is current."""

from pathlib import Path

import pytest

from gateway import settings
from gateway.settings import Address, SettingsError

REDIS = {"BLDNG_SCIM_REDIS_URL": "redis://127.0.0.1:6379/0"}
DOCS = Path(__file__).parents[3] / "docs" / "settings.md"


def refused(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as error:
        settings.load(environ)
    return error.value.lines


def test_only_redis_has_no_default() -> None:
    loaded = settings.load(REDIS)
    assert loaded.redis_url.get_secret_value() == REDIS["BLDNG_SCIM_REDIS_URL"]
    assert (loaded.listen, loaded.redis_timeout_ms) == (Address("127.0.0.1", 8080), 800)


def test_names_of_others_are_none_of_our_business() -> None:
    assert settings.load({**REDIS, "PATH": "/bin", "bldng_scim_slots": "x"}).slots == 64


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0.0.0.0:8080", Address("0.0.0.0", 8080)),
        ("[::1]:0", Address("::1", 0)),
        ("gateway:65535", Address("gateway", 65535)),
    ],
)
def test_addresses(text: str, address: Address) -> None:
    loaded = settings.load({**REDIS, "BLDNG_SCIM_LISTEN": text})
    assert loaded.listen == address
    assert str(loaded.listen) == text


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("REDIS_URL", "", "is required; for example redis://"),
        ("REDIS_ULR", "x", "is not a setting; did you mean BLDNG_SCIM_REDIS_URL?"),
        ("COLOUR", "red", "is not a setting; see docs/settings.md"),
        ("SLOTS_FILE", "/x", "is not a setting; did you mean BLDNG_SCIM_SLOTS?"),
        ("LISTEN", "8080", "is not host:port; for example 0.0.0.0:8080"),
        ("LISTEN", "host:65536", "is not host:port"),
        ("PUBLIC_URL", "scim.example.com", "is not an http(s) URL"),
        ("PUBLIC_URL", "https://x/?a=b", "is not an http(s) URL"),
        ("SLOTS", "0", "input should be greater than or equal to 1"),
        ("SLOTS", "many", "input should be a valid integer"),
        ("RATE_LIMIT", "24", "is below 25: Entra's gallery rule"),
        ("RATE_LIMIT", "-1", "input should be greater than or equal to 0"),
        ("RATE_BURST", "24", "input should be greater than or equal to 25"),
        ("LOG_LEVEL", "loud", "input should be 'debug', 'info'"),
        ("ALLOW_UNSAFE_REDIS", "maybe", "input should be a valid boolean"),
        ("BACKEND_TOKEN_FILE", "/no/such", "cannot be read (FileNotFoundError)"),
    ],
)
def test_a_bad_setting_is_one_line_with_name_fault_and_cure(
    name: str, value: str, fault: str
) -> None:
    lines = refused({**REDIS, f"BLDNG_SCIM_{name}": value})
    assert len(lines) == 1
    assert lines[0].startswith(f"BLDNG_SCIM_{name}: {fault}")
    assert "\n" not in lines[0]


def test_every_fault_is_told_at_once_and_no_value_is_repeated() -> None:
    lines = refused({"BLDNG_SCIM_SLOTS": "hunter2", "BLDNG_SCIM_TYPO": "hunter2"})
    assert [line.partition(":")[0] for line in lines] == [
        "BLDNG_SCIM_TYPO",
        "BLDNG_SCIM_REDIS_URL",
        "BLDNG_SCIM_SLOTS",
    ]
    assert "hunter2" not in "".join(lines)


@pytest.mark.parametrize(
    ("content", "secret"), [(b"s3cret", "s3cret"), (b"s3cret\n", "s3cret"), (b" s\n\n", " s\n")]
)
def test_a_secret_file_loses_one_trailing_newline(
    tmp_path: Path, content: bytes, secret: str
) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    token = settings.load({**REDIS, "BLDNG_SCIM_BACKEND_TOKEN_FILE": str(file)}).backend_token
    assert token is not None
    assert token.get_secret_value() == secret


@pytest.mark.parametrize(
    ("content", "plain", "fault"),
    [(b"x", "y", "is set too"), (b"\n", "", "is empty"), (b"\xff", "", "cannot be read")],
)
def test_a_secret_file_that_cannot_be_used(
    tmp_path: Path, content: bytes, plain: str, fault: str
) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    environ = {"BLDNG_SCIM_BACKEND_TOKEN_FILE": str(file), "BLDNG_SCIM_BACKEND_TOKEN": plain}
    assert fault in refused({**REDIS, **environ})[0]


def test_secrets_do_not_print() -> None:
    assert "6379" not in repr(settings.load(REDIS))


def test_a_command_names_what_it_misses() -> None:
    with pytest.raises(SettingsError) as error:
        settings.load(REDIS).require("redis_url", "backend_url", "backend_token")
    assert [line.partition(":")[0] for line in error.value.lines] == [
        "BLDNG_SCIM_BACKEND_URL",
        "BLDNG_SCIM_BACKEND_TOKEN",
    ]


def test_the_reference_in_the_docs_is_current() -> None:
    assert settings.reference_table() in DOCS.read_text(), (
        f"put the output of gateway.settings.reference_table() into {DOCS.name}"
    )


def test_every_setting_is_described_with_an_example_that_is_accepted() -> None:
    for field, info in settings.Settings.model_fields.items():
        assert info.description
        assert info.examples
        given = {"redis_url": "redis://127.0.0.1:6379/0", field: str(info.examples[0])}
        assert settings.Settings.model_validate(given).model_fields_set >= {field}
