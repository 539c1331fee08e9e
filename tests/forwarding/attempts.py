"""A request's tries at several backends: a network, a client, and what the balancer hears of each."""

from typing import Any

from openprequal.testing.network import MemoryNetwork, RawBackend
from openprequal.values import Backend, Ending, Outcome


class Attempts:
    """Round robin, so that the backends are tried in order."""

    def __init__(self, backends: int = 3, **network: Any) -> None:
        """:param network: see :class:`~openprequal.testing.network.MemoryNetwork`."""
        self.network = MemoryNetwork(backends, **network)
        self.outcomes: list[Outcome] = []
        balancer = self.network.service.balancer
        finished = balancer.finished

        def hear_finished(backend: Backend, outcome: Outcome) -> None:
            self.outcomes.append(outcome)
            finished(backend, outcome)

        balancer.finished = hear_finished  # type: ignore[method-assign]
        self.client = self.network.client()

    def at(self, number: int) -> RawBackend:
        return self.network.backend(number)

    @property
    def endings(self) -> list[Ending]:
        return [outcome.ending for outcome in self.outcomes]
