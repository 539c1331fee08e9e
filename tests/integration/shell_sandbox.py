"""Where the commands of a page are run: a directory, ports and paths of their own, and servers that outlive a command.

The commands are run as they stand, but for the ports and the absolute paths they name, which are moved to where nobody
else is. ``twistd`` starts what it starts in the background, waits until it is there, and ends the one that was started
before it in the same place; everything still running ends with the sandbox.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from running import ROOT, eventually, free_ports

PORTS = (80, 443, 5000, 8000, 8001, 8002, 8003, 8004, 8005, 8100, 9000, 9001, 9002)
"""Successive ports of ours stand for these; a gateway's ``--demo`` takes those after its own."""
COMMAND_S = 120.0
_PORT = re.compile(r"(?<![\w.])(?:" + "|".join(map(str, PORTS)) + r")(?![\w.]*\w)")
_PLACE = re.compile(r"(?<![\w./}])/(?=(?:etc|run|var/lib|var/log)/)")
_MARK = "DOCUMENTATION_SANDBOX"

_STAND_INS = Path(__file__).with_name("stand_ins")
_PROGRAMS = {
    "twistd": str(_STAND_INS / "twistd.py"),
    "pip": str(_STAND_INS / "pip.py"),
    "openprequal": "-m openprequal.cli.commands",
    "openprequal-simulation": "-m openprequal.simulation",
}
"""What is run by these names, with this Python: the tree under test, installed or not."""


class Sandbox:
    """One directory and what runs in it.

    :ivar folder: where the commands are run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        first = free_ports(len(PORTS))
        self._ports = {str(port): str(first + number) for number, port in enumerate(PORTS)}
        self._places = folder / ".started"
        programs = folder / ".programs"
        for made in (self._places, programs):
            made.mkdir()
        for name, what in _PROGRAMS.items():
            (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} {what} "$@"\n')
            (programs / name).chmod(0o755)
        for place in ("etc/openprequal", "run/openprequal", "var/lib/openprequal", "var/log/openprequal"):
            (folder / place).mkdir(parents=True)
        for name in ("deploy", "docs", "tests"):
            (folder / name).symlink_to(ROOT / name)
        # The programs of this Python are found already.
        (folder / ".venv" / "bin").mkdir(parents=True)
        (folder / ".venv" / "bin" / "activate").touch()
        # To a terminal, curl tells no progress.
        (folder / ".curlrc").write_text("silent\nshow-error\n")
        ours = ("OPENPREQUAL", "BACKEND")
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(ours)},
            _MARK: str(self._places),
            "PATH": os.pathsep.join((str(programs), str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin")),
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "DOCUMENTATION_PORT": self._ports["8000"],
            "BACKEND_PORT": self._ports["8001"],
            "OPENPREQUAL_GATEWAY": f"http://127.0.0.1:{self._ports['8000']}",
            "PROXY_URL": f"http://localhost:{self._ports['8000']}",
        }

    def moved(self, text: str) -> str:
        """*text* with our ports and places in it."""
        text = _PORT.sub(lambda found: self._ports[found[0]], text)
        return _PLACE.sub(f"{self.folder}/", text)

    def moved_back(self, text: str) -> str:
        """What the page would show in the place of *text*."""
        for theirs, ours in self._ports.items():
            text = re.sub(rf"(?<!\d){ours}(?!\d)", theirs, text)
        return text.replace(str(self.folder), "")

    def write(self, name: str, text: str) -> None:
        """*text* at the end of that file."""
        path = self.folder / self.moved(name).removeprefix(f"{self.folder}/")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(self.moved(text))

    def run(self, commands: str, status: int = 0) -> str:
        """What they said, as the page would show it.

        :param status: what the last of them ends with.
        :raises AssertionError: one of them failed.
        """
        output = self.folder / ".output"
        with output.open("wb") as stream:
            # What is left running in the background holds the file, so that nobody waits for it.
            process = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", self.moved(commands)],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
            try:
                process.wait(COMMAND_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        said = self.moved_back(output.read_text("utf-8", "replace"))
        assert process.returncode == status, f"status {process.returncode} of\n{commands}\n{said}\n{self._logs()}"
        return said

    def end(self) -> None:
        """End everything that was started here, at once: nobody asks how it ends."""
        eventually(self._ended, "all have ended")

    def _ended(self) -> bool:
        running = list(self._running())
        for pid in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return not running

    def _running(self) -> Iterator[int]:
        """Processes that have inherited our mark."""
        mark = f"{_MARK}={self._places}".encode()
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes():
                    yield int(entry.name)

    def _logs(self) -> str:
        return "\n".join(file.read_text("utf-8", "replace")[-3000:] for file in self._places.glob("*.txt"))
