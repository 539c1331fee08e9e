"""How is a program started on its own core, watched, and surely ended?"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from attrs import field, frozen

START_S = 20.0
STOP_S = 3.0
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
    """A program that runs until the ``with`` ends, pinned to *core*; its output is kept for when it fails."""

    def __init__(self, launch: Launch, core: int, folder: Path, name: str) -> None:
        self.name = name
        self._output = folder / f"{name}.log"
        with self._output.open("wb") as log:
            # A session of its own: Ctrl-C reaches only us, and we end the others in order, children included.
            self._process = subprocess.Popen(
                [*on_core(core), *launch.command],
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

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Return when *ready* says so.

        :raises StartFailed: it ended, or was not ready in time.
        """
        deadline = time.monotonic() + START_S
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                what = "ended" if self._process.poll() is not None else "was not ready in time"
                raise StartFailed(f"{self.name} {what}: {self._output.read_text(errors='replace').strip()[-800:]}")
            time.sleep(0.05)

    def cpu_s(self) -> float:
        """User and system time used so far, in seconds, by it and its living and ended children."""
        return sum(_ticks(pid) for pid in self._family()) / TICKS_PER_S

    def _family(self) -> list[int]:
        parents: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and (fields := _stat(int(entry.name))):
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
        family, waiting = [], [self.pid]
        while waiting:
            pid = waiting.pop()
            family.append(pid)
            waiting += parents.get(pid, [])
        return family


def on_core(core: int) -> list[str]:
    """The words before a command that pin it to *core*; none where there is no such core."""
    return ["taskset", "-c", str(core)] if core < (os.cpu_count() or 1) and shutil.which("taskset") else []


def _stat(pid: int) -> list[str]:
    """Fields of ``/proc/PID/stat`` from the third on (after the name, which may hold anything); empty: it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _ticks(pid: int) -> int:
    """utime, stime, cutime and cstime (proc(5): fields 14 to 17)."""
    return sum(int(each) for each in _stat(pid)[11:15])


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody listens on now."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


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
