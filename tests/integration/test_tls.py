"""TLS and the PROXY protocol on real sockets, with clients and load balancers that are not ours."""

import contextlib
import hashlib
import http.client
import os
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme
from load import Load
from running import DEADLINE_S, alive, ask, backend, backends, eventually, free_ports, gateway, post, running, up
from tls_client import trusting, written

AUTHORITY = trustme.CA()


class _Tells(BaseHTTPRequestHandler):
    """Answers GET with the request's fields, and a body with its digest and itself."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(str(self.headers).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(hashlib.sha256(body).hexdigest().encode() + body)

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def service(context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A service that answers in this process; its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Tells)
    scheme = "http"
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        scheme = "https"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"{scheme}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def over_tls(port: int, context: ssl.SSLContext, method: str = "GET", body: bytes | None = None) -> bytes:
    """The answer to one request over TLS."""
    connection = http.client.HTTPSConnection("localhost", port, timeout=DEADLINE_S, context=context)
    with contextlib.closing(connection):
        connection.request(method, "/", body)
        return connection.getresponse().read()


def s_client(folder: Path, port: int, *arguments: str) -> str:
    """What ``openssl s_client`` has to say of a handshake."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", str(folder / "ca.pem"), *arguments]
    ended = subprocess.run(command, input=b"Q\n", capture_output=True, timeout=DEADLINE_S, check=False)
    return (ended.stdout + ended.stderr).decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the authority's certificate is, and one for ``localhost``."""
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    written(AUTHORITY.issue_cert("localhost"), tmp_path / "localhost.pem")
    return tmp_path


