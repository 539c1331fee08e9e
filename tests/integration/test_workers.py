"""Several processes that are one gateway: spread, deaths, registrations, limits, reload, restart and the end."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from load import Load
from running import (
    ROOT,
    Running,
    alive,
    ask,
    backend,
    backends,
    eventually,
    free_ports,
    gateway,
    post,
    running,
    up,
)

PLAIN_SERVICE = ROOT / "tests" / "integration" / "plain_service.py"


def ready(port: int, workers: int = 2) -> bool:
    """Whether so many workers accept; the question is answered by one of them."""
    return metric(port, "openprequal_workers") == workers and len(connections(port)) == workers


def metric(port: int, name: str) -> float:
    """The value of a metric without labels."""
    found = re.search(rf"^{name} (\S+)$", ask(port, "/metrics").body.decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def connections(port: int) -> list[float]:
    """How many connections clients hold at each worker, the question's own included."""
    page = ask(port, "/metrics").body.decode()
    return [float(count) for count in re.findall(r'^openprequal_worker_connections\{worker="\d+"\} (\S+)$', page, re.M)]


@contextlib.contextmanager
def several(folder: Path, *flags: str, workers: int = 2) -> Iterator[tuple[Running, int]]:
    """A gateway of several workers, once all of them have said hello."""
    with gateway(folder, f"--workers={workers}", *flags) as (command, port):
        eventually(lambda: ready(port, workers), "all workers are there", 40.0)
        yield command, port


@pytest.fixture
def service(tmp_path: Path) -> Iterator[str]:
    """The URL of a backend that reports nothing."""
    port = free_ports()
    with running([str(PLAIN_SERVICE), str(port)], tmp_path, program="python"):
        yield f"http://127.0.0.1:{port}"


def joined(port: int, url: str) -> None:
    assert post(port, "/register", {"url": url}).status == 200
    eventually(lambda: up(port, 1), "the backend is up")


@contextlib.contextmanager
def kept_alive(port: int, count: int) -> Iterator[list[http.client.HTTPConnection]]:
    """So many connections on which a request has been answered."""
    with contextlib.ExitStack() as stack:
        opened = [
            stack.enter_context(contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)))
            for _ in range(count)
        ]
        for each in opened:
            assert answered(each)
        yield opened


def answered(connection: http.client.HTTPConnection) -> bool:
    connection.request("GET", "/")
    response = connection.getresponse()
    response.read()
    return response.status == 200


def test_connections_are_spread_evenly(tmp_path: Path, service: str) -> None:
    with several(tmp_path) as (_, port):
        joined(port, service)
        with kept_alive(port, 40):
            counts = connections(port)
            assert sum(counts) == 41
            assert all(0.4 * sum(counts) <= count <= 0.6 * sum(counts) for count in counts), counts


def test_a_registration_at_any_worker_is_known_to_all_once_it_is_answered(tmp_path: Path, service: str) -> None:
    with several(tmp_path) as (_, port):
        joined(port, service)
        with kept_alive(port, 8) as clients:
            # Each of them, whichever worker it is at, finds the backend gone, and there again.
            for _ in range(3):
                assert post(port, "/unregister", {"url": service}).status == 200
                for client in clients:
                    assert not answered(client)
                assert post(port, "/register", {"url": service}).status == 200
                eventually(lambda: up(port, 1), "the backend is up again")
                for client in clients:
                    assert answered(client)
        assert list(backends(port)) == [service]


def test_the_death_of_a_worker_costs_only_its_own_connections(tmp_path: Path, service: str) -> None:
    with several(tmp_path) as (command, port):
        joined(port, service)
        with kept_alive(port, 20) as clients:
            counts = connections(port)
            os.kill(command.children()[0], signal.SIGKILL)
            survived = 0
            for client in clients:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    survived += answered(client)
            assert survived in (counts[0], counts[0] - 1, counts[1], counts[1] - 1)
            # Whoever comes now is served, by the one that is left, and by the new one.
            with Load(port, 4, keep=False) as load:
                eventually(lambda: metric(port, "openprequal_worker_restarts_total") == 1, "it is counted")
                eventually(lambda: ready(port), "it has been replaced", 40.0)
                so_far = len(load.requests)
                eventually(lambda: len(load.requests) > so_far + 20, "requests go on")
            assert load.failed == []
        assert "worker 0 has ended" in command.output or "worker 1 has ended" in command.output
        eventually(lambda: backends(port)[service]["in_flight"] == 0, "nothing has leaked")


