"""Simulated probes keep the contract of all probe transports."""

from random import Random
from typing import Any

from twisted.internet.task import Clock

from openprequal.simulation.clock import VirtualClock
from openprequal.simulation.gateway import SimulatedProbes
from openprequal.simulation.replica import Replica
from openprequal.simulation.serving import ProcessorSharing
from openprequal.testing.probe_transport_contract import ASKED, ProbeTransportContract
from openprequal.values import LoadReport


class Pumped(VirtualClock):
    """A virtual clock that is advanced as the contract does it."""

    def pump(self, timings: list[float]) -> None:
        for seconds in timings:
            self.run_until(self.now + seconds)


class Says(Replica):
    """A replica that reports what it is told to."""

    __slots__ = ("said",)

    def report(self) -> LoadReport | None:
        return self.said


def replica(clock: VirtualClock, said: LoadReport | None) -> Says:
    says = Says(clock, ASKED, ProcessorSharing(clock, 1.0), Random(1), reports=True)
    says.said = said
    return says


class TestSimulatedProbes(ProbeTransportContract):
    clock: Any

    def setup_method(self) -> None:
        self.clock = Pumped()

    def make(self, clock: Clock, report: LoadReport | None) -> SimulatedProbes:
        return SimulatedProbes(self.clock, {ASKED.id: replica(self.clock, report)}, 0.001)


def test_a_probe_takes_the_round_trip() -> None:
    clock = VirtualClock(0.0)
    heard: list[tuple[float, LoadReport | None]] = []
    report = LoadReport(1.0, 0.1)
    SimulatedProbes(clock, {ASKED.id: replica(clock, report)}, 0.002).probe(
        ASKED, lambda answer: heard.append((clock.now, answer))
    )
    clock.run_until(1.0)
    assert heard == [(0.002, report)]


def test_only_probes_that_go_out_are_counted() -> None:
    clock = VirtualClock(0.0)
    probes = SimulatedProbes(clock, {ASKED.id: replica(clock, None)}, 0.002)
    for _ in range(3):
        probes.probe(ASKED, lambda answer: None)
    assert probes.sent == 1
