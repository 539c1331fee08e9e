"""However the gateway ends, nothing it started outlives it, and what is under way is finished if there is time."""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from running import Answer, Running, alive, ask, backend, backends, eventually, free_ports, gateway, running, up


def _interrupt_group(command: Running) -> None:
    os.killpg(command.pid, signal.SIGINT)  # as Ctrl-C in a terminal does


def _terminate(command: Running) -> None:
    command.process.send_signal(signal.SIGTERM)


# twistd ends by the signal it was sent, once everything has stopped; a shell shows 130 and 143.
@pytest.mark.parametrize(
    ("end", "status"),
    [(_interrupt_group, -signal.SIGINT), (_terminate, -signal.SIGTERM)],
    ids=["ctrl-c", "sigterm"],
)
def test_a_signal_ends_the_gateway_and_its_demo_backends(
    end: Callable[[Running], None], status: int, tmp_path: Path
) -> None:
    port = free_ports(3)
    with gateway(tmp_path, "--demo=2", port=port) as (command, _):
        eventually(lambda: up(port, 2), "two backends are up")
        children = command.children()
        assert len(children) == 2
        end(command)
        assert command.wait() == status
        assert not [pid for pid in children if alive(pid)]
        # Everybody left in good order, and nothing failed on the way out.
        assert command.output.count(" left: unregistered\n") == 2
        assert "Traceback" not in command.output
    assert not list(tmp_path.glob("*.pid"))


def test_demo_backends_end_when_the_gateway_is_killed(tmp_path: Path) -> None:
    port = free_ports(3)
    with gateway(tmp_path, "--demo=2", port=port) as (command, _):
        eventually(lambda: up(port, 2), "two backends are up")
        children = command.children()
        command.process.kill()
        command.wait()
        eventually(lambda: not [pid for pid in children if alive(pid)], "both backends have ended")


def test_sigterm_finishes_the_requests_under_way(tmp_path: Path) -> None:
    answers: list[Answer] = []
    with (
        gateway(tmp_path) as (command, port),
        backend(tmp_path, port, "--work-seconds=1", "--cores=0") as (_, its_port),
    ):
        eventually(lambda: up(port, 1), "the backend is up")
        asking = [threading.Thread(target=lambda: answers.append(ask(port))) for _ in range(8)]
        for thread in asking:
            thread.start()
        eventually(lambda: backends(port)[f"http://localhost:{its_port}"]["in_flight"] == 8, "all are under way")
        _terminate(command)
        for thread in asking:
            thread.join()
        assert command.wait() == -signal.SIGTERM
    assert [answer.status for answer in answers] == [200] * 8
    assert "cut at shutdown" not in command.output


def test_several_commands_run_in_one_directory(tmp_path: Path) -> None:
    with gateway(tmp_path) as (_, first), gateway(tmp_path) as (_, second), backend(tmp_path, first) as (_, third):
        eventually(lambda: up(first, 1), "the backend is up at the first gateway")
        assert {path.name for path in tmp_path.glob("*.pid")} == {
            f"openprequal-{first}.pid",
            f"openprequal-{second}.pid",
            f"openprequal-backend-{third}.pid",
        }


def test_a_port_in_use_ends_the_start_with_one_line(tmp_path: Path) -> None:
    with gateway(tmp_path) as (_, port):
        other = tmp_path / "other"
        other.mkdir()
        with running(["-n", "openprequal", f"--port={port}"], other) as second:
            assert second.wait() == 1
        last = second.output.splitlines()[-1]
        assert "openprequal: cannot listen on" in last
        assert str(port) in last
        assert "in use" in last
        assert "Traceback" not in second.output
