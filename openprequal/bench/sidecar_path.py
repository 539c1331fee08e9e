"""What does the sidecar add to a request's latency? The same backend asked without it and through it, over sockets."""

import os
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Final

import openprequal
from openprequal.bench.backends import Backends
from openprequal.bench.load import Load, put_under_load
from openprequal.bench.peers import haproxy
from openprequal.bench.peers.openprequal import program
from openprequal.bench.processes import Launch, Running, StartFailed, answers, free_ports
from openprequal.bench.scenarios import SCENARIOS

CONNECTIONS: Final = (1, 16)


def report(rounds: int, seconds: int) -> None:
    """Measure in interleaved turns and print a table.

    :raises StartFailed: wrk, nginx or the sidecar does not start.
    """
    with tempfile.TemporaryDirectory(prefix="openprequal-bench-") as name:
        folder = Path(name)
        backends = Backends(1, folder)
        with backends.start():
            (sidecar_port, haproxy_port), upstream = free_ports(2), backends.ports[0]
            ports = {"direct": upstream, "sidecar": sidecar_port}
            with Running(_sidecar(sidecar_port, upstream), 0, folder, "sidecar") as sidecar:
                sidecar.wait_until(lambda: answers(sidecar_port, "/healthz"))
                try:
                    peer = Running(haproxy.launch(haproxy_port, [upstream], folder), 0, folder, "haproxy")
                except StartFailed:
                    _table(ports, rounds, seconds, folder)
                    return
                with peer:
                    peer.wait_until(lambda: answers(haproxy_port))
                    _table({**ports, "haproxy": haproxy_port}, rounds, seconds, folder)


def _sidecar(port: int, upstream: int) -> Launch:
    source = str(Path(openprequal.__file__).resolve().parents[1])
    path = os.pathsep.join(each for each in (source, os.environ.get("PYTHONPATH")) if each)
    flags = [f"--port={port}", f"--upstream=http://127.0.0.1:{upstream}", "--register=no"]
    return Launch([program(), "-n", "--pidfile=", "openprequal-backend", *flags], {"PYTHONPATH": path})


def _table(ports: dict[str, int], rounds: int, seconds: int, folder: Path) -> None:
    sys.stdout.write(f"medians of {rounds} interleaved turns of {seconds} s, 100-byte answers\n")
    sys.stdout.write(f"{'connections':<12}{'way':<10}{'requests/s':>12}{'p50 µs':>10}{'added µs':>10}{'p99 µs':>10}\n")
    for connections in CONNECTIONS:
        turns: dict[str, list[Load]] = {way: [] for way in ports}
        for _ in range(rounds):
            for way, port in ports.items():
                turns[way].append(put_under_load(port, SCENARIOS["small"], connections, seconds, folder))
        direct_us = _median_us(turns["direct"], "p50_s")
        for way, loads in turns.items():
            if any(load.errors for load in loads):
                raise StartFailed(f"{way}: {sum(load.errors for load in loads)} requests failed")
            p50_us = _median_us(loads, "p50_s")
            sys.stdout.write(
                f"{connections:<12}{way:<10}{median(load.requests_per_s for load in loads):>12,.0f}{p50_us:>10.0f}"
                f"{p50_us - direct_us:>10.0f}{_median_us(loads, 'p99_s'):>10.0f}\n"
            )
        sys.stdout.flush()


def _median_us(loads: list[Load], what: str) -> float:
    return float(1e6 * median(getattr(load, what) for load in loads))
