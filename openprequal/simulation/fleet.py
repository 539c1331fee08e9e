"""Which servers does a scenario have? Each with randomness of its own: the same seed is the same fleet anywhere."""

from collections.abc import Callable
from random import Random

from openprequal.simulation.clock import VirtualClock
from openprequal.simulation.replica import Replica
from openprequal.simulation.scenario import Scenario, Servers
from openprequal.simulation.serving import ProcessorSharing, Serving, SlotsAndQueue
from openprequal.values import Backend

Discipline = Callable[[VirtualClock, Servers], Serving]
"""How a server of that kind serves."""


def emulated(clock: VirtualClock, kind: Servers) -> Serving:
    """As the scenario says, by the clock alone."""
    discipline = SlotsAndQueue if kind.queued else ProcessorSharing
    return discipline(clock, kind.cores, kind.speed)


def fleet(clock: VirtualClock, scenario: Scenario, seed: int, discipline: Discipline = emulated) -> dict[str, Replica]:
    """The servers of *scenario* by their backend's id, in order."""
    replicas: dict[str, Replica] = {}
    kinds = [servers for servers in scenario.servers for _ in range(servers.count)]
    for number, kind in enumerate(kinds):
        backend = Backend(url=f"http://10.0.{number // 250}.{number % 250 + 1}:80", weight=kind.weight)
        rng = Random(f"{seed} server {number}")
        replica = Replica(clock, backend, discipline(clock, kind), rng, reports=kind.reports)
        replica.allotted = kind.nominal
        replica.polled = scenario.polled_s is not None
        replicas[backend.id] = replica
    return replicas
