"""A service that knows nothing of us, behind the sidecar: balanced, passed through, gone without a failed request."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from load import Load
from running import ask, backend, backends, eventually, free_ports, gateway, up

SERVICE = Path(__file__).with_name("plain_service.py")
SIZE = 50_000_000


@contextlib.contextmanager
def service(port: int) -> "Iterator[subprocess.Popen[bytes]]":
    with subprocess.Popen([sys.executable, str(SERVICE), str(port)]) as process:
        try:
            eventually(lambda: ask(port).status == 200, "the service answers")
            yield process
        finally:
            process.kill()


@contextlib.contextmanager
def behind_sidecar(folder: Path, gateway_port: int, *flags: str) -> "Iterator[str]":
    """A service with its sidecar; the URL it is registered by."""
    port = free_ports(2)
    with (
        service(port + 1),
        backend(folder, gateway_port, f"--upstream=http://127.0.0.1:{port + 1}", *flags, port=port),
    ):
        yield f"http://localhost:{port}"


def test_a_plain_service_is_registered_and_its_load_is_known(tmp_path: Path) -> None:
    with gateway(tmp_path) as (_, port), behind_sidecar(tmp_path, port) as url:
        eventually(lambda: up(port, 1), "it is up")
        with Load(port, 4) as load:
            eventually(lambda: len(load.requests) > 50, "it takes traffic")
            row = eventually(lambda: (row := backends(port)[url])["latency"] and row, "its latency is known")
        assert not load.failed
        assert row["load_source"].startswith("report: openprequal")
        assert row["rif"] >= 0


def test_bodies_and_upgrades_pass_through_both_hops(tmp_path: Path) -> None:
    with gateway(tmp_path) as (_, port), behind_sidecar(tmp_path, port):
        eventually(lambda: up(port, 1), "it is up")
        sent = ask(port, "/", "POST", bytes(SIZE), {"Content-Length": str(SIZE)})
        assert sent.body.startswith(b"%d bytes for 127.0.0.1" % SIZE)
        assert len(ask(port, f"/bytes/{SIZE}").body) == SIZE
        with socket.create_connection(("127.0.0.1", port), 10) as client:
            client.sendall(b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            assert head.startswith(b"HTTP/1.1 101")
            client.sendall(b"hello")
            assert client.recv(5) == b"hello"


def test_a_service_that_is_gone_gets_no_traffic_until_it_is_back(tmp_path: Path) -> None:
    its_port = free_ports(2)
    with (
        gateway(tmp_path) as (_, port),
        behind_sidecar(tmp_path, port),
        service(its_port + 1) as process,
        backend(tmp_path, port, f"--upstream=http://127.0.0.1:{its_port + 1}", port=its_port),
    ):
        eventually(lambda: up(port, 2), "both are up")
        process.kill()
        process.wait()
        url = f"http://localhost:{its_port}"
        eventually(lambda: not backends(port)[url]["up"], "it drains")
        assert {ask(port).status for _ in range(20)} == {200}
        with service(its_port + 1):
            eventually(lambda: up(port, 2), "it is back")


def test_a_sidecar_that_is_told_to_end_under_load_costs_no_request(tmp_path: Path) -> None:
    its_port = free_ports(2)
    with (
        gateway(tmp_path) as (_, port),
        behind_sidecar(tmp_path, port),
        service(its_port + 1),
        backend(tmp_path, port, f"--upstream=http://127.0.0.1:{its_port + 1}", port=its_port) as (command, _),
    ):
        eventually(lambda: up(port, 2), "both are up")
        with Load(port, 8, "/slow") as load:
            url = f"http://localhost:{its_port}"
            eventually(lambda: backends(port)[url]["in_flight"] > 0, "it has its share")
            command.process.terminate()
            command.wait()
            gone = time.monotonic()
            assert url not in backends(port)
            eventually(lambda: sum(each.began > gone for each in load.requests) > 20, "the other goes on")
        assert load.failed == []


def test_every_gateway_behind_a_name_is_told(tmp_path: Path) -> None:
    with gateway(tmp_path) as (_, port):
        with backend(tmp_path, port, f"--proxy-url=dns+http://localhost:{port}"):
            eventually(lambda: up(port, 1), "it is up")
        assert backends(port) == {}
