"""The command ``openprequal`` at a gateway: what it says, and with which status it ends."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pyte
import pytest
from running import DEADLINE_S, ROOT, backend, backends, eventually, free_ports, gateway, running, up

from openprequal.cli.commands import main


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """That of a gateway with two backends."""
    with gateway(tmp_path_factory.mktemp("gateway"), "--demo=2", port=free_ports(3)) as (_, port):
        eventually(lambda: up(port, 2), "two backends are up")
        yield port


@pytest.fixture(autouse=True)
def _at(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENPREQUAL_TOKEN", raising=False)
    monkeypatch.delenv("OPENPREQUAL_TOKEN_FILE", raising=False)
    monkeypatch.setenv("OPENPREQUAL_GATEWAY", f"http://127.0.0.1:{port}")


Said = pytest.CaptureFixture[str]


def said_as_json(capsys: Said) -> Any:
    return json.loads(capsys.readouterr().out)


def test_status_shows_services_and_backends(port: int, capsys: Said) -> None:
    assert main(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"http://127.0.0.1:{port} is ready"
    assert any(line.startswith("default") and "2/2" in line and line.endswith("  Prequal") for line in lines)
    assert sum(f"http://localhost:{port + number}  up" in line for number in (1, 2) for line in lines) == 2


def test_status_tells_programs_the_same(port: int, capsys: Said) -> None:
    assert main(["status", "--json"]) == 0
    told = said_as_json(capsys)
    assert (told["ready"], told["gateway"]) == (True, f"http://127.0.0.1:{port}")
    assert [(each["name"], each["up"], each["backends"]) for each in told["services"]] == [("default", 2, 2)]
    assert {each["url"] for each in told["backends"]} == {f"http://localhost:{port + number}" for number in (1, 2)}


def test_status_ends_with_one_where_a_service_has_nobody(port: int, capsys: Said) -> None:
    urls = list(backends(port))
    assert [main(["drain", url]) for url in urls] == [0, 0]
    capsys.readouterr()
    assert main(["status"]) == 1
    assert "0/2" in capsys.readouterr().out
    assert [main(["undrain", url]) for url in urls] == [0, 0]


def test_a_backend_is_drained_and_undrained(port: int, capsys: Said) -> None:
    url = f"http://localhost:{port + 1}"
    assert main(["drain", url, "--wait", "5"]) == 0
    assert capsys.readouterr().out == f"{url} is draining: drained by 127.0.0.1\n"
    assert not backends(port)[url]["up"]
    assert main(["undrain", url, "--json"]) == 0
    assert said_as_json(capsys)["state"] == "up"
    assert backends(port)[url]["up"]


def test_a_backend_is_ejected_and_restored(port: int, capsys: Said) -> None:
    url = f"http://localhost:{port + 1}"
    assert main(["eject", url]) == 0
    assert main(["restore", url]) == 0
    assert capsys.readouterr().out == f"{url} is ejected: ejected by 127.0.0.1\n{url} is up: serving\n"


def test_a_backend_is_registered_and_unregistered(port: int, capsys: Said) -> None:
    url = f"http://127.0.0.1:{free_ports()}"
    assert main(["register", url, "--weight", "2", "--zone", "east"]) == 0
    assert (backends(port)[url]["weight"], backends(port)[url]["zone"]) == (2, "east")
    assert main(["unregister", url]) == 0
    assert url not in backends(port)
    assert capsys.readouterr().out.splitlines() == [
        f"{url} is registered in service default",
        f"{url} is no backend of service default any more",
    ]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["drain", "http://127.0.0.1:1"], "there is no backend http://127.0.0.1:1 in service default"),
        (["drain", "http://127.0.0.1:1", "--service", "api"], "there is no 'api', only default"),
        (["register", "nonsense"], "url: must start with http://"),
    ],
)
def test_what_the_gateway_refuses_ends_with_one(arguments: list[str], why: str, capsys: Said) -> None:
    assert main(arguments) == 1
    assert why in capsys.readouterr().err


def test_a_gateway_that_is_not_there_is_told(capsys: Said) -> None:
    nobody = f"http://127.0.0.1:{free_ports()}"
    assert main(["status", "--gateway", nobody]) == 2
    assert capsys.readouterr().err == f"openprequal: {nobody} does not answer: Connection refused\n"


def test_a_server_that_is_no_gateway_is_told(port: int, capsys: Said) -> None:
    assert main(["status", "--gateway", f"http://127.0.0.1:{port + 1}"]) == 2
    assert "not as a gateway does; if its admin API is elsewhere" in capsys.readouterr().err


def test_top_prints_once_where_there_is_no_terminal(port: int, capsys: Said) -> None:
    assert main(["top"]) == 0
    told = capsys.readouterr().out
    assert f"http://localhost:{port + 1}" in told
    assert "REQ/S" in told


def test_who_may_not_ask_is_told_what_would_help(tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    token, socket = tmp_path / "token", tmp_path / "admin.sock"
    token.write_text("s3cret\n")
    flags = (f"--token-file={token}", f"--admin-listen=unix:{socket}")
    with gateway(tmp_path, *flags):
        eventually(socket.exists, "it listens")
        where = ["--gateway", f"unix://{socket}"]
        assert main(["status", *where]) == 2
        assert "OPENPREQUAL_TOKEN or --token-file" in capsys.readouterr().err
        monkeypatch.setenv("OPENPREQUAL_TOKEN", "guessed")
        assert main(["status", *where]) == 2
        assert "none of its tokens" in capsys.readouterr().err
        assert main(["status", *where, "--token-file", str(token)]) == 0


def test_check_says_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text("port = 8000\n")
    (tmp_path / "bad.toml").write_text("prot = 8000\n")
    ended = {}
    for name in ("good.toml", "bad.toml", "absent.toml"):
        with running(
            ["-m", "openprequal.cli.commands", "check", name], tmp_path, program=Path(sys.executable).name
        ) as one:
            ended[name] = one.wait(), one.output
    assert ended["good.toml"][0] == 0
    assert ended["good.toml"][1].startswith("openprequal: settings are ok")
    assert ended["bad.toml"] == (1, "openprequal: bad.toml:1: prot: no such setting; did you mean port?\n")
    assert ended["absent.toml"] == (2, "openprequal: absent.toml: there is no such file\n")


class Terminal:
    """A terminal with ``openprequal top`` in it.

    :ivar lines: what is to be seen.
    """

    def __init__(self, port: int) -> None:
        self._screen = pyte.Screen(120, 24)
        self._stream = pyte.ByteStream(self._screen)
        gateway = f"http://127.0.0.1:{port}"
        arguments = ["-m", "openprequal.cli.commands", "top", "--interval", "0.2", "--gateway", gateway]
        environment = {**os.environ, "TERM": "linux", "PYTHONPATH": str(ROOT)}
        self.child = pexpect.spawn(sys.executable, arguments, dimensions=(24, 120), env=environment, timeout=DEADLINE_S)

    @property
    def lines(self) -> list[str]:
        while True:
            try:
                self._stream.feed(self.child.read_nonblocking(65536, timeout=0.05))
            except pexpect.TIMEOUT:
                return list(self._screen.display)

    def shows(self, *words: str) -> bool:
        """Whether one line holds all of *words*."""
        return any(all(word in line for word in words) for line in self.lines)


def test_top_shows_who_is_there_and_who_has_gone_and_why(port: int, tmp_path: Path) -> None:
    with backend(tmp_path, port) as (third, its_port):
        urls = [f"http://localhost:{number}" for number in (port + 1, port + 2, its_port)]
        terminal = Terminal(port)
        for url in urls:
            eventually(lambda url=url: terminal.shows(url, " up "), f"{url} is shown")
        assert terminal.shows("default", "3/3")
        third.process.kill()
        third.wait()
        eventually(lambda: terminal.shows("left", urls[2], "silent for 2 s"), "it is told that it has gone")
        eventually(lambda: terminal.shows("default", "2/2"), "two are left")
        terminal.child.send("q")
        terminal.child.expect(pexpect.EOF)
        terminal.child.close()
        assert terminal.child.exitstatus == 0
