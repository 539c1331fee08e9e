"""A Prequal before some backends, in virtual time."""

from collections import Counter
from collections.abc import Sequence
from random import Random

from twisted.internet.task import Clock

from openprequal.balancing.prequal import Prequal
from openprequal.explanations import Considered
from openprequal.interfaces import BalancerContext
from openprequal.testing.balancer_contract import AnyRequest, some_backends
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.values import Backend, Ending, LoadReport, Outcome, PickReason

ANSWERED = Outcome(Ending.RESPONSE, 200, 0.02)
BROKEN = Outcome(Ending.BROKEN, None, None)


class Gateway:
    """A Prequal before *count* backends that do not answer probes unless told to.

    *answers* are the (rif, latency_s) that the first of them answer; those answers have come.
    """

    def __init__(
        self, count: int, answers: Sequence[tuple[float, float]] = (), *, seed: int = 1, **parameters: object
    ) -> None:
        self.clock = Clock()
        self.clock.advance(1000.0)
        self.probes = ScriptedProbes(self.clock)
        self.balancer = Prequal(BalancerContext(self.clock, Random(seed), self.probes, parameters))
        self.backends = some_backends(count)
        for backend, (rif, latency_s) in zip(self.backends, answers, strict=False):
            self.probes.answer(backend, LoadReport(rif, latency_s))
        for backend in self.backends:
            self.balancer.up(backend)
        if answers:
            self.clock.advance(self.probes.round_trip_s)

    def report(self, *reports: tuple[float, float]) -> None:
        """Each backend in its turn reports (rif, latency_s) on a response."""
        for backend, (rif, latency_s) in zip(self.backends, reports, strict=False):
            self.balancer.reported(backend, LoadReport(rif, latency_s))

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

    def reason(self) -> PickReason | None:
        """Why the last pick fell as it did."""
        reason: PickReason | None = self.balancer.last_reason
        return reason

    def pool(self) -> dict[int, Considered]:
        """Whom a pick would choose among now, by place; the oldest report first."""
        places = {backend.id: place for place, backend in enumerate(self.backends)}
        return {places[each.id]: each for each in self.balancer.explain(AnyRequest()).pool}

    def pass_s(self, seconds: float) -> None:
        """Time goes by, with ticks."""
        for _ in range(round(seconds / self.balancer.tick_interval_s)):
            self.clock.advance(self.balancer.tick_interval_s)
            self.balancer.tick()
