"""A backend that is killed under load costs no GET: what was under way there is asked of another."""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from load import Load
from running import ask, backend, backends, eventually, free_ports, gateway, up

# Long enough that requests are under way on every backend at any moment.
SLOW = ("--work-seconds=0.02", "--cores=0")
CLIENTS = 12


def test_no_get_fails_when_a_backend_is_killed(tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        _, port = stack.enter_context(gateway(tmp_path))
        victim, victims_port = stack.enter_context(backend(tmp_path, port, *SLOW))
        for _ in range(2):
            stack.enter_context(backend(tmp_path, port, *SLOW))
        eventually(lambda: up(port, 3), "three backends are up")
        url = f"http://localhost:{victims_port}"
        with Load(port, CLIENTS) as load:
            eventually(lambda: backends(port)[url]["in_flight"] >= 2 and len(load.requests) > 100, "it has its share")
            victim.process.kill()
            victim.wait()
            dead = time.monotonic()
            eventually(lambda: sum(request.began > dead for request in load.requests) > 100, "the rest goes on")
        assert not load.failed
        eventually(lambda: url not in backends(port), "its lease has ended")


def test_no_get_fails_when_a_backend_is_killed_under_wrk(tmp_path: Path, program: Callable[[str], str]) -> None:
    wrk, connections = program("wrk"), 32
    port = free_ports(4)
    with gateway(tmp_path, "--demo=3", port=port) as (command, _):
        eventually(lambda: up(port, 3), "three backends are up")
        with subprocess.Popen(
            [wrk, "-t1", f"-c{connections}", "-d4s", f"http://127.0.0.1:{port}/"], stdout=subprocess.PIPE, text=True
        ) as asking:
            eventually(lambda: all(row["picks"] > 50 for row in backends(port).values()), "all have their share")
            os.kill(command.children()[0], signal.SIGKILL)
            output, _ = asking.communicate(timeout=30)
        sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
        statuses = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
        broken = sum(map(int, sockets.groups())) if sockets else 0
        refused = int(statuses[1]) if statuses else 0
        assert broken == 0, output
        assert refused == 0, output
        assert int(re.search(r"(\d+) requests in", output)[1]) > 1000, output  # type: ignore[index]
        assert ask(port).status == 200