def test_openssl_is_shown_the_right_certificate_and_refused_what_is_old(folder: Path) -> None:
    written(AUTHORITY.issue_cert("*.a.example"), folder / "a.pem")
    alice = written(AUTHORITY.issue_cert("alice@a.example", common_name="alice"), folder / "alice.pem")
    tls_port = free_ports()
    flags = [f"--tls-port={tls_port}", "--tls-certificate=localhost.pem,a.pem", "--tls-client-subject-header=X-Who"]
    asking = ["--tls-client-certificates=optional", "--tls-client-ca-file=ca.pem"]
    with gateway(folder, *flags, *asking) as (_, port), service() as url:
        for name in ("localhost", "b.a.example"):
            said = s_client(folder, tls_port, "-servername", name, "-verify_hostname", name, "-alpn", "h2,http/1.1")
            assert "Verification: OK" in said
            assert "ALPN protocol: http/1.1" in said
            assert "TLSv1.3" in said
        assert "Verification: OK" in s_client(folder, tls_port, "-tls1_2")
        assert "Cipher is (NONE)" in s_client(folder, tls_port, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
        assert "Cipher is (NONE)" in s_client(folder, tls_port, "-tls1_2", "-cipher", "AES128-SHA256:@SECLEVEL=0")
        assert post(port, "/register", {"url": url}).status == 200
        eventually(lambda: up(port, 1), "the service is up")
        context = trusting(AUTHORITY)
        assert b"X-Who" not in over_tls(tls_port, context)
        context.load_cert_chain(alice)
        fields = over_tls(tls_port, context)
        assert b"X-Who: CN=alice," in fields
        assert b"X-Forwarded-Proto: https" in fields
        body = os.urandom(1 << 16) * 256
        assert over_tls(tls_port, context, "POST", body) == hashlib.sha256(body).hexdigest().encode() + body


def test_a_certificate_is_replaced_under_load_without_a_failed_request(folder: Path) -> None:
    tls_port = free_ports()
    flags = [f"--tls-port={tls_port}", "--tls-certificate=localhost.pem"]
    with gateway(folder, *flags) as (command, port), backend(folder, port):
        eventually(lambda: up(port, 1), "the backend is up")
        context = trusting(AUTHORITY)
        with Load(tls_port, 2, tls=context) as kept, Load(tls_port, 2, tls=context, keep=False) as fresh:
            for number, tell in enumerate((lambda: command.process.send_signal(signal.SIGHUP), lambda: None)):
                new = AUTHORITY.issue_cert("localhost", f"new-{number}.example")
                written(new, folder / "new.pem")
                (folder / "new.pem").replace(folder / "localhost.pem")
                tell()

                def is_shown(number: int = number) -> bool:
                    name = f"new-{number}.example"
                    said = s_client(folder, tls_port, "-verify_hostname", name, "-verify_return_error")
                    return "Verification: OK" in said

                eventually(is_shown, "the new certificate is shown")
                so_far = len(fresh.requests)
                eventually(lambda so_far=so_far: len(fresh.requests) > so_far + 20, "requests go on")
            (folder / "localhost.pem").write_text("no certificate")
            eventually(lambda: "what was there stays" in command.output, "it says why not")
            so_far = len(fresh.requests)
            eventually(lambda: len(fresh.requests) > so_far + 20, "requests go on")
        assert kept.failed == fresh.failed == []


def test_a_restart_hands_over_listeners_with_tls(folder: Path) -> None:
    tls_port = free_ports()
    flags = [f"--tls-port={tls_port}", "--tls-certificate=localhost.pem"]
    with gateway(folder, *flags) as (command, port), backend(folder, port), contextlib.ExitStack() as later:
        eventually(lambda: up(port, 1), "the backend is up")
        with Load(tls_port, 2, tls=trusting(AUTHORITY)) as load:
            eventually(lambda: len(load.requests) > 20, "the load is on")
            command.process.send_signal(signal.SIGUSR2)
            assert command.wait() == 0, command.output
            (line,) = [line for line in command.output.splitlines() if "has taken over" in line]
            successor = int(line.partition("process ")[2].split()[0])
            later.callback(eventually, lambda: not alive(successor), "the new process has ended")
            later.callback(os.kill, successor, signal.SIGTERM)
            so_far = len(load.requests)
            eventually(lambda: len(load.requests) > so_far + 20, "the new process answers")
        assert load.failed == []


def test_a_backend_may_ask_for_our_certificate_and_have_another_name(folder: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert("service.internal").configure_cert(context)
    AUTHORITY.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    written(AUTHORITY.issue_cert("gateway@a.example"), folder / "gateway.pem")
    trusted = ["--upstream-ca-file=ca.pem", "--upstream-server-name=service.internal"]
    with service(context) as url:
        with gateway(folder, *trusted, "--upstream-certificate-file=gateway.pem") as (_, port):
            assert post(port, "/register", {"url": url}).status == 200
            eventually(lambda: up(port, 1), "the backend is up")
            assert ask(port).status == 200
        with gateway(folder, *trusted) as (_, port):
            post(port, "/register", {"url": url})
            eventually(lambda: backends(port)[url]["reason"], "its checks fail")
            assert ask(port).status in (502, 503)


def test_twisteds_own_endpoint_strings_for_tls_go_on_to_work(folder: Path) -> None:
    plain, port = free_ports(), free_ports()
    endpoints = [f"--listen=tcp:{plain}", f"--listen=ssl:{port}:privateKey=localhost.pem:certKey=localhost.pem"]
    with running(["-n", "openprequal", *endpoints], folder), service() as url:
        eventually(lambda: post(plain, "/register", {"url": url}).status == 200, "it listens")
        eventually(lambda: up(plain, 1), "the service is up")
        assert b"X-Forwarded-Proto: https" in over_tls(port, trusting(AUTHORITY))


HAPROXY = """
global
    nbthread 1
defaults
    mode tcp
    timeout connect 5s
    timeout client 20s
    timeout server 20s
listen one
    bind 127.0.0.1:{one}
    server gateway 127.0.0.1:{port} send-proxy
listen two
    bind 127.0.0.1:{two}
    server gateway 127.0.0.1:{tls_port} send-proxy-v2
"""


def test_haproxy_tells_who_the_client_is_in_both_versions(folder: Path, program: Callable[[str], str]) -> None:
    haproxy, tls_port, (one, two) = program("haproxy"), free_ports(), (free_ports(), free_ports())
    flags = [f"--tls-port={tls_port}", "--tls-certificate=localhost.pem", "--proxy-protocol-from=127.0.0.1"]
    admin = free_ports()
    with gateway(folder, *flags, f"--admin-port={admin}") as (_, port), service() as url:
        post(admin, "/register", {"url": url})
        eventually(lambda: up(admin, 1), "the service is up")
        file = folder / "haproxy.cfg"
        file.write_text(HAPROXY.format(one=one, two=two, port=port, tls_port=tls_port))
        balancer = subprocess.Popen([haproxy, "-db", "-f", str(file)])
        try:
            told = eventually(lambda: _from("127.0.0.9", one), "HAProxy passes it on")
            assert b"X-Forwarded-For: 127.0.0.9" in told
            assert b"X-Forwarded-For: 127.0.0.8" in _from("127.0.0.8", two, trusting(AUTHORITY))
        finally:
            balancer.terminate()
            balancer.wait()


def _from(address: str, port: int, context: ssl.SSLContext | None = None) -> bytes:
    """What the service tells a client at *address* of this host."""
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(
            socket.create_connection(("127.0.0.1", port), DEADLINE_S, source_address=(address, 0))
        )
        if context is not None:
            client = stack.enter_context(context.wrap_socket(client, server_hostname="localhost"))
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = b""
        while received := client.recv(65536):
            answer += received
        return answer
