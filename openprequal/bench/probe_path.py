"""What does a probe cost the gateway, sent and answered? Over real sockets: most of it is the kernel's."""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from openprequal.balancing.prequal import Prequal
from openprequal.bench.backends import Backends
from openprequal.interfaces import BalancerContext
from openprequal.probing.http_probe import HttpProbeTransport
from openprequal.probing.report_reader import ReportReader
from openprequal.reactor import PlainEPollReactor
from openprequal.upstream.connections import Connections
from openprequal.upstream.dialing import dialer
from openprequal.values import Backend, LoadReport

UNDER_WAY = 16


class ProbePath:
    """Probes *backends* again and again, at most :data:`UNDER_WAY` at once, with a Prequal balancer to take them in."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._reactor = reactor = PlainEPollReactor()  # type: ignore[no-untyped-call]
        self._backends = [Backend(f"http://127.0.0.1:{port}") for port in ports]
        self._connections = {
            backend: Connections(
                dialer(reactor, backend, backend.port, lambda: ["127.0.0.1"], 5.0),
                reactor,
                max_idle=UNDER_WAY,
                idle_timeout_s=60.0,
            )
            for backend in self._backends
        }
        self._transport = HttpProbeTransport(
            reactor, self._connections.get, _heard, _heard, reports=ReportReader(), default_path="/"
        )
        context = BalancerContext(reactor, Random(1), self._transport)
        self._balancer = Prequal(context)
        for backend in self._backends:
            self._balancer.up(backend)
        self._left = self._answered = 0

    def run(self, count: int) -> tuple[float, int]:
        """Send *count* probes; CPU seconds of this process, and how many were answered."""
        self._left, self._answered, self._ended = count, 0, 0
        self._count = count
        began = time.process_time()
        self._reactor.callWhenRunning(self._begin)
        self._reactor.run(installSignalHandlers=False)
        return time.process_time() - began, self._answered

    def _begin(self) -> None:
        for backend in self._backends[:UNDER_WAY]:
            self._next(backend)

    def _next(self, backend: Backend) -> None:
        if self._left:
            self._left -= 1
            self._transport.probe(backend, lambda report: self._done(backend, report))

    def _done(self, backend: Backend, report: LoadReport | None) -> None:
        self._ended += 1
        if report is not None:
            self._answered += 1
            self._balancer.reported(backend, report)
        if self._ended == self._count:
            self._reactor.stop()
        else:
            self._next(backend)


def _heard(backend: Backend, report: LoadReport) -> None:
    """Where a report came from is of no interest here."""


def report(count: int) -> None:
    """Measure and print a line.

    :raises StartFailed: there is no nginx to answer.
    """
    with tempfile.TemporaryDirectory(prefix="openprequal-bench-") as name:
        backends = Backends(UNDER_WAY, Path(name))
        with backends.start():
            spent_s, answered = ProbePath(backends.ports).run(count)
    sys.stdout.write(
        f"{answered} of {count} probes answered; {spent_s / count * 1e6:.1f} µs of CPU each, kernel included\n"
    )
