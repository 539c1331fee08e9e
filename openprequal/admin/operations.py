"""What may an operator change while the gateway runs? Who is drained or ejected, and how a service balances.

All of it is this gateway's own: no registry hears of it, so that it works whoever says which backends there are.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, Protocol

from twisted.logger import Logger

from openprequal.admin.problems import Problem
from openprequal.errors import ConfigurationError, RegistrationRefused
from openprequal.events.recorder import Recorder
from openprequal.events.ring import Kind
from openprequal.health.monitor import HealthMonitor
from openprequal.health.standing import Standing
from openprequal.registry.registration import NamingBody, known_service, read_unregistration, validated

ORDERS: Final = ("drain", "undrain", "eject", "restore")
"""What can be asked for a backend."""

_MEMBERS: Final = {"load_balancer_class": "balancer", "balancer_parameters": "parameters"}
"""What a setting is called in the body."""


class BalancerBody(NamingBody):
    """``POST /_openprequal/balancer``."""

    balancer: str
    """A short name or dotted path, as in ``load_balancer_class``, but of a module that is loaded."""
    parameters: dict[str, Any] | None = None
    """As in ``balancer_parameters``; None: the balancer's own."""


class Balancers(Protocol):
    """Which balancer each service has."""

    def rows(self) -> list[dict[str, object]]:
        """One for each service."""

    def __call__(self, service: str, balancer: str, parameters: Mapping[str, object], by: str) -> object:
        """Give *service* another.

        :raises ConfigurationError: there can be no such balancer; nothing has changed.
        """


class Operations:
    """Does what it is asked, wholly or not at all; logs it, and makes an event of it, if it changes anything."""

    log = Logger()

    def __init__(
        self, services: Collection[str], health: HealthMonitor, balancers: Balancers, recorder: Recorder
    ) -> None:
        """:param services: names of those there are; looked at on each request."""
        self._services = services
        self._health = health
        self._balancers = balancers
        self._recorder = recorder

    def order(self, order: str, body: object, by: str) -> dict[str, object]:
        """Do one of :data:`ORDERS` for the backend that *body* names.

        :param by: who asks.
        :return: what is so now, whether that is news or not.
        :raises RegistrationRefused: *body* names no backend there could be.
        :raises Problem: 404, there is no such backend.
        """
        named = read_unregistration(body, self._services)
        standing = self._health.standings.get(named.id)
        if standing is None:
            raise Problem(404, f"there is no backend {named.url} in service {named.service}", field="url")
        kind, give = self._ways(standing, by)[order]
        if give():
            self.log.info("{id} is {what} by {by}", id=named.id, what=kind.value, by=by)
            self._recorder.ordered(standing, kind, by)
        return {
            "id": named.id,
            "url": named.url,
            "service": named.service,
            "state": standing.condition.value,
            "reason": standing.reason,
        }

    def _ways(self, standing: Standing, by: str) -> dict[str, tuple[Kind, Callable[[], bool]]]:
        by_hand = self._health.by_hand
        return {
            "drain": (Kind.DRAINED, lambda: by_hand.drain(standing, by)),
            "undrain": (Kind.UNDRAINED, lambda: by_hand.undrain(standing)),
            "eject": (Kind.EJECTED, lambda: by_hand.eject(standing, by)),
            "restore": (Kind.RESTORED, lambda: self._health.restore(standing)),
        }

    def balancers(self) -> dict[str, object]:
        """Which balancer each service has now, and who wanted that, if the settings do not say so."""
        return {"services": self._balancers.rows()}

    def balancer(self, body: object, by: str) -> dict[str, object]:
        """Give a service the balancer that *body* says, until the settings are read again.

        :raises Problem: 422, naming what is wrong; nothing has changed.
        """
        try:
            told = validated(BalancerBody, body)
            service = known_service(told.service, self._services)
        except RegistrationRefused as error:
            raise Problem(422, error.reason, field=error.field) from None
        parameters = told.parameters or {}
        try:
            self._balancers(service, told.balancer, parameters, by)
        except ConfigurationError as error:
            setting, *inner = error.about or ("load_balancer_class",)
            member = ".".join(map(str, (_MEMBERS.get(str(setting), setting), *inner)))
            raise Problem(422, f"{member}: {error.reason}", field=member) from None
        self.log.info("{service} has the balancer {balancer} by {by}", service=service, balancer=told.balancer, by=by)
        self._recorder.rebalanced(service, told.balancer, by)
        return {"service": service, "balancer": told.balancer, "parameters": parameters}
