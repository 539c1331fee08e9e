"""Which gateway is asked, and with which token; nothing is sent here."""

from pathlib import Path

import pytest

from openprequal.cli.asking import client_of
from openprequal.cli.commands import main, parser


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENPREQUAL_GATEWAY", "OPENPREQUAL_TOKEN", "OPENPREQUAL_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)


def test_the_gateway_on_this_host_is_asked_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert client_of(parser().parse_args(["status"])).url == "http://127.0.0.1:8000"
    monkeypatch.setenv("OPENPREQUAL_GATEWAY", "https://gateway:9000/")
    assert client_of(parser().parse_args(["status"])).url == "https://gateway:9000"
    assert client_of(parser().parse_args(["status", "--gateway", "unix:///run/x.sock"])).url == "unix:///run/x.sock"


@pytest.mark.parametrize(
    "url", ["", "gateway:8000", "ftp://a", "http://", "http://a:port", "http://a/path", "http://u:p@a", "unix://a/b"]
)
def test_what_is_no_gateway_is_told(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--gateway", url]) == 2
    assert "must be a URL like http://127.0.0.1:8000" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["http://a..b:1", "unix:///no/such.sock", f"unix:///{'x' * 200}"])
def test_a_gateway_that_cannot_be_there_does_not_answer(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--gateway", url]) == 2
    assert capsys.readouterr().err.startswith(f"openprequal: {url} does not answer: ")


def test_the_token_is_the_first_of_the_file_or_of_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client_of(parser().parse_args(["status"])).token is None
    monkeypatch.setenv("OPENPREQUAL_TOKEN", "new, old")
    assert client_of(parser().parse_args(["status"])).token == "new"
    file = tmp_path / "token"
    file.write_text("# a comment\nfrom-file\nold\n")
    assert client_of(parser().parse_args(["status", "--token-file", str(file)])).token == "from-file"
    monkeypatch.setenv("OPENPREQUAL_TOKEN_FILE", str(file))
    assert client_of(parser().parse_args(["status"])).token == "from-file"


@pytest.mark.parametrize("content", [b"", b"two words\n", b"\xff"])
def test_a_file_without_a_token_is_told(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    assert main(["status", "--token-file", str(file)]) == 2
    assert str(file) in capsys.readouterr().err


def test_the_token_is_in_no_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENPREQUAL_TOKEN", "s3cret")
    assert "s3cret" not in repr(client_of(parser().parse_args(["status"])))


COMMANDS = (
    "status",
    "top",
    "register",
    "unregister",
    "drain",
    "undrain",
    "eject",
    "restore",
    "explain",
    "route",
    "check",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_takes_json(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    assert all(command in told for command in COMMANDS)
