"""A closed loop in virtual time: connections that send their next request when the last is answered."""

from collections import Counter
from random import Random

from twisted.internet.task import Clock

from openprequal.agent.latency import LatencyEstimator
from openprequal.balancing.prequal import Prequal
from openprequal.interfaces import BalancerContext
from openprequal.testing.balancer_contract import AnyRequest, some_backends
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.values import Backend, Ending, LoadReport, Outcome


class Server:
    """Takes *work_s* a request: one after another if *queues*, else all at once. Silent ones tell no load."""

    def __init__(self, work_s: float, *, queues: bool = True, silent: bool = False, fails: bool = False) -> None:
        self.work_s = work_s
        self.queues = queues
        self.silent = silent
        self.fails = fails
        self.rif = 0
        self.free_s = 0.0
        self.estimator = LatencyEstimator()

    def arrive(self, now_s: float) -> float:
        """A request arrives; when it will be done."""
        self.rif += 1
        if not self.queues:
            return now_s + self.work_s
        self.free_s = max(self.free_s, now_s) + self.work_s
        return self.free_s

    def report(self, now_s: float) -> LoadReport | None:
        return None if self.silent else LoadReport(self.rif, self.estimator.estimate(self.rif, now_s))


class ClosedLoop:
    """One balancer before *servers*; after :meth:`run`, *latencies* and the requests by server are there."""

    def __init__(self, servers: list[Server], parameters: dict[str, object] | None = None) -> None:
        self.clock = Clock()
        self.clock.advance(1000.0)
        self.servers = servers
        self.backends = some_backends(len(servers))
        self.served: Counter[int] = Counter()
        self.latencies: list[float] = []
        self.probes = ScriptedProbes(self.clock)
        self.balancer = Prequal(BalancerContext(self.clock, Random(1), self.probes, parameters or {}))
        for backend, server in zip(self.backends, servers, strict=True):
            self.probes.answer(backend, lambda server=server: server.report(self.clock.seconds()))
            self.balancer.up(backend)

    def share(self, server: int) -> float:
        return self.served[server] / self.served.total()

    def percentile(self, quantile: float) -> float:
        return sorted(self.latencies)[int(quantile * len(self.latencies))]

    def forget(self) -> None:
        """What was served so far does not count."""
        self.served.clear()
        self.latencies.clear()

    def run(self, seconds: float, connections: int = 32) -> None:
        for _ in range(connections):
            self._send()
        end_s = self.clock.seconds() + seconds
        tick_s = self.clock.seconds()
        while self.clock.seconds() < end_s:
            if self.clock.seconds() >= tick_s:
                self.balancer.tick()
                tick_s += self.balancer.tick_interval_s
            self.clock.advance(0.001)

    def _send(self) -> None:
        backend = self.balancer.pick(AnyRequest(), ())
        assert backend is not None
        self.balancer.started(backend)
        number = self.backends.index(backend)
        server = self.servers[number]
        now_s = self.clock.seconds()
        rif = server.rif
        self.clock.callLater(server.arrive(now_s) - now_s, self._done, backend, number, now_s, rif)

    def _done(self, backend: Backend, number: int, started_s: float, rif: int) -> None:
        now_s = self.clock.seconds()
        server = self.servers[number]
        server.rif -= 1
        server.estimator.add(rif, now_s - started_s, now_s)
        self.served[number] += 1
        self.latencies.append(now_s - started_s)
        report = server.report(now_s)
        if report is not None:
            self.balancer.reported(backend, report)
        self.balancer.finished(backend, Outcome(Ending.RESPONSE, 503 if server.fails else 200, now_s - started_s))
        # The next request of this connection is read a little later.
        self.clock.callLater(0.001, self._send)
