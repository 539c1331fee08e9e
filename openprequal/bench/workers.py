"""What do two workers carry beside one, each held to the same share of a core, and who gets the connections?"""

import contextlib
import re
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path
from statistics import median
from typing import Final

from attrs import field, frozen

from openprequal.bench.backends import Backends
from openprequal.bench.load import Load, put_under_load
from openprequal.bench.machine import describe_machine
from openprequal.bench.peers.openprequal import join, launch
from openprequal.bench.processes import Running, StartFailed, answers, children_of, cpu_s_of, free_ports
from openprequal.bench.scenarios import SCENARIOS
from openprequal.bench.share import held_to

GATEWAY_CORE: Final = 0
WARM_UP_S: Final = 2


@frozen
class Gateway:
    """One that runs, and what was seen of it."""

    name: str
    port: int
    running: Running
    workers: list[int]
    """Process ids of those that take requests."""
    loads: list[Load] = field(factory=list)
    cpu_us: list[float] = field(factory=list)
    """Per request, in each turn."""
    shares: list[list[float]] = field(factory=list)
    """Of the connections, in each turn."""


def report(share: float, connections: int, rounds: int, seconds: int) -> None:
    """Measure in interleaved turns, and print a table.

    :raises StartFailed: wrk, nginx or a gateway does not start.
    """
    with tempfile.TemporaryDirectory(prefix="openprequal-bench-") as name, contextlib.ExitStack() as started:
        folder = Path(name)
        folder.chmod(0o755)  # nginx's workers are another user's
        backends = Backends(16, folder)
        started.enter_context(backends.start())
        gateways = [_start(count, backends.ports, folder, started) for count in (1, 2)]
        held = [started.enter_context(held_to(share, each.workers)) for each in gateways]
        for _ in range(rounds):
            for each in gateways:
                _turn(each, connections, seconds, folder)
        sys.stdout.write(f"{describe_machine()}\n")
        sys.stdout.write(f"each worker held to {share:g} of a core {held[0]}; {connections} connections, 16 backends, ")
        sys.stdout.write(f"medians of {rounds} interleaved turns of {seconds} s\n")
        _table(gateways)


def _start(count: int, backends: list[int], folder: Path, started: contextlib.ExitStack) -> Gateway:
    (port,) = free_ports(1)
    name = f"{count} worker{'s' if count > 1 else ''}"
    running = started.enter_context(
        Running(launch(port, backends, folder, ("--workers", str(count))), GATEWAY_CORE, folder, name.replace(" ", "-"))
    )
    running.wait_until(lambda: answers(port, "/readyz"))
    if count > 1:
        running.wait_until(lambda: len(_connections(port)) == count and f"openprequal_workers {count}.0" in _page(port))
    join(port, backends)
    running.wait_until(lambda: answers(port))
    return Gateway(name, port, running, children_of(running.pid) if count > 1 else [running.pid])


def _turn(gateway: Gateway, connections: int, seconds: int, folder: Path) -> None:
    # A scrape costs as much as hundreds of requests: it is for the time that is not measured.
    seen: list[list[float]] = []
    looking = threading.Timer(WARM_UP_S / 2, lambda: seen.append(_connections(gateway.port)))
    looking.start()
    put_under_load(gateway.port, SCENARIOS["small"], connections, WARM_UP_S, folder)
    looking.join()
    cpu_s = cpu_s_of([gateway.running.pid])
    load = put_under_load(gateway.port, SCENARIOS["small"], connections, seconds, folder)
    used_s = cpu_s_of([gateway.running.pid]) - cpu_s
    if load.errors:
        raise StartFailed(f"{gateway.name}: {load.errors} requests failed")
    gateway.loads.append(load)
    gateway.cpu_us.append(1e6 * used_s / load.requests)
    gateway.shares.extend([count / sum(counts) for count in counts] for counts in seen if sum(counts))


def _table(gateways: list[Gateway]) -> None:
    sys.stdout.write(f"{'':<12}{'requests/s':>12}{'CPU µs/request':>16}{'p50 ms':>9}{'p99 ms':>9}  connections\n")
    for each in gateways:
        shares = [share for turn in each.shares for share in turn]
        spread = f"{min(shares):.0%} to {max(shares):.0%} each" if shares else ""
        sys.stdout.write(
            f"{each.name:<12}{_rate(each):>12,.0f}{median(each.cpu_us):>16.1f}"
            f"{1e3 * median(load.p50_s for load in each.loads):>9.1f}"
            f"{1e3 * median(load.p99_s for load in each.loads):>9.1f}  {spread}\n"
        )
    one, two = gateways
    sys.stdout.write(
        f"two carry {_rate(two) / _rate(one):.2f} × one, at {median(two.cpu_us) / median(one.cpu_us):.2f} × the CPU per"
        " request\n"
    )


def _rate(gateway: Gateway) -> float:
    return median(load.requests_per_s for load in gateway.loads)


def _page(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        return str(answer.read().decode())


def _connections(port: int) -> list[float]:
    """How many connections clients hold at each worker; empty where there is one process."""
    found = re.findall(r'^openprequal_worker_connections\{worker="\d+"\} (\S+)$', _page(port), re.MULTILINE)
    return [float(count) for count in found]
