"""Files of a registry and real gateways: one dies and knows its backends again, one follows a list."""

import signal
from pathlib import Path

from running import ask, backends, eventually, gateway, post, running, up


def test_a_gateway_that_was_killed_knows_its_backends_from_its_first_moment(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text('[registry_parameters]\nfile = "registry.json"\n')
    url = "http://127.0.0.1:9"
    with gateway(tmp_path, "--config=gateway.toml") as (command, port):
        assert post(port, "/register", {"url": url, "weight": 2}).status == 200
        eventually(lambda: url in (tmp_path / "registry.json").read_text(), "it is written")
        command.process.send_signal(signal.SIGKILL)
        command.wait()
    with gateway(tmp_path, "--config=gateway.toml") as (_, port):
        assert backends(port)[url]["weight"] == 2


def test_a_gateway_follows_the_file_that_lists_its_backends(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    listed = tmp_path / "backends.toml"
    listed.write_text("backends = []\n")
    (tmp_path / "gateway.toml").write_text('registry_class = "file"\n[registry_parameters]\nfile = "backends.toml"\n')
    with gateway(elsewhere, "--demo=1") as (_, other), gateway(tmp_path, "--config=gateway.toml") as (command, port):
        assert backends(port) == {}
        eventually(lambda: up(other, 1), "the one to be listed can answer")
        listed.write_text(f'[[backends]]\nurl = "http://127.0.0.1:{other}"\nhealth_path = "/healthz"\n')
        eventually(lambda: up(port, 1), "it is known, and up")
        assert ask(port).status == 200
        listed.write_text("[[backends]]\nurl = 7\n")
        eventually(lambda: "backends.toml:2: backends[0].url" in command.output, "the mistake is told")
        assert up(port, 1)
        refused = post(port, "/register", {"url": "http://127.0.0.1:9"})
        assert (refused.status, "backends come from" in refused.json["detail"]) == (409, True)
        assert post(port, "/unregister", {"url": f"http://127.0.0.1:{other}"}).status == 409


def test_a_list_with_mistakes_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "backends.toml").write_text("[[backends]]\nurl = 7\n[[backends]]\nurl = 'ftp://x'\n")
    (tmp_path / "gateway.toml").write_text('registry_class = "file"\n[registry_parameters]\nfile = "backends.toml"\n')
    with running(["-n", "openprequal", "--check", "--config=gateway.toml"], tmp_path) as command:
        assert command.wait() == 1
        assert "backends.toml:2: backends[0].url" in command.output
        assert "backends.toml:4: backends[1].url" in command.output
