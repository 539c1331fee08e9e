"""Real processes on real sockets: how the commands are started in a directory of their own, asked, and ended."""

import contextlib
import http.client
import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
TWISTD = Path(sys.executable).with_name("twistd")
DEADLINE_S = 60.0
STOP_S = 60.0


class Answer(NamedTuple):
    """A response, read whole."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def eventually(happens: Callable[[], Any], what: str, deadline_s: float = DEADLINE_S) -> Any:
    """What *happens* returns as soon as it is true.

    :raises AssertionError: it was not within the deadline.
    """
    deadline = time.monotonic() + deadline_s
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if found := happens():
                return found
        assert time.monotonic() < deadline, f"not within {deadline_s} s: {what}"
        # Nothing tells us what happens in another process but asking again.
        time.sleep(0.05)


class _Ports:
    """Numbers of ports, each once until all were; below those the kernel gives to clients.

    Each process that runs tests has its own, so that none takes what another has found free and not yet bound.
    """

    def __init__(self) -> None:
        number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
        processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
        # openprequal/bench/processes.py has those before 20,000.
        self._count = (31_000 - 20_000) // processes
        self._first = 20_000 + number * self._count
        self._at = random.randrange(self._count)

    def next(self, count: int) -> int:
        """The first of *count*."""
        if self._at + count > self._count:
            self._at = 0
        first = self._first + self._at
        # --demo takes those that follow the gateway's.
        self._at += count + 4
        return first


_PORTS = _Ports()


def free_ports(count: int = 1) -> int:
    """The first of *count* successive ports that nobody listens on."""
    while True:
        first = _PORTS.next(count)
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for port in range(first, first + count):
                probe = held.enter_context(socket.socket(socket.AF_INET6))
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("::", port))
            return first


def ask(
    port: int,
    path: str = "/",
    method: str = "GET",
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    host: str = "127.0.0.1",
) -> Answer:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection(host, port, timeout=DEADLINE_S)
    with contextlib.closing(connection):
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, response.read(), {name.lower(): value for name, value in response.getheaders()})


def post(port: int, path: str, document: object, headers: Mapping[str, str] | None = None) -> Answer:
    """POST *document* as JSON."""
    return ask(port, path, "POST", json.dumps(document), {"Content-Type": "application/json", **(headers or {})})


def backends(port: int) -> dict[str, dict[str, Any]]:
    """The rows of ``/backends`` by URL."""
    return {row["url"]: row for row in ask(port, "/backends").json["backends"]}


def up(port: int, count: int) -> bool:
    """True if exactly *count* backends may be picked."""
    return sum(row["up"] for row in backends(port).values()) == count


class Running:
    """One command, running; its output goes to a file beside it."""

    def __init__(self, process: "subprocess.Popen[bytes]", output: Path) -> None:
        self.process = process
        self.pid = process.pid
        self._output = output

    @property
    def output(self) -> str:
        """All it has said so far."""
        return self._output.read_text("utf-8", "replace")

    def wait(self) -> int:
        """Its exit status, once it has ended.

        :raises subprocess.TimeoutExpired: it does not end.
        """
        return self.process.wait(STOP_S)

    def children(self) -> list[int]:
        """Process ids of its children."""
        return [pid for pid in _processes() if _parent(pid) == self.pid]

    def memory_peak(self) -> int:
        """The most memory it ever held, in bytes (``VmHWM``)."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmHWM in /proc")

    def bytes_read(self) -> int:
        """Bytes it has read so far, from sockets too."""
        return int(Path(f"/proc/{self.pid}/io").read_text().split()[1])


@contextlib.contextmanager
def running(
    arguments: list[str],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    program: str = "twistd",
    keep: Sequence[int] = (),
    descriptors: int | None = None,
) -> Iterator[Running]:
    """A command of this Python's, ``twistd`` if no other, with *arguments* in *folder* until the ``with`` ends.

    The tree under test is what runs.

    :param keep: descriptors that it inherits.
    :param descriptors: how many it may have; None: as many as we.
    """

    def prepare() -> None:
        # What runs the tests may ignore Ctrl-C, as a shell's background job does; a terminal's program does not.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if descriptors is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

    output = folder / f"output-{time.monotonic_ns()}.txt"
    # What happens to be set where the tests run must not configure what they start.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("OPENPREQUAL", "BACKEND"))}
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [str(TWISTD.with_name(program)), *arguments],
            cwd=folder,
            env={**inherited, "PYTHONPATH": str(ROOT), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            pass_fds=keep,
            # A group of its own, so that a test can send it what a terminal would: a signal to the whole group.
            start_new_session=True,
            preexec_fn=prepare,
        )
    command = Running(process, output)
    try:
        yield command
    finally:
        children = command.children() if Path("/proc/self/stat").exists() else []
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def gateway(
    folder: Path,
    *flags: str,
    port: int | None = None,
    environment: Mapping[str, str] | None = None,
    descriptors: int | None = None,
) -> Iterator[tuple[Running, int]]:
    """The gateway on a free port, once it answers; with that port."""
    port = port or free_ports()
    with running(
        ["-n", "openprequal", f"--port={port}", *flags], folder, environment, descriptors=descriptors
    ) as command:
        _until_listening(command, port)
        yield command, port


@contextlib.contextmanager
def backend(folder: Path, gateway_port: int, *flags: str, port: int | None = None) -> Iterator[tuple[Running, int]]:
    """An example backend of that gateway, once it listens; with its port."""
    port = port or free_ports()
    arguments = [
        "-n",
        "openprequal-backend",
        f"--port={port}",
        f"--proxy-url=http://localhost:{gateway_port}",
        "--backend-heartbeat-seconds=1",
        *flags,
    ]
    with running(arguments, folder) as command:
        _until_listening(command, port)
        yield command, port


def alive(pid: int) -> bool:
    """True if the process exists and is no zombie."""
    return _stat(pid)[:1] not in ([], ["Z"])


def _until_listening(command: Running, port: int) -> None:
    def listens() -> bool:
        assert command.process.poll() is None, command.output
        with socket.create_connection(("127.0.0.1", port), 1):
            return True

    eventually(listens, f"listening on {port}")


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _parent(pid: int) -> int:
    return int((_stat(pid) or ["", "0"])[1])


def _stat(pid: int) -> list[str]:
    """Fields of ``/proc/PID/stat`` from the third on: after the name, which may hold anything; empty: it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
