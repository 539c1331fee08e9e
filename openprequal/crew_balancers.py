"""Which balancer has each service, where workers have them? What an operator wants is tried by the parent, and told."""

from collections.abc import Callable, Mapping
from typing import Any

from openprequal.balancing.catalogue import BALANCERS
from openprequal.config.gateway import GatewaySettings
from openprequal.config.names import resolve_loaded
from openprequal.interfaces import IBalancer
from openprequal.rebalancing import Rebalancing
from openprequal.workers.worker import Worker


class CrewBalancers:
    """What :class:`~openprequal.rebalancing.Rebalancing` is in a gateway of one process."""

    def __init__(self, settings: Callable[[], GatewaySettings], crew: Callable[[], list[Worker]]) -> None:
        """:param settings: that hold now.
        :param crew: the workers to be told.
        """
        self.rebalancing: Rebalancing | None = None
        """The parent's own, which tries what is wanted."""
        self._settings = settings
        self._crew = crew
        self._wanted: dict[str, dict[str, Any]] = {}

    def rows(self) -> list[dict[str, object]]:
        """One for each service: its balancer, and who wanted that; nobody: the settings say so."""
        rows: list[dict[str, object]] = []
        for name, said in self._settings().effective_services.items():
            own = {"balancer": said.load_balancer_class, "parameters": dict(said.balancer_parameters), "by": None}
            rows.append({"service": name, **(self._wanted.get(name) or own)})
        return rows

    def __call__(self, service: str, balancer: str, parameters: Mapping[str, object], by: str) -> None:
        """An operator wants that *service* has another balancer at every worker.

        :raises ConfigurationError: there can be no such balancer; nothing has changed.
        """
        resolve_loaded(balancer, "load_balancer_class", BALANCERS, IBalancer)
        wanted = {"load_balancer_class": balancer, "balancer_parameters": dict(parameters)}
        assert self.rebalancing is not None
        self.rebalancing.made(service, self._settings().effective_services[service].model_copy(update=wanted))
        self._wanted[service] = {"balancer": balancer, "parameters": dict(parameters), "by": by}
        for worker in self._crew():
            worker.say("balancer", service=service, **self._wanted[service])

    def introduce(self, worker: Worker) -> None:
        """Tell a new worker what the settings do not say."""
        for service, wanted in self._wanted.items():
            worker.say("balancer", service=service, **wanted)

    def forget(self) -> None:
        """The settings have been read again: they say what holds."""
        self._wanted.clear()
