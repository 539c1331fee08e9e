"""Backends are reached over TLS, verified, and through Unix sockets as well as over plain TCP."""

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any

import pytest
from running import ask, backends, eventually, gateway, post, up


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = f"{self.path} for {self.headers['Host']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class _UnixServer(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True

    def get_request(self) -> tuple[Any, Any]:
        return self.socket.accept()[0], ("unix", 0)


@pytest.fixture
def tls_port(certificate: Path) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_a_backend_whose_certificate_is_trusted_is_asked_over_tls(
    tmp_path: Path, tls_port: int, certificate: Path
) -> None:
    with gateway(tmp_path, f"--upstream-ca-file={certificate}") as (_, port):
        assert post(port, "/register", {"url": f"https://localhost:{tls_port}"}).status == 200
        eventually(lambda: up(port, 1), "the backend is up")
        assert ask(port, "/over/tls", headers={"Host": "a.example"}).body == b"/over/tls for a.example"


def test_a_backend_whose_certificate_nobody_vouches_for_is_never_asked(tmp_path: Path, tls_port: int) -> None:
    with gateway(tmp_path) as (_, port):
        url = f"https://localhost:{tls_port}"
        post(port, "/register", {"url": url})
        eventually(lambda: "certificate" in backends(port)[url]["reason"], "the check fails for that reason")
        assert ask(port, "/").status == 503


def test_a_backend_behind_a_unix_socket_is_asked_through_it(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    server = _UnixServer(str(path), _Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with gateway(tmp_path, "--host-header=backend", f"--backend-sockets={tmp_path}") as (_, port):
            assert post(port, "/register", {"url": f"unix://{path}"}).json["url"] == f"unix://{path}"
            eventually(lambda: up(port, 1), "the backend is up")
            assert ask(port, "/through/it").body == b"/through/it for localhost"
    finally:
        server.shutdown()
        server.server_close()