def test_a_worker_that_hangs_is_left_out_and_counted(tmp_path: Path, service: str) -> None:
    with several(tmp_path) as (command, port):
        hanging = command.children()[0]
        os.kill(hanging, signal.SIGSTOP)
        try:
            joined(port, service)
            assert metric(port, "openprequal_worker_unanswered_total") >= 1
            assert [ask(port).status for _ in range(5)] == [200] * 5
        finally:
            os.kill(hanging, signal.SIGCONT)
        # It catches up with what it has missed.
        with kept_alive(port, 8):
            assert all(count > 0 for count in connections(port))


def test_what_has_an_admin_port_is_asked_there_for_all_workers(tmp_path: Path, service: str) -> None:
    admin = free_ports()
    with gateway(tmp_path, "--workers=2", f"--admin-port={admin}") as (_, port):
        eventually(lambda: ready(admin), "all workers are there", 40.0)
        joined(admin, service)
        with kept_alive(port, 6):
            assert sum(connections(admin)) == 6
        # There the path is the backend's.
        assert ask(port, "/backends").body == b"plain\n"
        assert post(admin, "/_openprequal/reload", None).json == {"reloaded": True, "changed": []}


def test_a_limit_on_a_backend_holds_for_all_workers_together(tmp_path: Path, service: str) -> None:
    with several(tmp_path, "--backend-max-in-flight=3", "--queue-max=0") as (_, port):
        joined(port, service)
        upgrade = b"GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        with contextlib.ExitStack() as stack:
            statuses = []
            for _ in range(8):
                client = stack.enter_context(socket.create_connection(("127.0.0.1", port), 20))
                client.sendall(upgrade)
                statuses.append(client.recv(12)[9:])
            assert sorted(statuses) == [b"101"] * 3 + [b"503"] * 5
            assert backends(port)[service]["in_flight"] == 3
        eventually(lambda: backends(port)[service]["in_flight"] == 0, "all tunnels have been given back")


def test_all_workers_take_other_settings_one_after_the_other_under_load(tmp_path: Path, service: str) -> None:
    settings = tmp_path / "gateway.toml"
    settings.write_text("")
    with several(tmp_path, "--config=gateway.toml") as (command, port):
        joined(port, service)
        with Load(port, 4) as load:
            settings.write_text('load_balancer_class = "round_robin"\n')
            command.process.send_signal(signal.SIGHUP)
            said = re.compile(r"settings reloaded by (?:SIGHUP|its parent): load_balancer_class")
            eventually(lambda: len(said.findall(command.output)) == 3, "both workers and the parent have taken them")
            settings.write_text('load_balancer_class = "least_in_flight"\nqueue_max = 7\n')
            answer = post(port, "/_openprequal/reload", None)
            assert answer.json == {"reloaded": True, "changed": ["load_balancer_class", "queue_max"]}
            settings.write_text('load_balancer_class = "no_such"\n')
            assert post(port, "/_openprequal/reload", None).status == 422
            so_far = len(load.requests)
            eventually(lambda: len(load.requests) > so_far + 30, "requests go on")
        assert load.failed == []


def test_what_an_operator_wants_holds_at_every_worker_and_is_an_event_once(tmp_path: Path, service: str) -> None:
    with several(tmp_path) as (_command, port):
        joined(port, service)
        with kept_alive(port, 8) as clients:
            answer = post(port, "/_openprequal/drain", {"url": service})
            assert (answer.status, answer.json["state"]) == (200, "draining")
            eventually(lambda: not any(map(answered, clients)), "nobody sends it anything")
            assert backends(port)[service]["condition"] == "draining"
            assert post(port, "/_openprequal/undrain", {"url": service}).status == 200
            eventually(lambda: all(map(answered, clients)), "all send it requests again")
        wanted = {"balancer": "round_robin"}
        assert post(port, "/_openprequal/balancer", {"balancer": "no_such"}).status == 422
        assert post(port, "/_openprequal/balancer", wanted).status == 200
        with kept_alive(port, 2):
            page = ask(port, "/metrics").body.decode()
        picks = re.findall(r"^openprequal_picks_total.*$", page, re.MULTILINE)
        assert [line for line in picks if "rotation" in line and line.endswith(" 2.0")], picks
        kinds = [event["kind"] for event in ask(port, "/_openprequal/events").json["events"]]
        assert [kinds.count(kind) for kind in ("joined", "drained", "undrained", "balancer")] == [1, 1, 1, 1]


