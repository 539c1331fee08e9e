"""Where the gateway listens, and who is let in where."""

import socket
from pathlib import Path

from running import ask, backend, backends, eventually, free_ports, gateway, post, running, up

TOKEN = {"OPENPREQUAL_TOKEN": "s3cret"}
WITH_TOKEN = {"Authorization": "Bearer s3cret"}


def _ask_unix(path: Path, target: str) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        received = b""
        while data := connection.recv(65536):
            received += data
    return received


def test_it_listens_on_ipv4_ipv6_and_a_unix_socket_at_once(tmp_path: Path) -> None:
    four = free_ports(2)
    six = four + 1
    path = tmp_path / "gateway.sock"
    listen = f"tcp:{four}:interface=127.0.0.1,tcp6:{six}:interface=\\:\\:1,unix:{path}"
    with (
        gateway(tmp_path, f"--listen={listen}", port=four),
        backend(tmp_path, four) as (_, its_port),
    ):
        eventually(lambda: up(four, 1), "the backend is up")
        expected = b"backend-%d GET /here\n" % its_port
        assert ask(four, "/here").body == expected
        assert ask(six, "/here", host="::1").body == expected
        assert _ask_unix(path, "/here").endswith(expected)
    assert not path.exists()


def test_nobody_on_a_unix_socket_is_trusted(tmp_path: Path) -> None:
    port, path = free_ports(), tmp_path / "gateway.sock"
    with gateway(tmp_path, f"--listen=tcp:{port}:interface=127.0.0.1", f"--listen=unix:{path}", port=port):
        assert ask(port, "/backends").status == 200
        assert _ask_unix(path, "/backends").startswith(b"HTTP/1.1 403 ")
        assert _ask_unix(path, "/healthz").startswith(b"HTTP/1.1 200 ")


def test_the_default_takes_ipv6_and_ipv4_clients(tmp_path: Path) -> None:
    with gateway(tmp_path) as (_, port):
        assert ask(port, "/backends", host="::1").status == 200
        assert ask(port, "/backends", host="127.0.0.1").status == 200


def test_a_caller_that_is_not_trusted_needs_the_token(tmp_path: Path) -> None:
    relayed = {"X-Forwarded-For": "192.0.2.1"}
    with gateway(tmp_path, environment=TOKEN) as (_, port):
        backend_url = {"url": f"http://localhost:{free_ports()}"}
        refused = post(port, "/register", backend_url, relayed)
        assert refused.status == 403
        assert refused.headers["content-type"] == "application/problem+json"
        assert post(port, "/register", backend_url, relayed | {"Authorization": "Bearer wrong"}).status == 403
        assert backends(port) == {}
        assert post(port, "/register", backend_url, relayed | WITH_TOKEN).status == 200
        assert set(backends(port)) == {backend_url["url"]}


def test_where_loopback_is_not_trusted_a_backend_with_the_token_gets_in(tmp_path: Path) -> None:
    with gateway(tmp_path, "--trust-loopback=no", environment=TOKEN) as (_, port):
        arguments = ["-n", "openprequal-backend", f"--port={free_ports()}", f"--proxy-url=http://localhost:{port}"]
        with running(arguments, tmp_path, TOKEN):
            eventually(lambda: ask(port).status == 200, "the backend is up")
        assert ask(port, "/backends").status == 403


def test_the_admin_api_may_be_on_a_unix_socket_alone(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    with gateway(tmp_path, f"--admin-listen=unix:{path}:mode=600") as (_, port):
        eventually(lambda: _ask_unix(path, "/readyz").startswith(b"HTTP/1.1 200 "), "the admin API answers")
        assert path.stat().st_mode & 0o777 == 0o600
        assert _ask_unix(path, "/backends").startswith(b"HTTP/1.1 403 ")
        assert {ask(port, each).status for each in ("/backends", "/metrics", "/readyz")} == {503}


def test_the_admin_port_moves_every_path_of_our_own(tmp_path: Path) -> None:
    admin = free_ports()
    with gateway(tmp_path, f"--admin-port={admin}") as (_, port), backend(tmp_path, admin) as (_, its_port):
        eventually(lambda: up(admin, 1), "the backend is up")
        for path in ("/backends", "/metrics", "/healthz", "/readyz"):
            assert ask(admin, path).status == 200
        # On the proxied port they are paths like all others.
        for path in ("/backends", "/readyz", "/register"):
            assert ask(port, path).body == f"backend-{its_port} GET {path}\n".encode()
        assert ask(admin, "/anything").status == 404
