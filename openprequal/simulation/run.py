"""One run: a scenario, a balancer and a seed in; what came out of it."""

import gc
from collections.abc import Mapping
from random import Random
from time import perf_counter
from typing import Any

from attrs import field, frozen

from openprequal.balancing.catalogue import BALANCERS
from openprequal.interfaces import BalancerContext, IBalancer, IProbeTransport
from openprequal.probing.polled_probes import PolledProbes, as_in_band
from openprequal.simulation.arrivals import Arrival, arrivals
from openprequal.simulation.clock import VirtualClock
from openprequal.simulation.events import Events
from openprequal.simulation.fleet import fleet
from openprequal.simulation.gateway import SimulatedGateway, SimulatedProbes, SimulatedRequest
from openprequal.simulation.measured import QUANTILES, Measured, Recorder, quantile_of
from openprequal.simulation.omniscient import Omniscient
from openprequal.simulation.replica import Replica
from openprequal.simulation.scenario import Scenario

OMNISCIENT = "omniscient"

_SAMPLE_S = 0.05


@frozen
class Rule:
    """A balancer of the catalogue, or :data:`OMNISCIENT`, with its parameters."""

    balancer: str
    parameters: Mapping[str, Any] = field(factory=dict)
    label: str = ""

    @property
    def name(self) -> str:
        """What to call it."""
        return self.label or self.balancer


def run(scenario: Scenario, rule: Rule, seed: int) -> Measured:
    """Run *scenario* under *rule*. The same *seed* gives every rule the same arrivals, work and antagonists.

    :raises ConfigurationError: a parameter of the rule cannot be used.
    """
    began = perf_counter()
    thresholds = gc.get_threshold()
    # Looking for circles among all that is under way would cost a fifth of the time, and there are next to none.
    gc.set_threshold(200_000, 20, 100)
    try:
        return Run(scenario, rule, seed).measured(began)
    finally:
        gc.set_threshold(*thresholds)


class Run:
    """One run, while it is under way."""

    def __init__(self, scenario: Scenario, rule: Rule, seed: int) -> None:
        self._scenario = scenario
        self._rule = rule
        self._seed = seed
        self._clock = clock = VirtualClock()
        self._arrivals = arrivals(scenario, seed)
        self._recorder = Recorder(int(scenario.requests * scenario.warm_up))
        self._replicas = fleet(clock, scenario, seed)
        self._probes: list[SimulatedProbes] = []
        self._began_s = clock.now
        joiner = list(self._replicas)[-1] if scenario.joining else None
        self._gateways: list[SimulatedGateway] = []
        for number in range(scenario.proxies):
            probes = SimulatedProbes(clock, self._replicas, scenario.round_trip_s)
            self._probes.append(probes)
            balancer = self._balancer(number, probes)
            for replica in self._replicas.values():
                if replica.backend.id != joiner:
                    balancer.up(replica.backend)
            self._gateways.append(
                SimulatedGateway(
                    clock,
                    balancer,
                    self._replicas,
                    self._settled,
                    round_trip_s=scenario.round_trip_s,
                    deadline_s=scenario.deadline_s,
                    phase=number / scenario.proxies,
                    streams=any(servers.streams for servers in scenario.servers),
                )
            )

    def _settled(self, request: SimulatedRequest, status: int, latency_s: float) -> None:
        self._recorder.settled(request.number, status, latency_s)

    def _balancer(self, number: int, probes: IProbeTransport) -> IBalancer:
        """That of one proxy, with the polling beside it if there is one."""
        polled_s, clock = self._scenario.polled_s, self._clock
        polling: PolledProbes | None = None
        if polled_s is not None:
            replicas = self._replicas.values()
            probes = polling = PolledProbes(
                clock,
                Random(f"{self._seed} polls {number}"),
                probes,
                lambda: [replica.backend for replica in replicas],
                lambda backend, report: balancer.reported(
                    backend, as_in_band(report, self._gateways[number].in_flight[backend.id])
                ),
                polled_s,
            )
        context = BalancerContext(clock, Random(f"{self._seed} proxy {number}"), probes, self._rule.parameters)
        balancer = self._made(context)
        if polling is not None:
            tick, every_s = polling.tick, polling.tick_interval_s

            def tick_again() -> None:
                tick()
                clock.after(every_s, tick_again)

            clock.after(every_s * number / self._scenario.proxies, tick_again)
        return balancer

    def _made(self, context: BalancerContext) -> IBalancer:
        if self._rule.balancer == OMNISCIENT:
            return Omniscient(context, self._replicas)
        return BALANCERS[self._rule.balancer](context)

    def measured(self, began: float) -> Measured:
        scenario, clock, recorder = self._scenario, self._clock, self._recorder
        self._prepare()
        self._number = 0
        self._arrive(next(self._arrivals))
        while recorder.counts["ended"] < scenario.requests and clock.now - self._began_s < 20 * scenario.seconds + 60:
            clock.run_until(clock.now + 1.0)
        latencies = sorted(recorder.latencies)
        requests = scenario.requests - recorder.first
        # Whoever is still under way so long after the last arrival counts as timed out.
        lost = requests - len(latencies)
        failed = recorder.counts["failed"]
        rifs = sorted(recorder.rifs)
        served = [replica.served for replica in self._replicas.values()]
        return Measured(
            scenario.name,
            self._rule.name,
            self._seed,
            {quantile: quantile_of(latencies, quantile, lost) for quantile in QUANTILES},
            requests,
            failed,
            lost - failed,
            tuple(each / max(1, sum(served)) for each in served),
            {quantile: quantile_of(rifs, quantile) for quantile in QUANTILES},
            sum(probes.sent for probes in self._probes) / scenario.requests,
            perf_counter() - began,
        )

    # What happens during a run.

    def _prepare(self) -> None:
        scenario, clock = self._scenario, self._clock
        Events(scenario, clock, self._replicas, self._joined, self._left).begin()
        clock.after(scenario.seconds * scenario.warm_up, self._sample)

    def _joined(self, replica: Replica) -> None:
        for gateway in self._gateways:
            gateway.balancer.up(replica.backend)

    def _left(self, replica: Replica) -> None:
        for gateway in self._gateways:
            gateway.balancer.down(replica.backend)

    def _sample(self) -> None:
        if self._number < self._scenario.requests:
            self._recorder.rifs.extend(replica.tracker.rif for replica in self._replicas.values())
            self._clock.after(_SAMPLE_S, self._sample)

    def _arrive(self, arrival: Arrival) -> None:
        request = SimulatedRequest(self._number, arrival.work_s, arrival.client)
        self._number += 1
        following = next(self._arrivals, None)
        if following is not None:
            self._clock.after(following.wait_s, self._arrive, following)
        self._gateways[arrival.gateway].request(request)
