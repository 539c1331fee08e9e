"""What happens to the servers during a run? Antagonists, failures, joining, restarts, each when the scenario says."""

from collections.abc import Callable, Mapping

from openprequal.simulation.clock import VirtualClock
from openprequal.simulation.replica import Replica
from openprequal.simulation.scenario import Scenario

Heard = Callable[[Replica], None]


class Events:
    """What the scenario has in store for its servers."""

    def __init__(
        self, scenario: Scenario, clock: VirtualClock, replicas: Mapping[str, Replica], joined: Heard, left: Heard
    ) -> None:
        """
        :param joined: hears of a server that gateways may use from now on.
        :param left: hears of one that they may not.
        """
        self._scenario = scenario
        self._clock = clock
        self._replicas = list(replicas.values())
        self._joined = joined
        self._left = left

    def begin(self) -> None:
        """The run begins now."""
        scenario, clock, replicas = self._scenario, self._clock, self._replicas
        if scenario.antagonists is not None:
            for replica in replicas:
                self._antagonise(replica, replica.serving.cores)
        first, last = replicas[0], replicas[-1]
        seconds = scenario.seconds
        if scenario.failing is not None:
            failing = scenario.failing
            first.fails_after_s = failing.after_s
            clock.after(seconds * failing.begin, setattr, first, "fails", failing.share)
            clock.after(seconds * failing.end, setattr, first, "fails", 0.0)
        if scenario.joining is not None:
            joining = scenario.joining
            clock.after(seconds * joining.at, self._come, last, joining.cold_s, joining.cold_speed)
        if scenario.restarting is not None:
            for number, replica in enumerate(replicas):
                # Spread over the counted part of the run, one after the other.
                at = scenario.warm_up + (1 - scenario.warm_up) * (number + 0.5) / (len(replicas) + 1)
                clock.after(seconds * at, self._restart, replica)

    def _antagonise(self, replica: Replica, cores: float) -> None:
        antagonists = self._scenario.antagonists
        assert antagonists is not None
        replica.serving.change(cores * antagonists.draw(replica.rng), replica.serving.speed)
        self._clock.after(replica.rng.expovariate(1.0 / antagonists.mean_s), self._antagonise, replica, cores)

    def _come(self, replica: Replica, cold_s: float, cold_speed: float) -> None:
        serving = replica.serving
        warm_speed = serving.speed
        serving.change(serving.cores, warm_speed * cold_speed)
        self._clock.after(cold_s, lambda: serving.change(serving.cores, warm_speed))
        self._joined(replica)

    def _restart(self, replica: Replica) -> None:
        restarting = self._scenario.restarting
        assert restarting is not None
        self._left(replica)
        away_s = restarting.drain_s + restarting.away_s
        self._clock.after(away_s, self._come, replica, restarting.cold_s, restarting.cold_speed)
