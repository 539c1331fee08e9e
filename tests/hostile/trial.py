"""A gateway, its backends and its honest clients, all real processes: what a flood leaves of them."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

from tests.integration.running import ROOT, Running, eventually, free_ports, gateway, post, running, up

BACKENDS = 4
SETTLED_S = 100.0
"""All time-outs of clients and of idle connections to backends are over by then."""


class Held(NamedTuple):
    """What a process holds."""

    memory: int
    """Resident bytes."""
    descriptors: int


class Latency(NamedTuple):
    """What honest clients saw in a while."""

    requests: int
    failed: int
    p50_s: float
    p99_s: float
    longest_s: float


def held(pid: int) -> Held:
    """What the process holds now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return Held(int(line.split()[1]) * 1024, len(os.listdir(f"/proc/{pid}/fd")))
    raise AssertionError("no VmRSS in /proc")


def favour(pid: int, core: int, precedence: int) -> None:
    """Pin the process to *core*, and let it run there whenever it can, and none of higher *precedence* would."""
    os.sched_setaffinity(pid, {core})
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(precedence))


class Trial:
    """A running gateway with its backends and honest clients.

    :ivar command: the gateway.
    """

    def __init__(self, command: Running, port: int, notes: Path) -> None:
        self.command = command
        self.port = port
        self._notes = notes

    @classmethod
    @contextlib.contextmanager
    def begun(cls, folder: Path, *flags: str, pinned: bool = False) -> Iterator[Self]:
        """Until the ``with`` ends.

        :param pinned: the gateway is on the first core, all others share the second; and where we may, they go before
            whatever else runs on this machine, the flood last.
        """
        with contextlib.ExitStack() as stack:
            command, port = stack.enter_context(gateway(folder, "--health-interval-seconds=1", *flags))
            if pinned:
                favour(command.pid, 0, 3)
            notes = folder / "honest.txt"
            first = free_ports(BACKENDS)
            programs = [["backend", str(first + number)] for number in range(BACKENDS)]
            for name, *arguments in [*programs, ["honest", str(port), str(notes)]]:
                one = stack.enter_context(
                    running(["-m", f"tests.hostile.{name}", *arguments], folder, program=Path(sys.executable).name)
                )
                if pinned:
                    # What the backends do at a time is not what honest clients wait for.
                    favour(one.pid, 1, 3 if name == "honest" else 2)
            for number in range(BACKENDS):
                post(port, "/register", {"url": f"http://127.0.0.1:{first + number}"})
            eventually(lambda: up(port, BACKENDS), "backends up")
            eventually(lambda: notes.exists() and notes.read_text().count(" 200\n") > 100, "honest clients are at it")
            yield cls(command, port, notes)

    def flood(self, *options: str, pinned: bool = False) -> Generator[Held, None, dict[str, Any]]:
        """Flood it; what it holds again and again meanwhile. The generator's value is what the flood said."""
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.flood", str(self.port), *options],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
        )
        try:
            if pinned:
                # Last of ours, but steadily: bursts that another program's turns make are not the clients' doing.
                favour(process.pid, 1, 1)
            while process.poll() is None:
                yield held(self.command.pid)
                time.sleep(0.5)
        finally:
            process.kill()
        said, _ = process.communicate()
        result: dict[str, Any] = json.loads(said)
        return result

    def flood_whole(self, *options: str) -> dict[str, int]:
        """Flood it; how many connections ended in which way."""
        holdings = self.flood(*options)
        while True:
            try:
                next(holdings)
            except StopIteration as ended:
                return dict(ended.value["ended"])

    @property
    def now(self) -> float:
        """Of the clock that honest clients note."""
        return time.monotonic()

    def settled(self, before: Held, spare: int) -> Held:
        """What it holds once it has let go of the flood's descriptors, or could have for long."""
        deadline = time.monotonic() + SETTLED_S
        while (now := held(self.command.pid)).descriptors > before.descriptors + spare:
            if time.monotonic() > deadline:
                break
            time.sleep(0.5)
        return now

    def latency(self, began: float, ended: float) -> Latency:
        """What honest clients saw from *began* to *ended* (monotonic seconds)."""
        rows = [line.split() for line in self._notes.read_text().splitlines() if line.count(" ") == 2]
        while_s = [(float(took), status) for at, took, status in rows if began <= float(at) < ended]
        times = sorted(took for took, _ in while_s)
        failed = sum(status != "200" for _, status in while_s)
        if not times:
            return Latency(0, 0, float("nan"), float("nan"), float("nan"))
        return Latency(len(times), failed, times[len(times) // 2], times[int(len(times) * 0.99)], times[-1])
