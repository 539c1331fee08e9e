"""Settings are reloaded and backends replaced under load, and no client notices."""

import contextlib
import signal
import socket
from pathlib import Path

from load import Load
from running import ROOT, ask, backend, backends, eventually, free_ports, gateway, post, running, up

PLAIN_SERVICE = ROOT / "tests" / "integration" / "plain_service.py"


def _tunnel(port: int) -> socket.socket:
    """An open WebSocket to a backend that echoes."""
    client = socket.create_connection(("127.0.0.1", port), 10)
    client.sendall(b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    assert head.startswith(b"HTTP/1.1 101")
    return client


def _echo(client: socket.socket, data: bytes) -> bool:
    client.sendall(data)
    return client.recv(len(data), socket.MSG_WAITALL) == data


def test_a_reload_under_load_cuts_no_request_and_no_websocket(tmp_path: Path) -> None:
    settings, service_port = tmp_path / "gateway.toml", free_ports()
    settings.write_text("")
    with (
        gateway(tmp_path, "--config=gateway.toml") as (command, port),
        running([str(PLAIN_SERVICE), str(service_port)], tmp_path, program="python"),
        contextlib.ExitStack() as stack,
    ):
        assert post(port, "/register", {"url": f"http://127.0.0.1:{service_port}"}).status == 200
        eventually(lambda: up(port, 1), "the backend is up")
        tunnels = [stack.enter_context(_tunnel(port)) for _ in range(5)]
        with Load(port, 4) as load:
            for number, balancer in enumerate(("round_robin", "least_in_flight", "peak_ewma", "prequal")):
                settings.write_text(f'load_balancer_class = "{balancer}"\nresponse_timeout_seconds = {10 + number}\n')
                if number % 2:
                    command.process.send_signal(signal.SIGHUP)
                    said = ": load_balancer_class, response_timeout_seconds"
                    eventually(lambda said=said, times=number: command.output.count(said) > times, "it has reloaded")
                else:
                    answer = post(port, "/_openprequal/reload", None)
                    assert answer.json["changed"] == ["load_balancer_class", "response_timeout_seconds"]
                so_far = len(load.requests)
                eventually(lambda so_far=so_far: len(load.requests) > so_far + 30, "requests go on")
            settings.write_text('queue_max = "few"\n')
            command.process.send_signal(signal.SIGHUP)
            eventually(lambda: "queue_max: 'few' cannot be used" in command.output, "it says why not")
        assert load.failed == []
        assert all(_echo(tunnel, b"still here") for tunnel in tunnels)
        (row,) = backends(port).values()
        assert row["in_flight"] == 5


def test_a_rolling_restart_of_all_backends_fails_no_request(tmp_path: Path) -> None:
    slow = ("--work-seconds=0.01", "--cores=0")
    with gateway(tmp_path) as (_, port), contextlib.ExitStack() as later:
        leaving = [contextlib.ExitStack() for _ in range(2)]
        olds = [each.enter_context(backend(tmp_path, port, *slow))[0] for each in leaving]
        eventually(lambda: up(port, 2), "two backends are up")
        with Load(port, 4) as load:
            for old, each in zip(olds, leaving, strict=True):
                later.enter_context(backend(tmp_path, port, *slow))
                eventually(lambda: up(port, 3), "the new one is up")
                old.process.send_signal(signal.SIGTERM)
                old.wait()
                each.close()
                so_far = len(load.requests)
                eventually(lambda so_far=so_far: len(load.requests) > so_far + 50, "requests go on")
        assert load.failed == []
        assert ask(port, "/readyz").status == 200
        assert up(port, 2)