def test_picks_are_explained_and_log_files_opened_anew_by_the_workers(tmp_path: Path, service: str) -> None:
    log = tmp_path / "access.log"
    with several(tmp_path, f"--access-log={log}") as (command, port):
        joined(port, service)
        assert service in ask(port, "/_openprequal/explain").body.decode()
        assert ask(port, "/_openprequal/explain?service=no_such").status == 404
        eventually(lambda: ask(port, "/before").status == 200 and log.exists(), "it is written")
        log.rename(tmp_path / "access.log.1")
        command.process.send_signal(signal.SIGUSR1)
        eventually(
            lambda: ask(port, "/after").status == 200 and log.exists() and "/after" in log.read_text(), "it is new"
        )


def test_a_failure_that_a_worker_sees_is_an_event(tmp_path: Path) -> None:
    with several(tmp_path) as (_, port):
        assert ask(port).status == 503

        def told() -> list[str]:
            events = ask(port, "/_openprequal/events").json["events"]
            return [event["message"] for event in events if event["kind"] == "errors"]

        eventually(told, "the error is told of")
        assert told()[0].startswith("worker ")


def test_a_restart_under_load_refuses_and_resets_nothing(tmp_path: Path) -> None:
    with (
        contextlib.ExitStack() as stack,
        several(tmp_path) as (command, port),
        backend(tmp_path, port, "--backend-heartbeat-seconds=30"),
    ):
        eventually(lambda: up(port, 1), "the backend is up")
        with Load(port, 4) as load:
            eventually(lambda: len(load.requests) > 20, "the load is on")
            command.process.send_signal(signal.SIGUSR2)
            eventually(lambda: "has taken over" in command.output, "the new one has taken over", 60.0)
            successor = re.search(r"process (\d+) has taken over", command.output)
            assert successor
            stack.callback(_end, int(successor[1]))
            assert command.wait() == 0, command.output
            eventually(lambda: ready(port), "its workers are there", 40.0)
            so_far = len(load.requests)
            eventually(lambda: len(load.requests) > so_far + 20, "the new ones answer")
        assert load.failed == []
        # It knew who was registered: no heartbeat has come yet.
        assert up(port, 1)


def _end(pid: int) -> None:
    if alive(pid):
        os.kill(pid, signal.SIGTERM)
        eventually(lambda: not alive(pid), "the new process has ended")


def test_at_the_end_requests_under_way_are_finished_and_nobody_is_left(tmp_path: Path) -> None:
    with several(tmp_path) as (command, port):
        children = command.children()
        answers = []
        slow = free_ports()
        with running([str(PLAIN_SERVICE), str(slow)], tmp_path, program="python"):
            joined(port, f"http://127.0.0.1:{slow}")
            with kept_alive(port, 6) as clients:
                for client in clients:
                    client.request("GET", "/slow")
                command.process.send_signal(signal.SIGTERM)
                for client in clients:
                    answers.append(client.getresponse().status)
        assert answers == [200] * 6
        command.wait()
        assert not any(alive(pid) for pid in children)


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    with several(tmp_path) as (command, _):
        children = command.children()
        command.process.kill()
        command.process.wait()
        eventually(lambda: not any(alive(pid) for pid in children), "they have ended")


def test_workers_that_cannot_start_are_tried_less_and_less_often(tmp_path: Path) -> None:
    settings = tmp_path / "gateway.toml"
    settings.write_text("")
    with several(tmp_path, "--config=gateway.toml") as (command, port):
        settings.write_text("queue_max = -1\n")
        os.kill(command.children()[0], signal.SIGKILL)
        eventually(lambda: "started again in 1 s" in command.output, "it is tried again", 60.0)
        assert "gateway.toml:1: queue_max: -1 cannot be used" in command.output
        # The other one serves, and when the settings can be used again there are two.
        assert ask(port, "/readyz").status == 200
        settings.write_text("queue_max = 1\n")
        eventually(lambda: ready(port), "there are two again", 60.0)


