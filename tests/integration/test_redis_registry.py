"""A real Redis: two gateways share it, it is killed and comes back empty, and nobody notices."""

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from load import Load
from running import ROOT, ask, backend, backends, eventually, free_ports, gateway, post, up

from openprequal.bench.peers.peer import find
from openprequal.registry.redis.script import KEYS, SCRIPT

# They may be late where the machine is busy, so that a lease is not to end for that.
LEASE_S = 6


class Redis:
    """A Redis that is started, killed and started again, empty; it fails where there is none installed."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_ports()
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        program = find("redis-server", "apt-get install redis-server")
        command = [program, "--port", str(self.port), "--save", "", "--dir", str(self._folder), *self._options]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        eventually(lambda: self.ask("PING"), "Redis answers")

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def ask(self, *words: object) -> bytes:
        """The first bytes of the answer to one command."""
        encoded = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        message = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(message)
            return connection.recv(65536)

    def settings(self, url: str | None = None) -> str:
        """The flag that tells a gateway of it."""
        file = self._folder / "redis.toml"
        url = url or f"redis://127.0.0.1:{self.port}"
        file.write_text(f'registry_class = "redis"\n[registry_parameters]\nurl = "{url}"\n')
        return f"--config={file}"


@contextlib.contextmanager
def running_redis(folder: Path, *options: str) -> Iterator[Redis]:
    redis = Redis(folder, *options)
    try:
        yield redis
    finally:
        redis.kill()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    with running_redis(tmp_path) as running:
        yield running


def test_two_gateways_share_six_backends_and_outlive_a_redis_that_forgets(tmp_path: Path, redis: Redis) -> None:
    lease = f"--backend-heartbeat-timeout={LEASE_S}"
    with contextlib.ExitStack() as stack:
        _, first = stack.enter_context(gateway(tmp_path, redis.settings(), lease))
        _, second = stack.enter_context(gateway(tmp_path, redis.settings(), lease))
        fleet = [stack.enter_context(backend(tmp_path, first if each % 2 else second)) for each in range(5)]
        # It joins no gateway by itself: nobody listens where it sends its heartbeats.
        _, by_hand = stack.enter_context(backend(tmp_path, free_ports()))
        assert post(first, "/register", {"url": f"http://localhost:{by_hand}"}).status == 200
        for port in (first, second):
            eventually(lambda port=port: up(port, 6), "six backends are up at both")
            eventually(
                lambda port=port: ask(port).status == 200 and all(row["picks"] for row in backends(port).values()),
                "all six have traffic from both",
            )
        known = set(backends(first))
        with Load(first, 2) as load, Load(second, 2) as other_load:
            redis.kill()
            eventually(
                lambda: post(second, "/register", {"url": "http://localhost:1"}).status == 503,
                "registrations are refused",
            )
            victim, victims_port = fleet.pop()
            victim.process.kill()
            victim.wait()
            assert set(backends(first)) == set(backends(second)) == known
            assert b"openprequal_registry_connected 0.0" in ask(first, "/metrics").body
            ready = ask(first, "/readyz")
            assert (ready.status, ready.json["registry"]["connected"]) == (200, False)
            redis.start()
            living = known - {f"http://localhost:{victims_port}"}
            for port in (first, second):
                eventually(lambda port=port: set(backends(port)) == living, "the dead one is gone, and nobody else")
        assert not load.failed
        assert not other_load.failed
        assert b"openprequal_registry_connected 1.0" in ask(first, "/metrics").body
        left = [
            line
            for each in tmp_path.glob("output-*.txt")
            for line in each.read_text().splitlines()
            if " left: " in line
        ]
        assert {line.partition(" left: ")[0].rpartition("/")[2] for line in left} == {f"localhost:{victims_port}"}


def test_a_gateway_that_cannot_read_its_registry_is_not_ready_until_it_can(tmp_path: Path, redis: Redis) -> None:
    redis.kill()
    with gateway(tmp_path, redis.settings()) as (_, port):
        assert ask(port, "/readyz").status == 503
        redis.start()
        eventually(lambda: ask(port, "/readyz").status == 200, "it is ready")


def test_a_password_a_user_and_a_database_are_used_and_not_told(tmp_path: Path) -> None:
    with running_redis(tmp_path, "--requirepass", "sesame") as redis:
        url = f"redis://default:${{REDIS_PASSWORD}}@127.0.0.1:{redis.port}/3"
        with gateway(tmp_path, redis.settings(url), environment={"REDIS_PASSWORD": "sesame"}) as (command, port):
            eventually(lambda: post(port, "/register", {"url": "http://localhost:1"}).status == 200, "it registers")
            assert "sesame" not in command.output


def test_a_wrong_password_is_said_once_and_not_told(tmp_path: Path) -> None:
    with running_redis(tmp_path, "--requirepass", "sesame") as redis:
        url = f"redis://:${{REDIS_PASSWORD}}@127.0.0.1:{redis.port}"
        with gateway(tmp_path, redis.settings(url), environment={"REDIS_PASSWORD": "wrongly"}) as (command, port):
            eventually(lambda: "WRONGPASS" in command.output, "the log says why")
            assert post(port, "/register", {"url": "http://localhost:1"}).status == 503
            assert "wrongly" not in command.output


@contextlib.contextmanager
def redis_with_tls(folder: Path, certificate: Path) -> Iterator[tuple[Redis, str]]:
    tls_port = free_ports()
    files = ("--tls-cert-file", str(certificate), "--tls-key-file", str(certificate), "--tls-auth-clients", "no")
    with running_redis(folder, "--tls-port", str(tls_port), *files) as redis:
        yield redis, f"rediss://localhost:{tls_port}"


def test_it_is_reached_over_tls(tmp_path: Path, certificate: Path) -> None:
    with redis_with_tls(tmp_path, certificate) as (redis, url):
        trusting = {"SSL_CERT_FILE": str(certificate)}
        with gateway(tmp_path, redis.settings(url), environment=trusting) as (_, port):
            eventually(lambda: ask(port, "/readyz").status == 200, "the registry is read")


def test_one_whose_certificate_nobody_vouches_for_is_not_talked_to(tmp_path: Path, certificate: Path) -> None:
    with redis_with_tls(tmp_path, certificate) as (redis, url), gateway(tmp_path, redis.settings(url)) as running:
        command, port = running
        eventually(lambda: "certificate verify failed" in command.output, "the log says why")
        assert ask(port, "/readyz").status == 503


def test_it_is_reached_through_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(running_redis(tmp_path, "--unixsocket", str(path)))
        _, port = stack.enter_context(gateway(tmp_path, redis.settings(f"unix://{path}?db=1")))
        eventually(lambda: post(port, "/register", {"url": "http://localhost:1"}).status == 200, "it registers")


def test_a_user_that_may_only_do_what_the_page_says_is_enough(tmp_path: Path, redis: Redis) -> None:
    page = (ROOT / "docs" / "registries.md").read_text()
    command = page.partition("ACL SETUSER")[2].partition("```")[0].split()
    assert redis.ask("ACL", "SETUSER", *command).startswith(b"+OK")
    url = f"redis://gateway:PASSWORD@127.0.0.1:{redis.port}"
    backend_there = {"url": "http://localhost:1"}
    with gateway(tmp_path, redis.settings(url)) as (_, port):
        eventually(lambda: post(port, "/register", backend_there).status == 200, "it registers")
        assert redis.ask("FLUSHALL").startswith(b"+OK")
        eventually(lambda: redis.ask("HLEN", "openprequal:backends") == b":1\r\n", "it is written back")
        assert post(port, "/unregister", backend_there).status == 200


def test_a_thousand_that_have_gone_are_remembered_and_those_before_are_read_anew(redis: Redis) -> None:
    redis.ask("SCRIPT", "LOAD", SCRIPT)

    def call(*words: object) -> bytes:
        return redis.ask("EVAL", SCRIPT, len(KEYS), *KEYS, *words)

    for number in range(1010):
        call("register", 0, 0, f"b{number}", "0 {}", 10)
        call("unregister", 0, 0, f"b{number}", 1)
    call("register", 0, 0, "living", "0 {}", 10)
    assert redis.ask("ZCARD", "gone") == b":1000\r\n"
    assert redis.ask("ZCARD", "changes") == b":1001\r\n"
    epoch = redis.ask("HGET", "state", "epoch").split()[1]
    # From, and whether it is read anew, are the third and fourth of the answer.
    assert call("look", epoch, 5, 5, 0, 20).split(b"\r\n")[6:8] == [b"0", b":1"]
    assert call("look", epoch, 2000, 2000, 0, 20).split(b"\r\n")[6:8] == [b"2000", b":0"]
