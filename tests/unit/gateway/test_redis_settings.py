"""The settings of Redis: what they make, and which contradictions are refused with a cure."""

from pathlib import Path

import pytest

from clients.redis.server import Address, Login, Server, Tls
from gateway import settings
from gateway.settings import SettingsError
from tests.support.certificates import Authority, Pair

PASSWORD = 'p@:/#% "é'


def server(**given: str) -> Server:
    environ = {"REDIS_URL": "redis://host", **given}
    named = {f"BLDNG_SCIM_{name}": value for name, value in environ.items()}
    return settings.load(named).redis_server()


def refused(**given: str) -> list[str]:
    with pytest.raises(SettingsError) as error:
        server(**given)
    return [line.removeprefix("BLDNG_SCIM_") for line in error.value.lines]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def ours(authority: Authority) -> Pair:
    return authority.issue("gateway")


def test_credentials_of_their_own_go_before_those_in_the_url() -> None:
    url = "redis://old:older@host"
    assert server(REDIS_URL=url).login == Login("old", "older")
    assert server(REDIS_URL=url, REDIS_PASSWORD=PASSWORD).login == Login("old", PASSWORD)
    assert server(REDIS_URL=url, REDIS_USERNAME="new").login == Login("new", "older")


def test_a_password_file_may_hold_any_character(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    assert server(REDIS_PASSWORD_FILE=str(file)).login.password == PASSWORD
    assert server(
        REDIS_SENTINELS="a:1",
        REDIS_SENTINEL_SERVICE="m",
        REDIS_SENTINEL_PASSWORD_FILE=str(file),
    ).sentinel_login == Login("", PASSWORD)


def test_sentinel_has_credentials_of_its_own() -> None:
    found = server(
        REDIS_URL="rediss://data:secret@/2",
        REDIS_SENTINELS="a:1,b",
        REDIS_SENTINEL_SERVICE="mymaster",
        REDIS_SENTINEL_USERNAME="watcher",
        REDIS_SENTINEL_PASSWORD="other",
    )
    assert found.login == Login("data", "secret")
    assert found.sentinel_login == Login("watcher", "other")
    assert (found.service, found.database, found.tls) == ("mymaster", 2, Tls())
    assert found.sentinels == (Address("a", 1), Address("b", 26379))


def test_tls_files(authority: Authority, ours: Pair) -> None:
    found = server(
        REDIS_URL="rediss://host",
        REDIS_TLS_CA=str(authority.ca),
        REDIS_TLS_CERT=str(ours.certificate),
        REDIS_TLS_KEY=str(ours.key),
    )
    assert found.tls == Tls(str(authority.ca), str(ours.certificate), str(ours.key))


SENTINELS = {"REDIS_SENTINELS": "a:1", "REDIS_SENTINEL_SERVICE": "m"}


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"REDIS_URL": "redis://"}, "REDIS_URL: names no host"),
        ({"REDIS_URL": "redis://u:p@:/#%@h"}, "REDIS_URL: cannot be read as a URL; a password"),
        ({"REDIS_SENTINELS": ","}, "REDIS_SENTINELS: names no Sentinel"),
        ({"REDIS_SENTINELS": "a"}, "REDIS_SENTINEL_SERVICE: is required with"),
        ({"REDIS_SENTINEL_SERVICE": "m"}, "REDIS_SENTINEL_SERVICE: is of no use without"),
        ({"REDIS_SENTINEL_USERNAME": "u"}, "REDIS_SENTINEL_USERNAME: is of no use without"),
        ({"REDIS_SENTINEL_PASSWORD": "p"}, "REDIS_SENTINEL_PASSWORD: is of no use without"),
        ({**SENTINELS, "REDIS_CLUSTER": "true"}, "REDIS_CLUSTER: cannot go with"),
        ({**SENTINELS, "REDIS_URL": "unix:///r"}, "REDIS_URL: is a Unix socket"),
        ({"REDIS_CLUSTER": "true", "REDIS_URL": "redis://h/3"}, "REDIS_URL: names database 3"),
        ({"REDIS_CLUSTER": "true", "REDIS_URL": "unix:///r"}, "REDIS_URL: is a Unix socket"),
        ({"REDIS_TLS_CA": "/x"}, "REDIS_TLS_CA: needs TLS; begin BLDNG_SCIM_REDIS_URL with"),
        (
            {"REDIS_URL": "rediss://h", "REDIS_TLS_CERT": "/x"},
            "REDIS_TLS_KEY: is required with BLDNG_SCIM_REDIS_TLS_CERT",
        ),
        (
            {"REDIS_URL": "rediss://h", "REDIS_TLS_KEY": "/x"},
            "REDIS_TLS_CERT: is required with BLDNG_SCIM_REDIS_TLS_KEY",
        ),
        (
            {"REDIS_URL": "rediss://h", "REDIS_TLS_CA": "/no/such"},
            "REDIS_TLS_CA: cannot be used (FileNotFoundError); give a readable PEM file",
        ),
    ],
)
def test_a_contradiction_is_one_line_with_the_setting_and_the_cure(
    given: dict[str, str], fault: str
) -> None:
    lines = refused(**given)
    assert len(lines) == 1
    assert lines[0].startswith(fault)


def test_a_certificate_and_a_key_belong_together(authority: Authority, ours: Pair) -> None:
    other = authority.issue("other")
    lines = refused(
        REDIS_URL="rediss://host",
        REDIS_TLS_CERT=str(ours.certificate),
        REDIS_TLS_KEY=str(other.key),
    )
    (line,) = lines
    assert line.startswith("REDIS_TLS_CERT: cannot be used with BLDNG_SCIM_REDIS_TLS_KEY (key val")
    assert "give readable PEM files that belong together" in line


def test_no_secret_is_shown() -> None:
    loaded = settings.load({
        "BLDNG_SCIM_REDIS_URL": "redis://u:hunter2@host",
        "BLDNG_SCIM_REDIS_PASSWORD": "hunter3",
    })
    assert "hunter" not in f"{loaded!r}{loaded.redis_server()!r}"
