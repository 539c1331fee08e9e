"""The backends: what is answered on their sockets, when, and with which load reports? Runs as a process of its own.

The servers are the simulation's, in real time. A request says how much work it is (``GET /work/0.0123``), so that
every policy is given the same, whichever backend it chooses.
"""

import gc
import json
import signal
import sys
from array import array
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from attrs import frozen
from twisted.internet.protocol import Factory, Protocol

from openprequal.agent.report_format import FIELD_NAME, field_value
from openprequal.bench.tail.cpu_share import CpuShare
from openprequal.bench.tail.paced_clock import PacedClock
from openprequal.bench.tail.precedence import take_precedence
from openprequal.bench.tail.workloads import WORKLOADS
from openprequal.http1.send import sender
from openprequal.reactor import PlainEPollReactor
from openprequal.simulation.clock import VirtualClock
from openprequal.simulation.events import Events
from openprequal.simulation.fleet import emulated, fleet
from openprequal.simulation.replica import Replica, Serve
from openprequal.simulation.scenario import Scenario, Servers
from openprequal.simulation.serving import Serving
from openprequal.values import LoadReport, LoadState

WORK_PATH = b"/work/"
BEGIN_PATH = b"/_bench/begin/"
"""Followed by when, on the machine's monotonic clock, the scenario begins."""
TOLD_PATH = b"/_bench/told"
HEALTH_PATH = b"/healthz"
BODY = b"served"
_STATUS = {200: b"HTTP/1.1 200 OK\r\n", 503: b"HTTP/1.1 503 Service Unavailable\r\n"}


@frozen
class Spec:
    """What one such process is to emulate; it is handed over as JSON."""

    workload: str
    warm_up_s: float
    counted_s: float
    seed: int
    ports: list[int]
    """Of all servers of the scenario, in order."""
    own: list[int]
    """Numbers of those that this process serves."""


class Emulation:
    """The servers of one process."""

    def __init__(self, reactor: Any, spec: Spec) -> None:
        workload = WORKLOADS[spec.workload]
        self.scenario: Scenario = workload.lasting(spec.warm_up_s, spec.counted_s)
        self.reactor = reactor
        self.lags_s = array("d")
        self.clock = PacedClock(reactor, self.lags_s.append)
        self.replicas = list(
            fleet(
                self.clock,
                self.scenario,
                spec.seed,
                partial(_computing, self.clock) if workload.burns_cpu else emulated,
            ).values()
        )
        self.requests = [0] * len(self.replicas)
        self.probes = 0
        self.joined_s: float | None = None
        self._spec = spec
        self._backends = {number: _Backend(self, number) for number in spec.own}

    def listen(self) -> None:
        """On the ports of its servers.

        :raises CannotListenError: somebody else does.
        """
        for backend in self._backends.values():
            backend.listen()

    def begin(self, at_s: float) -> None:
        """The scenario begins *at_s* on the reactor's clock; its first part does not count."""
        wait_s = at_s - self.clock.now
        events = Events(
            self.scenario, self.clock, {each.backend.id: each for each in self.replicas}, self._comes, self._leaves
        )
        self.clock.after(wait_s, events.begin)
        self.clock.after(wait_s + self._spec.warm_up_s, self._count)
        self.clock.pace()

    def told(self) -> Mapping[str, Any]:
        """What was seen since counting began."""
        return {"requests": self.requests, "probes": self.probes, "lags_s": list(self.lags_s)}

    # That a server has joined is told to the proxies by who runs them. Of a restart they learn as they would anywhere:
    # from its health path, its reports, and a port where nobody listens.

    def _leaves(self, replica: Replica) -> None:
        backend = self._backends.get(self.replicas.index(replica))
        restarting = self.scenario.restarting
        if backend is not None and restarting is not None:
            replica.tracker.state = LoadState.DRAINING
            self.clock.after(restarting.drain_s, backend.close)

    def _comes(self, replica: Replica) -> None:
        backend = self._backends.get(self.replicas.index(replica))
        if backend is not None and replica.tracker.draining:
            replica.tracker.state = LoadState.READY
            backend.listen()

    def _count(self) -> None:
        # What was there before does not change any more: looking through it again and again would only cost time.
        self.requests = [0] * len(self.replicas)
        self.probes = 0
        del self.lags_s[:]


