"""A gateway follows an API server over TLS: pods come, drain and go; tokens and servers are replaced; servers hang."""

import contextlib
import json
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPSConnection
from pathlib import Path
from threading import Thread

import pytest
import trustme
from running import DEADLINE_S, Answer, Running, ask, backends, eventually, free_ports, gateway, post, up

from openprequal.testing.kubernetes_api import endpoint, endpoint_slice

SERVER = Path(__file__).with_name("kubernetes_api_server.py")
SERVICE = Path(__file__).with_name("plain_service.py")
LEAVING = {"ready": False, "serving": True, "terminating": True}


class ApiServer:
    """The fake as a process, with a certificate of its own authority; can be replaced by another."""

    def __init__(self, folder: Path) -> None:
        self.port = free_ports()
        self.token_file, self.ca_file = folder / "token", folder / "ca.crt"
        self._pem = folder / "server.pem"
        self._process: subprocess.Popen[bytes] | None = None
        self.token_file.write_text("first")
        self.renew_authority()

    def renew_authority(self) -> None:
        """From the next start on it has a certificate of another authority."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca_file))
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(self._pem))
        self._trust = ssl.create_default_context(cafile=str(self.ca_file))

    def start(self, version: int = 100) -> None:
        """A new one, which knows of no slice yet, and of no change before *version*."""
        arguments = [str(self.port), str(self._pem), "first", str(version)]
        self._process = subprocess.Popen([sys.executable, str(SERVER), *arguments])
        eventually(lambda: self.watching is not None, "the API server listens")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """It takes connections, as far as the kernel does, and says nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def call(self, name: str, *arguments: object) -> None:
        self._control({"call": name, "arguments": arguments})

    def allow(self, token: str) -> None:
        self._control({"set": {"tokens": [token]}})

    def run(self, name: str, port: int, **conditions: bool) -> None:
        """A slice of one pod on *port*."""
        ports = [{"name": "http", "port": port}]
        pods = [endpoint("127.0.0.1", zone="a", **conditions)]
        self.call("put", endpoint_slice(name, "web", pods, ports=ports, namespace="shop"))

    @property
    def watching(self) -> int:
        """How many watch."""
        return int(self._control({}))

    def _control(self, asked: object) -> bytes:
        connection = HTTPSConnection("127.0.0.1", self.port, timeout=DEADLINE_S, context=self._trust)
        with contextlib.closing(connection):
            connection.request("POST", "/_control", json.dumps(asked))
            return connection.getresponse().read()


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiServer]:
    server = ApiServer(tmp_path)
    server.start()
    yield server
    server.kill()


@contextlib.contextmanager
def following(folder: Path, api: ApiServer) -> Iterator[tuple[Running, int]]:
    """A gateway that follows the Service ``shop/web``."""
    (folder / "gateway.toml").write_text(f"""
registry_class = "kubernetes"

[registry_parameters]
services = {{default = "shop/web:http"}}
api_url = "https://127.0.0.1:{api.port}"
token_file = "{api.token_file}"
ca_file = "{api.ca_file}"
""")
    with gateway(folder, "--config=gateway.toml") as (command, port):
        yield command, port


@contextlib.contextmanager
def pod() -> Iterator[int]:
    """A service on a port of its own."""
    port = free_ports()
    with subprocess.Popen([sys.executable, str(SERVICE), str(port)]) as process:
        try:
            eventually(lambda: ask(port).status == 200, "the service answers")
            yield port
        finally:
            process.kill()


def test_pods_join_drain_and_leave(tmp_path: Path, api: ApiServer) -> None:
    with pod() as old, pod() as new, following(tmp_path, api) as (_, port):
        api.run("web-1", old)
        eventually(lambda: up(port, 1), "the pod is up")
        assert backends(port)[f"http://127.0.0.1:{old}"]["zone"] == "a"
        assert ask(port).body == b"plain\n"
        answers: list[Answer] = []
        slow = Thread(target=lambda: answers.append(ask(port, "/slow")))
        slow.start()
        api.run("web-2", new)
        api.run("web-1", old, **LEAVING)
        eventually(lambda: backends(port)[f"http://127.0.0.1:{old}"]["condition"] == "draining", "the old one drains")
        eventually(lambda: up(port, 1), "the new one is up")
        api.call("delete", "web-1", "shop")
        eventually(lambda: set(backends(port)) == {f"http://127.0.0.1:{new}"}, "the old one is gone")
        slow.join(DEADLINE_S)
        assert [answer.status for answer in answers] == [200]
        assert ask(port).status == 200


def test_a_pod_may_tell_its_load_and_that_it_ends_but_nobody_else_registers(tmp_path: Path, api: ApiServer) -> None:
    with pod() as one, following(tmp_path, api) as (_, port):
        url = f"http://127.0.0.1:{one}"
        api.run("web-1", one)
        eventually(lambda: up(port, 1), "the pod is up")
        load = {"rif": 7.0, "latency": 0.5}
        assert post(port, "/register", {"url": url, "weight": 9.0, "heartbeat_seconds": 1, "load": load}).status == 200
        row = backends(port)[url]
        assert (row["rif"], row["weight"], row["heartbeat_seconds"]) == (7.0, 1.0, None)
        assert post(port, "/register", {"url": "http://127.0.0.1:9"}).status == 409
        assert post(port, "/unregister", {"url": url}).status == 200
        assert backends(port)[url]["condition"] == "draining"


def test_backends_stay_while_the_server_is_replaced_by_one_of_another_authority(tmp_path: Path, api: ApiServer) -> None:
    with pod() as old, pod() as new, following(tmp_path, api) as (command, port):
        api.run("web-1", old)
        eventually(lambda: up(port, 1), "the pod is up")
        api.kill()
        eventually(lambda: "its backends stay as they are" in command.output, "it is told that the server is away")
        assert ask(port).status == 200
        api.renew_authority()
        api.start(version=5000)
        api.run("web-1", new)
        eventually(lambda: set(backends(port)) == {f"http://127.0.0.1:{new}"}, "the new server is believed")


def test_a_token_that_was_renewed_is_used_for_the_next_request(tmp_path: Path, api: ApiServer) -> None:
    with pod() as one, following(tmp_path, api) as (command, port):
        eventually(lambda: api.watching, "it watches")
        api.allow("second")
        api.call("cut_off")
        eventually(lambda: "answers 401" in command.output, "the old token is refused")
        api.token_file.write_text("second")
        eventually(lambda: api.watching, "it watches again")
        api.run("web-1", one)
        eventually(lambda: up(port, 1), "the pod is up")


def test_a_server_whose_authority_is_not_known_is_not_believed(tmp_path: Path, api: ApiServer) -> None:
    api.run("web-1", 1)
    trusted = ApiServer(tmp_path)
    trusted.port = api.port
    with following(tmp_path, trusted) as (command, port):
        eventually(lambda: "certificate verify failed" in command.output, "it is told why")
        assert backends(port) == {}


def test_a_server_that_hangs_keeps_no_gateway_from_ending(tmp_path: Path, api: ApiServer) -> None:
    with pod() as one, following(tmp_path, api) as (command, port):
        api.run("web-1", one)
        eventually(lambda: up(port, 1), "the pod is up")
        api.hang()
        assert ask(port).status == 200
        command.process.terminate()
        command.wait()
        assert "Traceback" not in command.output
