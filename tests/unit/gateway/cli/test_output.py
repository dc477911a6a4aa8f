"""Data on stdout in three forms, talk on stderr, confirmation."""

import io

import orjson
import pytest

from gateway.cli import output
from gateway.cli.output import ExitCode, Failure, Format

ROWS = [{"tenant": "acme", "disabled": False, "note": None}, {"tenant": "beta", "disabled": True}]


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(ROWS, Format.JSON, ("tenant",))
    assert orjson.loads(capsys.readouterr().out) == ROWS


def test_jsonl_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(ROWS, Format.JSONL, ("tenant",))
    assert [orjson.loads(line) for line in capsys.readouterr().out.splitlines()] == ROWS


def test_text_is_aligned_under_a_heading(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(ROWS, Format.TEXT, ("tenant", "disabled", "note"))
    assert capsys.readouterr().out.splitlines() == [
        "TENANT  DISABLED  NOTE",
        "acme    no        -",
        "beta    yes       -",
    ]


def test_an_empty_list_is_an_empty_document(capsys: pytest.CaptureFixture[str]) -> None:
    output.table([], Format.JSON, ("tenant",))
    assert capsys.readouterr().out == "[]\n"


def test_a_record_as_text_is_one_line_per_member(capsys: pytest.CaptureFixture[str]) -> None:
    output.record({"tenant": "acme", "tenant_url": "https://x"}, Format.TEXT)
    assert capsys.readouterr().out == "tenant      acme\ntenant_url  https://x\n"


def test_talk_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    output.talk("by the way")
    assert capsys.readouterr() == ("", "by the way\n")


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(Failure, match="add --yes") as failure:
        output.confirm("Sure?", yes=False)
    assert failure.value.code is ExitCode.USAGE


def test_yes_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    output.confirm("Sure?", yes=True)


class Terminal(io.StringIO):
    """Standard input that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_no_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    with pytest.raises(Failure) as failure:
        output.confirm("Sure?", yes=False)
    assert failure.value.code is ExitCode.REFUSED


def test_y_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    output.confirm("Sure?", yes=False)
