"""How does a service get another balancer while requests are under way, by its settings or an operator's wish?"""

from collections.abc import Mapping, Sequence
from functools import partial
from random import Random

from openprequal.balancing.catalogue import BALANCERS
from openprequal.clocks import Periodic
from openprequal.config.names import resolve_loaded
from openprequal.config.services import EffectiveService
from openprequal.data_plane import Balancing, Clock, Services, balancing_of
from openprequal.health.monitor import HealthMonitor
from openprequal.interfaces import IBalancer

RETIRED_S = 15.0
"""What a former balancer had begun, probes and requests that wait for them, is over by then."""


class Rebalancing:
    """Replaces balancers, and what they do again and again.

    What an operator wants holds until the settings are read again: then they say what holds, changed or not, so that
    somebody who reads the file knows what runs.

    :ivar by_hand: what operators wanted, and who did, by service.
    """

    def __init__(
        self,
        clock: Clock,
        rng: Random,
        services: Services,
        health: HealthMonitor,
        effective: Mapping[str, EffectiveService],
        periodics: list[Periodic],
        of_service: dict[str, list[Periodic]],
    ) -> None:
        """
        :param effective: what the settings say of each service.
        :param periodics: all there are; it keeps them true.
        :param of_service: those of *periodics* that belong to a service's balancer.
        """
        self._clock = clock
        self._rng = rng
        self._services = services
        self._health = health
        self.effective = effective
        self._periodics = periodics
        self._of_service = of_service
        self.by_hand: dict[str, tuple[EffectiveService, str]] = {}

    def __call__(self, service: str, balancer: str, parameters: Mapping[str, object], by: str) -> None:
        """An operator wants that *service* has another balancer.

        :param by: who that is.
        :raises ConfigurationError: there can be no such balancer; nothing has changed.
        """
        resolve_loaded(balancer, "load_balancer_class", BALANCERS, IBalancer)
        wanted = {"load_balancer_class": balancer, "balancer_parameters": dict(parameters)}
        effective = self.effective[service].model_copy(update=wanted)
        self.put_in_place(service, self.made(service, effective))
        self.by_hand[service] = effective, by

    def rows(self) -> list[dict[str, object]]:
        """Which balancer each service has now, and who wanted that; nobody: the settings say so."""
        rows: list[dict[str, object]] = []
        for name, said in self.effective.items():
            effective, by = self.by_hand.get(name, (said, None))
            parameters = dict(effective.balancer_parameters)
            rows.append(
                {"service": name, "balancer": effective.load_balancer_class, "parameters": parameters, "by": by}
            )
        return rows

    def made(self, service: str, effective: EffectiveService) -> Balancing:
        """What *service* is to balance by, for :meth:`put_in_place`.

        :raises ConfigurationError: the balancer or a parameter of it cannot be used.
        """
        return balancing_of(self._clock, self._rng, service, effective, partial(self._services.__getitem__, service))

    def put_in_place(self, name: str, balancing: Balancing) -> None:
        """From now on *name* balances by that. Cannot fail."""
        service = self._services[name]
        service.departed = balancing.departed
        service.rebalance(balancing.balancer, self._health.offered(name), balancing.reports)
        self.retire(self._of_service.pop(name))
        self.begin(name, balancing.periodics)
        self.by_hand.pop(name, None)

    def begin(self, name: str, periodics: list[Periodic]) -> None:
        """*periodics* are from now on what the balancer of *name* does again and again."""
        self._of_service[name] = periodics
        self.start(periodics)

    def start(self, periodics: Sequence[Periodic]) -> None:
        """They are done from now on."""
        self._periodics += periodics
        for periodic in periodics:
            periodic.start()

    def retire(self, periodics: Sequence[Periodic]) -> None:
        """Stop them once nothing can wait for them any more."""

        def stop() -> None:
            for periodic in periodics:
                periodic.stop()
                self._periodics.remove(periodic)

        self._clock.callLater(RETIRED_S, stop)
