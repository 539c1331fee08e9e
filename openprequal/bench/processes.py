"""How is a program started on its own core, watched, and surely ended?"""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from attrs import field, frozen

import openprequal

START_S = 20.0
STOP_S = 3.0
_NOT_OUTGOING = (12_000, 20_000)
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class StartFailed(Exception):
    """A program is missing, ended at once or did not become ready; the message says which and how."""


@frozen
class Launch:
    """What to run."""

    command: list[str]
    environment: Mapping[str, str] = field(factory=dict)
    """Added to our own."""


class Running:
    """A program that runs until the ``with`` ends, pinned to *core* if there is one; what it says is kept."""

    def __init__(self, launch: Launch, core: int | None, folder: Path, name: str) -> None:
        self.name = name
        self._output = folder / f"{name}.log"
        with self._output.open("wb") as log:
            # A session of its own: Ctrl-C reaches only us, and we end the others in order, children included.
            self._process = subprocess.Popen(
                [*(() if core is None else on_core(core)), *launch.command],
                cwd=folder,
                env={**os.environ, **launch.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for signum in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signum)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_S)

    def terminate(self) -> None:
        """Tell it to end, and do not wait for that."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGTERM)

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Return when *ready* says so.

        :raises StartFailed: it ended, or was not ready in time.
        """
        deadline = time.monotonic() + START_S
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                what = "ended" if self._process.poll() is not None else "was not ready in time"
                raise StartFailed(f"{self.name} {what}: {self.said()}")
            time.sleep(0.05)

    def wait_for_end(self, until_s: float) -> None:
        """Return when it has ended by itself.

        :raises StartFailed: it has not by *until_s* of the monotonic clock.
        """
        try:
            self._process.wait(max(0.0, until_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise StartFailed(f"{self.name} did not end in time: {self.said()}") from None

    def said(self) -> str:
        """The end of its output."""
        return self._output.read_text(errors="replace").strip()[-800:]

    def cpu_s(self) -> float:
        """User and system time used so far, in seconds, by it and its living and ended children."""
        return cpu_s_of([self.pid])


def cpu_s_of(pids: Iterable[int]) -> float:
    """User and system time used so far, in seconds, by these processes and their living and ended children."""
    parents: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            pid = int(entry.name)
            parents.setdefault(int(fields[1]), []).append(pid)
            ticks[pid] = sum(int(each) for each in fields[11:15])  # utime, stime, cutime, cstime: proc(5), 14 to 17
    spent, waiting = 0, list(pids)
    while waiting:
        pid = waiting.pop()
        spent += ticks.get(pid, 0)
        waiting += parents.get(pid, [])
    return spent / TICKS_PER_S


def own_environment() -> dict[str, str]:
    """What a Python process needs to find this very code."""
    source = str(Path(openprequal.__file__).resolve().parents[1])
    return {"PYTHONPATH": os.pathsep.join(each for each in (source, os.environ.get("PYTHONPATH")) if each)}


def on_core(core: int) -> list[str]:
    """The words before a command that pin it to *core*; none where there is no such core."""
    return ["taskset", "-c", str(core)] if core < (os.cpu_count() or 1) and shutil.which("taskset") else []


def _stat(pid: int) -> list[str]:
    """Fields of ``/proc/PID/stat`` from the third on (after the name, which may hold anything); empty: it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


_given: dict[int, None] = {}
"""Ports given so far, the one given last at the end."""


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on now; not those that this process was given lately, whose program may still
    be starting, and none of those that the system gives to outgoing connections, of which there may be thousands before
    a program comes to listen.

    :raises StartFailed: there are not so many.
    """
    fresh = [port for port in range(*_NOT_OUTGOING) if port not in _given]
    # Successive ones from anywhere: of two benchmarks at a time hardly any takes what the other is about to.
    begin = random.randrange(len(fresh) or 1)
    with contextlib.ExitStack() as held:
        ports: list[int] = []
        # Once all have been given, those given longest ago are next.
        for port in [*fresh[begin:], *fresh[:begin], *_given]:
            trial = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                trial.bind(("127.0.0.1", port))
                ports.append(port)
            if len(ports) == count:
                for each in ports:
                    _given.pop(each, None)
                    _given[each] = None
                return ports
    raise StartFailed(f"there are no {count} free ports")


def listens(port: int) -> bool:
    """True if somebody listens at that loopback port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def answers(port: int, path: str = "/") -> bool:
    """True if a GET of *path* at that loopback port is answered 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as asking:
        asking.settimeout(1)
        asking.sendall(request)
        return b" 200 " in asking.recv(4096)[:16]
    return False
