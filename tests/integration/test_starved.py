"""What the machine withholds: a backend that is stopped, a full disk, no more descriptors. The gateway goes on."""

import contextlib
import resource
import signal
import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

from load import Load
from running import Running, ask, backend, backends, eventually, gateway, post, up

SLOW = ("--work-seconds=0.01", "--cores=0")


def test_while_a_backend_is_stopped_its_requests_go_elsewhere(tmp_path: Path) -> None:
    flags = ("--try-timeout-seconds=0.3", "--health-interval-seconds=1", "--health-timeout-seconds=0.5")
    with gateway(tmp_path, *flags) as (_, port), contextlib.ExitStack() as stack:
        stopped, at = stack.enter_context(backend(tmp_path, port, *SLOW))
        for _ in range(2):
            stack.enter_context(backend(tmp_path, port, *SLOW))
        eventually(lambda: up(port, 3), "three backends are up")
        with Load(port, 4) as load:
            try:
                stopped.process.send_signal(signal.SIGSTOP)
                eventually(lambda: not backends(port).get(f"http://localhost:{at}", {}).get("up"), "it is not used")
                so_far = len(load.requests)
                eventually(lambda: len(load.requests) > so_far + 50, "requests go on")
            finally:
                stopped.process.send_signal(signal.SIGCONT)
            eventually(lambda: up(port, 3), "it is back")
        assert load.failed == []


def test_a_log_that_cannot_be_written_costs_no_request(tmp_path: Path) -> None:
    with gateway(tmp_path) as (command, port), backend(tmp_path, port):
        eventually(lambda: up(port, 1), "the backend is up")
        written = len(command.output)
        resource.prlimit(command.pid, resource.RLIMIT_FSIZE, (written, written))
        for number in range(20):
            # Each is a line in the log.
            assert post(port, "/register", {"url": f"http://127.0.0.1:{number + 1}"}).status == 200
            assert post(port, "/unregister", {"url": f"http://127.0.0.1:{number + 1}"}).status == 200
            assert ask(port).status == 200
        assert len(command.output) == written


def _limit_descriptors(command: Running, more: int) -> None:
    now = len(list(Path(f"/proc/{command.pid}/fd").iterdir()))
    _, most = resource.prlimit(command.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(command.pid, resource.RLIMIT_NOFILE, (now + more, most))


@contextlib.contextmanager
def _crowd(port: int, count: int) -> Iterator[None]:
    """So many clients connect and say nothing."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
        yield


def _cpu_s(command: Running) -> float:
    ticks = Path(f"/proc/{command.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / 100


def test_without_descriptors_those_connected_are_served_and_it_recovers(tmp_path: Path) -> None:
    # Checks need descriptors too; requests tell soon enough that the backend is up.
    flags = ("--health-interval-seconds=2", "--upstream-idle-timeout-seconds=20")
    with gateway(tmp_path, *flags) as (command, port), backend(tmp_path, port, *SLOW):
        eventually(lambda: up(port, 1), "the backend is up")
        with Load(port, 2) as load:
            eventually(lambda: len(load.requests) > 10, "there are requests")
            _limit_descriptors(command, 10)
            with _crowd(port, 50):
                cpu_s, began = _cpu_s(command), time.monotonic()
                so_far = len(load.requests)
                eventually(lambda: len(load.requests) > so_far + 300, "requests go on")
                assert _cpu_s(command) - cpu_s < 0.9 * (time.monotonic() - began)
        assert load.failed == []
        eventually(lambda: up(port, 1), "the backend is up")
        assert ask(port).status == 200


def test_a_crowd_does_not_take_the_descriptors_that_backends_need(tmp_path: Path) -> None:
    flags = ("--health-interval-seconds=0.5", "--upstream-idle-timeout-seconds=0.5")
    with gateway(tmp_path, *flags, descriptors=64) as (command, port), backend(tmp_path, port, *SLOW) as (_, at):
        eventually(lambda: up(port, 1), "the backend is up")
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(contextlib.closing(HTTPConnection("127.0.0.1", port))) for _ in range(4)]
            for client in clients:
                # Whoever has never asked for anything makes room for others.
                client.request("GET", "/")
                client.getresponse().read()
            with _crowd(port, 100):
                heartbeats = _heartbeats(at)
                # The connections that there were to the backend are closed meanwhile.
                eventually(lambda: _heartbeats(at) > heartbeats + 2, "the backend's heartbeats get through")
                for client in clients:
                    client.request("GET", "/")
                    response = client.getresponse()
                    response.read()
                    assert response.status == 200
        assert "64 open files are allowed (ulimit -n): at most 24 client connections" in command.output


def _heartbeats(backend_port: int) -> int:
    """Heartbeats that have been answered well, as the backend counts them."""
    page = ask(backend_port, "/metrics").body.decode()
    return sum(
        int(float(line.rpartition(" ")[2]))
        for line in page.splitlines()
        if line.startswith('openprequal_agent_heartbeats_total{result="accepted"}')
    )
