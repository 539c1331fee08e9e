"""Stands for twistd on a page: starts the real one in the background, and ends once it serves.

What was started before in the same place, the gateway or a backend of the same port, is ended first.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

PLACES = Path(os.environ["DOCUMENTATION_SANDBOX"])
"""Where it is written down what was started, and what that said."""
TWISTD = str(Path(sys.executable).with_name("twistd"))
DEADLINE_S = 50.0


def main(arguments: list[str]) -> int:
    """The exit status: 0 once it serves."""
    if "--check" in arguments or "--help" in arguments:
        return subprocess.call([TWISTD, *arguments])
    options = " ".join(arguments)
    backend = "openprequal-backend" in arguments
    port = re.search(r"--port[= ](\d+)", options)
    place = PLACES / (f"backend-{port[1] if port else 0}" if backend else "gateway")
    _end(place, backend)
    own_pidfile = any(word.startswith("--pidfile") for word in arguments)
    output = place.with_suffix(".txt")
    environment = dict(os.environ)
    if "--config" not in arguments:
        environment["OPENPREQUAL_PORT"] = os.environ["DOCUMENTATION_PORT"]
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [TWISTD, "-n", *(() if own_pidfile else ("--pidfile=",)), *(word for word in arguments if word != "-n")],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    place.write_text(str(process.pid))
    awaited = {r"listening on |Site starting on |starting on '": 1}
    if demo := re.search(r"--demo[= ](\d+)", options):
        awaited["is up: "] = int(demo[1])
    if backend and "--upstream" not in arguments and (PLACES / "gateway").exists():
        awaited["registered with"] = 1
    deadline = time.monotonic() + DEADLINE_S
    while True:
        said = output.read_text("utf-8", "replace")
        if all(len(re.findall(line, said)) >= count for line, count in awaited.items()):
            return 0
        if process.poll() is not None or time.monotonic() > deadline:
            sys.stderr.write(said)
            return 1
        time.sleep(0.02)


def _end(place: Path, backend: bool) -> None:
    if place.exists():
        pid = int(place.read_text())
        with contextlib.suppress(ProcessLookupError):
            # A backend takes its leave, as by Ctrl-C. A gateway need not, and may have started backends: the group.
            os.killpg(pid, signal.SIGTERM if backend else signal.SIGKILL)
        while _alive(pid):
            time.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


if __name__ == "__main__":
    # What goes on in the background is nobody's to wait for: the real one's parent is gone with this process.
    sys.exit(main(sys.argv[1:]))