def test_a_socket_of_systemd_is_shared(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        program = (
            "import os, sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_PID'] = str(os.getpid());"
            " os.execv(sys.argv[2], sys.argv[2:])"
        )
        os.set_inheritable(listening.fileno(), True)
        twistd = Path(sys.executable).with_name("twistd")
        arguments = ["-c", program, str(listening.fileno()), str(twistd)]
        arguments += ["-n", "openprequal", "--workers=2", "--listen=systemd:domain=INET:index=0"]
        environment = {"LISTEN_FDS": "1", "LISTEN_FDNAMES": "http"}
        name = Path(sys.executable).name
        with running(arguments, tmp_path, environment, name, keep=[listening.fileno()]):
            eventually(lambda: ready(port), "two workers accept from it", 40.0)


def test_a_request_is_explained_whichever_worker_had_it_and_whichever_is_asked(tmp_path: Path, service: str) -> None:
    with several(tmp_path, "--explain-requests=100") as (_, port):
        joined(port, service)
        for number in range(10):
            assert ask(port, "/", headers={"X-Request-Id": f"mine-{number}"}).status == 200
        for number in range(10):
            document = json.loads(ask(port, f"/_openprequal/explain?request_id=mine-{number}").body)
            (row,) = document["last"]
            assert row["request_id"] == f"mine-{number}"
            assert row["worker"] in (0, 1)
        now = json.loads(ask(port, "/_openprequal/explain").body)
        assert now["picks"][0]["picked"] == service


def test_all_workers_write_to_one_access_log_and_open_it_anew(tmp_path: Path, service: str) -> None:
    log = tmp_path / "access.log"

    def targets(path: Path) -> set[str]:
        return {json.loads(line)["target"] for line in path.read_text().splitlines()} if path.exists() else set()

    with several(tmp_path, f"--access-log={log}") as (command, port):
        joined(port, service)
        before = {f"/before-{number}" for number in range(20)}
        for target in before:
            assert ask(port, target).status == 200
        eventually(lambda: targets(log) == before, "all have written")
        log.rename(tmp_path / "access.log.1")
        os.kill(command.pid, signal.SIGUSR1)
        after = {f"/after-{number}" for number in range(20)}
        for target in after:
            assert ask(port, target).status == 200
        eventually(lambda: targets(log) >= after, "all write to the new one")
        assert targets(log) | targets(tmp_path / "access.log.1") == before | after
        assert command.process.poll() is None


def test_the_dashboard_shows_what_one_worker_sees_and_says_which(tmp_path: Path, service: str) -> None:
    with several(tmp_path) as (_, port):
        joined(port, service)
        assert ask(port, "/_openprequal/dashboard").status == 200
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
            connection.request("GET", "/_openprequal/stream")
            response = connection.getresponse()
            lines = [response.readline() for _ in range(2)]
        assert lines[0] == b"event: hello\n"
        told = json.loads(lines[1].removeprefix(b"data: "))
        assert told["workers"] == 2
        assert told["worker"] in (0, 1)


def test_who_may_look_at_the_dashboard_is_read_again_by_the_workers(tmp_path: Path) -> None:
    settings = tmp_path / "gateway.toml"
    settings.write_text("")
    with several(tmp_path, "--config=gateway.toml") as (_, port):
        settings.write_text("trust_loopback = false\n")
        assert post(port, "/_openprequal/reload", None).status == 200
        assert ask(port, "/backends").status == 403
        assert [ask(port, "/_openprequal/stream", "HEAD").status for _ in range(4)] == [403] * 4


def test_an_admin_port_of_several_workers_has_no_dashboard_and_says_what_there_is(tmp_path: Path) -> None:
    admin_port = free_ports()
    with gateway(tmp_path, "--workers=2", f"--admin-port={admin_port}"):
        answer = eventually(lambda: ask(admin_port, "/_openprequal/stream"), "an answer")
        assert answer.status == 404
        assert b"openprequal top" in answer.body