def _computing(paced: PacedClock, clock: VirtualClock, kind: Servers) -> Serving:
    return CpuShare(paced, kind.cores, kind.speed)


class _Backend(Factory):
    noisy = False

    def __init__(self, emulation: Emulation, number: int) -> None:
        self.emulation = emulation
        self.number = number
        self.replica = emulation.replicas[number]
        self.connections: set[_Connection] = set()
        self._port: Any = None

    def listen(self) -> None:
        emulation = self.emulation
        self._port = emulation.reactor.listenTCP(emulation._spec.ports[self.number], self, 4096, "127.0.0.1")

    def close(self) -> None:
        """Listen no more, and end the connections there are."""
        self._port.stopListening()
        for connection in self.connections:
            connection.close()

    def buildProtocol(self, address: object) -> "_Connection":
        return _Connection(self)


class _Connection(Protocol):
    """Reads heads without bodies, one after the other; proxies send no more than one at a time."""

    def __init__(self, backend: _Backend) -> None:
        self._backend = backend
        self._emulation = backend.emulation
        self._buffer = b""
        self._serve: Serve | None = None

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.setTcpNoDelay(True)
        self._send = sender(transport)
        self._backend.connections.add(self)

    def dataReceived(self, data: bytes) -> None:
        self._buffer = data = self._buffer + data
        while True:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                return
            self._buffer, data = data[end + 4 :], data[: data.find(b"\r")]
            clock = self._emulation.clock
            clock.catch_up()
            self._request(data.split(b" ")[1])
            clock.pace()
            data = self._buffer

    def close(self) -> None:
        transport: Any = self.transport
        transport.loseConnection()

    def connectionLost(self, reason: object = None) -> None:
        self._backend.connections.discard(self)
        serve, self._serve = self._serve, None
        if serve is not None:
            self._emulation.clock.catch_up()
            serve.give_up()
            self._emulation.clock.pace()

    def _request(self, path: bytes) -> None:
        backend, emulation = self._backend, self._emulation
        if path.startswith(WORK_PATH):
            emulation.requests[backend.number] += 1
            self._serve = backend.replica.arrive(float(path[len(WORK_PATH) :]), self._answered)
            return
        if path.startswith(BEGIN_PATH):
            emulation.begin(float(path[len(BEGIN_PATH) :]))
        emulation.probes += path == HEALTH_PATH
        body = json.dumps(emulation.told()).encode("ascii") if path == TOLD_PATH else BODY
        self._answer(
            503 if backend.replica.tracker.draining and path == HEALTH_PATH else 200, backend.replica.report(), body
        )

    def _answered(self, status: int, report: LoadReport | None) -> None:
        self._serve = None
        self._answer(status, report, BODY)

    def _answer(self, status: int, report: LoadReport | None, body: bytes) -> None:
        load = b"" if report is None else load_fields(report)
        self._send(b"%s%sContent-Length: %d\r\n\r\n%s" % (_STATUS[status], load, len(body), body))


def load_fields(report: LoadReport) -> bytes:
    """*report* as header lines of every format that a proxy here understands."""
    orca = b"application_utilization=%.4f, rps_fractional=%.2f, eps=%.2f" % (
        report.utilization or 0.0,
        report.rps or 0.0,
        report.eps or 0.0,
    )
    # Envoy takes no weight from a backend that tells no requests a second: before the first second is over, nothing.
    told = b"endpoint-load-metrics: TEXT %s\r\n" % orca if report.rps else b""
    return b"%s: %s\r\n%s" % (FIELD_NAME, field_value(report), told)


def main(path: str) -> None:
    """Emulate what the file at *path* says, until told to end."""
    spec = Spec(**json.loads(Path(path).read_text()))
    reactor = PlainEPollReactor()  # type: ignore[no-untyped-call]
    emulation = Emulation(reactor, spec)
    emulation.listen()
    signal.signal(signal.SIGTERM, lambda number, frame: reactor.callFromThread(reactor.stop))
    gc.freeze()
    if not WORKLOADS[spec.workload].burns_cpu:  # that would leave nothing to anybody else
        take_precedence()
    reactor.run(installSignalHandlers=False)


if __name__ == "__main__":
    main(sys.argv[1])
