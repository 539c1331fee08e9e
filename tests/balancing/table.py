"""A balancer of the catalogue with some backends before it, in virtual time."""

from collections import Counter
from collections.abc import Collection
from random import Random
from typing import Any

from twisted.internet.task import Clock

from openprequal.balancing.catalogue import BALANCERS
from openprequal.interfaces import BalancerContext
from openprequal.testing.balancer_contract import AnyRequest
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.values import Backend, Ending, LoadReport, Outcome

ANSWERED = Outcome(Ending.RESPONSE, 200, 0.02)
BROKEN = Outcome(Ending.BROKEN, None, None)
CANCELLED = Outcome(Ending.CANCELLED, None, None)


class Table:
    """What a test does to a balancer, by the places of the backends: 0, 1, …"""

    def __init__(self, name: str, *weights: float, seed: int = 1, **parameters: object) -> None:
        self.clock = Clock()
        self.clock.advance(1000.0)
        self.probes = ScriptedProbes(self.clock)
        self.balancer: Any = BALANCERS[name](BalancerContext(self.clock, Random(seed), self.probes, parameters))
        self.backends = [Backend(f"http://b{place}.test:80", weight=weight) for place, weight in enumerate(weights)]
        for backend in self.backends:
            self.balancer.up(backend)

    def pick(self, exclude: Collection[int] = (), request: AnyRequest | None = None) -> int | None:
        picked = self.balancer.pick(request or AnyRequest(), {self.backends[place].id for place in exclude})
        return None if picked is None else self.backends.index(picked)

    def send(self, exclude: Collection[int] = ()) -> int:
        """Pick, and begin a request there."""
        place = self.pick(exclude)
        assert place is not None
        self.balancer.started(self.backends[place])
        return place

    def start(self, place: int, times: int = 1) -> None:
        for _ in range(times):
            self.balancer.started(self.backends[place])

    def finish(self, place: int, outcome: Outcome = ANSWERED) -> None:
        self.balancer.finished(self.backends[place], outcome)

    def serve(self, place: int, latency_s: float = 0.02) -> None:
        """A whole request, over at once."""
        self.start(place)
        self.finish(place, Outcome(Ending.RESPONSE, 200, latency_s))

    def report(self, place: int, rif: float | None = None, latency_s: float | None = None, **more: float) -> None:
        self.balancer.reported(self.backends[place], LoadReport(rif, latency_s, **more))  # type: ignore[arg-type]

    def answer(self, place: int, rif: float | None = None, latency_s: float | None = None, **more: float) -> None:
        """From now on it answers probes with this."""
        self.probes.answer(self.backends[place], LoadReport(rif, latency_s, **more))  # type: ignore[arg-type]

    def silence(self, place: int) -> None:
        """From now on it does not answer probes."""
        self.probes.answer(self.backends[place], None)

    def pass_s(self, seconds: float) -> None:
        """Time goes by, with ticks."""
        for _ in range(round(seconds / self.balancer.tick_interval_s)):
            self.clock.advance(self.balancer.tick_interval_s)
            self.balancer.tick()

    def picks(self, count: int, exclude: Collection[int] = ()) -> Counter[int | None]:
        """How often each is picked, nothing else changing."""
        return Counter(self.pick(exclude) for _ in range(count))
