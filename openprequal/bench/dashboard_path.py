"""What does the dashboard cost the gateway: how long does a snapshot hold it, and how much of a core does one take?"""

import asyncio
import socket
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from statistics import median
from threading import Thread
from typing import Any, Final

from twisted.internet.task import Clock

from openprequal.bench.backends import Backends
from openprequal.bench.hot_path import HotPath
from openprequal.bench.peers.openprequal import join, launch
from openprequal.bench.processes import Running, answers, free_ports
from openprequal.bench.traffic import Traffic
from openprequal.dashboard.history import History
from openprequal.dashboard.snapshot import Looked, Snapshots
from openprequal.health.standing import Standing
from openprequal.metrics.exemplars import Exemplars
from openprequal.metrics.gateway_samples import service_samples
from openprequal.metrics.tally import RequestTally

REPEATS: Final = 15
REQUESTS_PER_S: Final = 200.0


class _Turns(Clock):
    """Runs one turn after the other, and times each."""

    seconds = staticmethod(time.monotonic)

    def __init__(self) -> None:
        super().__init__()
        self._waiting: deque[Callable[[], object]] = deque()

    def callLater(self, delay: float, callable: Callable[..., object], *args: object, **kw: object) -> Any:
        self._waiting.append(lambda: callable(*args, **kw))

    def timed(self, begin: Callable[[], object]) -> list[float]:
        """Seconds of CPU of each turn, from *begin* until nothing waits."""
        turns = [_timed(begin)]
        while self._waiting:
            turns.append(_timed(self._waiting.popleft()))
        return turns


def _timed(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


def report(sizes: list[int], rounds: int, seconds: float) -> None:
    """Measure and print.

    :param rounds: of so many seconds without and with one who looks, by turns; 0: only what needs no processes.
    :raises StartFailed: there is no nginx, or the gateway does not start.
    """
    sys.stdout.write(f"a snapshot in memory, every backend's load changed; medians of {REPEATS}, CPU time\n")
    header = f"{'backends':>9}{'longest turn ms':>17}{'all turns ms':>14}{'kB':>8}{'all of it ms':>14}{'kB':>8}\n"
    sys.stdout.write(header)
    for size in sizes:
        sys.stdout.write(_in_memory(size) + "\n")
        sys.stdout.flush()
    history = _timed_samples()
    sys.stdout.write(f"a sample of a service for the last minutes: {history:.1f} µs\n")
    for size in sizes if rounds else ():
        sys.stdout.write(_watched(size, rounds, seconds) + "\n")
        sys.stdout.flush()


def _in_memory(size: int) -> str:
    path = HotPath("prequal", size)
    services = {"default": path.service}
    standings = {key: _serving(member.backend) for key, member in path.service.members.items()}
    refused = RequestTally("-")
    clock = _Turns()
    snapshots = Snapshots(
        clock,
        Looked(
            services,
            standings,
            lambda: service_samples(services, refused, {}, Exemplars(time.time)),
            History(services),
            lambda: [{"service": "default", "balancer": "prequal", "parameters": {}, "by": None}],
        ),
    )
    clock.timed(snapshots.next)
    longest, total, changed_kb, full, full_kb = [], [], [], [], []
    made: list[bytes] = []
    for _ in range(REPEATS):
        for member in path.service.members.values():
            member.picks += 1
        turns = clock.timed(lambda: snapshots.next().addCallback(made.append))
        longest.append(max(turns))
        total.append(sum(turns))
        changed_kb.append(len(made.pop()) / 1000)
        full.append(_timed(snapshots.full))
        full_kb.append(len(snapshots.full()) / 1000)
    return (
        f"{size:>9,}{1e3 * median(longest):>17.2f}{1e3 * median(total):>14.2f}{median(changed_kb):>8.1f}"
        f"{1e3 * median(full):>14.2f}{median(full_kb):>8.1f}"
    )


def _serving(backend: Any) -> Standing:
    standing = Standing(backend, 0.0)
    standing.passed(0.0, 1)
    standing.offered = True
    return standing


def _timed_samples() -> float:
    path = HotPath("prequal", 1)
    history = History({"default": path.service})
    path.requests(1000)
    began = time.perf_counter()
    for number in range(1000):
        history.tick(float(number))
    return (time.perf_counter() - began) * 1e3


def _watched(size: int, rounds: int, seconds: float) -> str:
    """CPU of a gateway with that many backends and some traffic, alone and with one who looks."""
    with tempfile.TemporaryDirectory(prefix="openprequal-bench-") as name:
        folder = Path(name)
        backends = Backends(size, folder)
        (port,) = free_ports(1)
        with backends.start(), Running(launch(port, (), folder), 0, folder, "openprequal") as gateway:
            gateway.wait_until(lambda: answers(port, "/healthz"))
            join(port, backends.ports)
            asking = Thread(target=lambda: asyncio.run(_traffic(port, rounds * (2 * seconds + 1.0) + 3.0)))
            asking.start()
            time.sleep(2.0)
            shares: list[float] = []
            kb: list[float] = []
            for _ in range(rounds):
                alone = _share(gateway, seconds)
                with Viewer(port) as viewer:
                    time.sleep(1.0)
                    before = viewer.received
                    watched = _share(gateway, seconds)
                    kb.append((viewer.received - before) / seconds / 1000)
                shares.append(watched - alone)
            asking.join()
    low, high = min(shares), max(shares)
    return (
        f"one who looks at {size:,} backends: {100 * median(shares):.2f} % of a core more "
        f"({100 * low:.2f} to {100 * high:.2f} in {rounds} rounds), {median(kb):.1f} kB/s"
    )


async def _traffic(port: int, seconds: float) -> None:
    async with Traffic(port) as traffic:
        await traffic.rate(REQUESTS_PER_S, seconds)


def _share(gateway: Running, seconds: float) -> float:
    began, spent = time.monotonic(), gateway.cpu_s()
    time.sleep(seconds)
    return (gateway.cpu_s() - spent) / (time.monotonic() - began)


class Viewer:
    """Looks at the dashboard of the gateway at that loopback port.

    :ivar received: bytes so far.
    """

    def __init__(self, port: int) -> None:
        self.received = 0
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.sendall(b"GET /_openprequal/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self._thread = Thread(target=self._read)

    def __enter__(self) -> "Viewer":
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _read(self) -> None:
        while read := self._socket.recv(1 << 16):
            self.received += len(read)
