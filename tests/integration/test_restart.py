"""A gateway is replaced by a new process, and its clients notice nothing."""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from load import Load
from running import TWISTD, Running, alive, ask, backend, backends, eventually, free_ports, gateway, post, running, up

PYTHON = Path(sys.executable).name


@contextmanager
def ended_with(command: Running) -> Iterator[None]:
    """Whoever has replaced *command* ends with the ``with``."""
    try:
        yield
    finally:
        for line in command.output.splitlines():
            if "has taken over" in line:
                pid = int(line.partition("process ")[2].split()[0])
                if alive(pid):
                    os.kill(pid, signal.SIGTERM)
                    eventually(lambda pid=pid: not alive(pid), "the new process has ended")


def _until_started(port: int) -> None:
    """It listens before it heeds signals, but answers only afterwards."""
    assert ask(port, "/healthz").status == 200


def test_a_restart_under_load_refuses_and_resets_nothing(tmp_path: Path) -> None:
    with (
        gateway(tmp_path) as (command, port),
        ended_with(command),
        backend(tmp_path, port, "--backend-heartbeat-seconds=30", "--name=one"),
        backend(tmp_path, port, "--backend-heartbeat-seconds=30", "--name=two"),
    ):
        eventually(lambda: up(port, 2), "two backends are up")
        with Load(port, 6, "/") as load:
            eventually(lambda: len(load.requests) > 100, "the load is on")
            command.process.send_signal(signal.SIGUSR2)
            assert command.wait() == 0, command.output
            so_far = len(load.requests)
            eventually(lambda: len(load.requests) > so_far + 100, "the new process answers")
        assert load.failed == []
        assert "has taken over" in command.output
        # It knew everybody from its predecessor: no heartbeat has come yet.
        assert up(port, 2)
        (pidfile,) = tmp_path.glob("openprequal-[0-9]*.pid")
        assert alive(int(pidfile.read_text()))


def test_who_was_drained_is_drained_at_the_new_process(tmp_path: Path) -> None:
    with gateway(tmp_path) as (command, port), ended_with(command), backend(tmp_path, port) as (_, its_port):
        eventually(lambda: up(port, 1), "the backend is up")
        url = f"http://localhost:{its_port}"
        assert post(port, "/_openprequal/drain", {"url": url}).status == 200
        command.process.send_signal(signal.SIGUSR2)
        assert command.wait() == 0, command.output
        eventually(lambda: backends(port)[url]["reason"] == "drained by 127.0.0.1", "it is drained")


def test_a_new_process_that_cannot_start_leaves_the_old_one_as_it_is(tmp_path: Path) -> None:
    settings = tmp_path / "gateway.toml"
    settings.write_text("queue_max = 1\n")
    with gateway(tmp_path, "--config=gateway.toml") as (command, port):
        _until_started(port)
        settings.write_text("queue_max = -1\n")
        command.process.send_signal(signal.SIGUSR2)
        eventually(lambda: "not restarted, going on" in command.output, "it says that it failed")
        assert "gateway.toml:1: queue_max: -1 cannot be used" in command.output
        assert ask(port, "/readyz").status == 200
        assert int((tmp_path / f"openprequal-{port}.pid").read_text()) == command.pid
        # And again, with settings that can be used.
        settings.write_text("queue_max = 2\n")
        with ended_with(command):
            command.process.send_signal(signal.SIGUSR2)
            assert command.wait() == 0
            assert ask(port, "/readyz").status == 200


def test_who_was_registered_by_hand_is_known_to_the_new_process(tmp_path: Path) -> None:
    with gateway(tmp_path) as (command, port), ended_with(command):
        url = "http://127.0.0.1:9"
        assert post(port, "/register", {"url": url, "weight": 2.5}).status == 200
        command.process.send_signal(signal.SIGUSR2)
        assert command.wait() == 0
        assert backends(port)[url]["weight"] == 2.5


def test_a_unix_socket_stays_where_it_is_and_as_open_as_it_was(tmp_path: Path) -> None:
    port, path = free_ports(), tmp_path / "gateway.sock"
    flags = [f"--listen=tcp:{port}", f"--listen=unix:{path}:mode=600"]
    with gateway(tmp_path, *flags, port=port) as (command, _), ended_with(command):
        _until_started(port)
        command.process.send_signal(signal.SIGUSR2)
        assert command.wait() == 0
        assert path.stat().st_mode & 0o777 == 0o600
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(path))
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 200")


def test_a_socket_of_systemd_is_served(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        # What systemd does: descriptor 3, and the process id that it is for.
        program = (
            "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_PID'] = str(os.getpid());"
            " os.execv(sys.argv[2], sys.argv[2:])"
        )
        os.set_inheritable(listening.fileno(), True)
        environment = {"LISTEN_FDS": "1", "LISTEN_FDNAMES": "http"}
        arguments = ["-c", program, str(listening.fileno()), str(TWISTD)]
        arguments += ["-n", "openprequal", "--listen=systemd:domain=INET:index=0"]
        for _ in range(2):
            with running(arguments, tmp_path, environment, PYTHON, keep=[listening.fileno()]) as command:
                eventually(lambda: "listening on" in command.output, "it listens")
                assert ask(port, "/readyz").status == 200
