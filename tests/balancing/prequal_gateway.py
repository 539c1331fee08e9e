"""A Prequal before some backends, in virtual time."""

from collections import Counter
from random import Random

from twisted.internet.task import Clock

from openprequal.balancing.prequal import Prequal
from openprequal.interfaces import BalancerContext
from openprequal.testing.balancer_contract import AnyRequest, some_backends
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.values import Backend, Ending, LoadReport, Outcome

ANSWERED = Outcome(Ending.RESPONSE, 200, 0.02)
BROKEN = Outcome(Ending.BROKEN, None, None)


class Gateway:
    """A Prequal before *count* backends that do not answer probes unless told to."""

    def __init__(self, count: int, *, seed: int = 1, **parameters: object) -> None:
        self.clock = Clock()
        self.clock.advance(1000.0)
        self.probes = ScriptedProbes(self.clock)
        self.balancer = Prequal(BalancerContext(self.clock, Random(seed), self.probes, parameters))
        self.backends = some_backends(count)
        for backend in self.backends:
            self.balancer.up(backend)

    def report(self, *reports: tuple[float, float]) -> None:
        """Each backend in its turn reports (rif, latency_s) on a response."""
        for backend, (rif, latency_s) in zip(self.backends, reports, strict=False):
            self.balancer.reported(backend, LoadReport(rif, latency_s))

    def answer(self, *reports: tuple[float, float]) -> None:
        """Each backend in its turn answers a probe with (rif, latency_s), once it has come back up."""
        for backend, (rif, latency_s) in zip(self.backends, reports, strict=False):
            self.probes.answer(backend, LoadReport(rif, latency_s))
            self.balancer.down(backend)
            # The answer of the probe that is under way is not wanted any more.
            self.clock.advance(self.probes.timeout_s)
        for backend, _ in zip(self.backends, reports, strict=False):
            self.balancer.up(backend)
        self.clock.advance(self.probes.round_trip_s)

    def pick(self) -> Backend | None:
        picked = self.balancer.pick(AnyRequest(), ())
        assert picked is None or isinstance(picked, Backend)
        return picked

    def send(self) -> Backend:
        picked = self.pick()
        assert picked is not None
        self.balancer.started(picked)
        return picked

    def place(self) -> int:
        """Which one is picked, by its place."""
        picked = self.pick()
        assert picked is not None
        return self.backends.index(picked)

    def places(self, count: int) -> Counter[int]:
        """How often each is picked, nothing else changing."""
        return Counter(self.place() for _ in range(count))

    def pass_s(self, seconds: float) -> None:
        """Time goes by, with ticks."""
        for _ in range(round(seconds / self.balancer.tick_interval_s)):
            self.clock.advance(self.balancer.tick_interval_s)
            self.balancer.tick()
