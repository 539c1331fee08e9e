"""The agent's threads on real sockets: heartbeats to a gateway, answers to probes, and signals held back."""

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from random import Random
from typing import Any

import pytest
from running import ask, eventually

from openprequal.agent.heartbeat_body import Registration
from openprequal.agent.workers.departure import Departure
from openprequal.agent.workers.gateway_thread import GatewayThread
from openprequal.agent.workers.probe_server import MAX_CONNECTIONS, ProbeServer
from openprequal.values import LoadReport, LoadState

REGISTRATION = Registration("default", 1.0, "/healthz", 0.1)


class Gateway:
    """Answers with *statuses*, the last for ever."""

    def __init__(self) -> None:
        self.statuses = [200]
        self.heard: list[tuple[str, Any, str | None]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.heard.append((self.path, body, self.headers["authorization"]))
                status = outer.statuses.pop(0) if len(outer.statuses) > 1 else outer.statuses[0]
                self.send_response(status)
                self.send_header("Location", f"http://127.0.0.1:{outer.port}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                return None

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def paths(self) -> list[str]:
        return [path for path, _, _ in self.heard]


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    made = Gateway()
    yield made
    made.server.shutdown()
    made.server.server_close()


def heartbeats(port: int, **more: Any) -> GatewayThread:
    thread = GatewayThread(
        f"http://127.0.0.1:{port}", REGISTRATION, lambda: "http://me:1", lambda: LoadReport(2, 0.5), Random(1), **more
    )
    thread.start()
    return thread


def test_heartbeats_tell_url_and_load_until_the_end_and_then_unregister(gateway: Gateway) -> None:
    thread = heartbeats(gateway.port, token=lambda: "secret")
    eventually(lambda: len(gateway.heard) >= 3, "several heartbeats")
    thread.end(unregister=True)
    thread.join()
    path, body, authorization = gateway.heard[0]
    assert (path, body["url"], authorization) == ("/register", "http://me:1", "Bearer secret")
    assert body["load"] == {"rif": 2, "latency": 0.5, "state": "ready"}
    assert gateway.paths()[-1] == "/unregister"
    assert set(gateway.paths()[:-1]) == {"/register"}


def test_who_hands_over_to_another_does_not_unregister(gateway: Gateway) -> None:
    thread = heartbeats(gateway.port)
    eventually(lambda: gateway.heard, "a heartbeat")
    thread.end(unregister=False)
    thread.join()
    assert "/unregister" not in gateway.paths()


def test_after_a_refusal_it_tries_on_and_follows_no_redirect(gateway: Gateway) -> None:
    gateway.statuses = [500, 307, 403, 200]
    thread = heartbeats(gateway.port)
    eventually(lambda: len(gateway.heard) >= 5, "it tries on")
    thread.end(unregister=False)
    thread.join()
    assert set(gateway.paths()) == {"/register"}


def test_a_gateway_that_is_not_there_does_not_hold_up_the_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    thread = heartbeats(port)
    thread.end(unregister=True)
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture
def probes() -> Iterator[tuple[ProbeServer, list[LoadReport]]]:
    load = [LoadReport(3, 0.25)]
    server = ProbeServer(lambda: load[0], 0, local_only=True)
    yield server, load
    server.close()


Probes = tuple[ProbeServer, list[LoadReport]]


def test_a_probe_is_answered_with_the_load_in_field_and_body(probes: Probes) -> None:
    answer = ask(probes[0].port, "/any")
    assert (answer.status, answer.headers["openprequal-load"]) == (200, "rif=3, latency=0.250000, state=ready")
    assert answer.json == {"status": "ok", "rif": 3, "latency": 0.25, "state": "ready"}


def test_once_the_application_drains_probes_hear_so(probes: Probes) -> None:
    probes[1][0] = LoadReport(0, None, LoadState.DRAINING)
    assert ask(probes[0].port).status == 503


def test_probes_on_one_connection_are_answered_one_after_the_other(probes: Probes) -> None:
    with socket.create_connection(("127.0.0.1", probes[0].port), 10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHo")
        received = connection.recv(65536)
        connection.sendall(b"st: a\r\n\r\n")
        while received.count(b"HTTP/1.1 200 OK") < 2:
            chunk = connection.recv(65536)
            assert chunk
            received += chunk


@pytest.mark.parametrize(
    "garbage", [b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /", b"\x16\x03\r\n\r\n", b"x" * 20000]
)
def test_who_sends_anything_else_is_cut_off(probes: Probes, garbage: bytes) -> None:
    with socket.create_connection(("127.0.0.1", probes[0].port), 10) as connection:
        connection.sendall(garbage)
        with suppress(ConnectionResetError):
            assert connection.recv(1) == b""
    assert ask(probes[0].port).status == 200


def test_connections_beyond_the_most_are_closed(probes: Probes) -> None:
    address = "127.0.0.1", probes[0].port
    held = [socket.create_connection(address, 10) for _ in range(MAX_CONNECTIONS)]
    try:
        with socket.create_connection(address, 10) as one_more:
            assert one_more.recv(1) == b""
    finally:
        for connection in held:
            connection.close()
    eventually(lambda: ask(probes[0].port).status == 200, "there is room again")


def test_after_its_end_the_port_is_free_for_the_next_one(probes: Probes) -> None:
    ask(probes[0].port)
    probes[0].close()
    with closing(socket.create_server(("127.0.0.1", probes[0].port))):
        pass


@pytest.fixture
def handled() -> Iterator[list[int]]:
    """Signals that have reached this process's own handler of SIGTERM."""
    arrived: list[int] = []
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGURG)}
    signal.signal(signal.SIGTERM, lambda signum, frame: arrived.append(signum))
    signal.signal(signal.SIGURG, signal.SIG_DFL)  # a backend of another test may have taken it
    yield arrived
    for signum, handler in before.items():
        signal.signal(signum, handler)


def test_a_signal_reaches_the_server_only_when_it_is_passed_on(handled: list[int]) -> None:
    departure = Departure()
    departure.stand_before()
    os.kill(os.getpid(), signal.SIGTERM)
    assert (departure.signum, handled) == (signal.SIGTERM, [])
    departure.pass_on()
    assert handled == [signal.SIGTERM]


def test_a_second_signal_reaches_the_server_at_once_and_only_once(handled: list[int]) -> None:
    departure = Departure()
    departure.stand_before()
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)
    assert handled == [signal.SIGTERM]
    departure.pass_on()
    assert handled == [signal.SIGTERM]


def test_a_thread_can_have_the_main_thread_stand_before_a_handler_that_came_later(handled: list[int]) -> None:
    departure = Departure()
    thread = threading.Thread(target=departure.stand_before)
    thread.start()
    thread.join()
    eventually(lambda: signal.getsignal(signal.SIGTERM) == departure._arrived, "it stands before")
    departure.pass_on()
    os.kill(os.getpid(), signal.SIGTERM)
    assert handled == [signal.SIGTERM]


def test_what_is_ignored_stays_ignored(handled: list[int]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    departure = Departure()
    departure.stand_before()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) == departure._arrived
