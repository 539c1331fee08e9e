"""How does the gateway start and, more important, stop? In an order that loses no request it can finish."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import deferLater
from twisted.logger import Logger

from openprequal.clocks import Periodic
from openprequal.health.monitor import HealthMonitor
from openprequal.interfaces import IMembershipObserver, IRegistry
from openprequal.signals import Signals

POLL_S = 0.05


class Front(Protocol):
    """Where requests come in."""

    @property
    def busy(self) -> int:
        """Requests under way."""

    def drain(self) -> None:
        """Finish what is under way; let every response end its connection."""

    def shut_down(self) -> None:
        """End everything now."""


class Gateway(MultiService):
    """The gateway as one service; what listens and what it was given as children are started and stopped in order."""

    log = Logger()

    def __init__(
        self,
        clock: Any,
        registry: IRegistry,
        health: HealthMonitor,
        front: Front,
        periodics: Sequence[Periodic],
        end: "Callable[[], Deferred[None] | None]",
        companions: Sequence[Service] = (),
        *,
        grace_s: float,
        observers: Sequence[IMembershipObserver] = (),
    ) -> None:
        """
        :param observers: hear who exists before *health* does.
        :param end: called last: closes what is left of connections; may want to be waited for.
        :param companions: started after the listeners and stopped before everything else, because they unregister
            here, or because their requests would not end by themselves.
        :param grace_s: how long requests under way may take to finish at shutdown.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self._clock = clock
        self._registry = registry
        self._health = health
        self._front = front
        self._periodics = periodics
        self._end = end
        self.grace_s = grace_s
        self._observers = observers
        self._companions = companions
        self.stopping = False
        """From the moment of SIGTERM: not ready any more."""
        self.giving_up: Callable[[], None] = lambda: None
        """Called first of all when it stops."""
        self.doubts: Sequence[str] = ()
        """What ``--check`` says although it can all be used."""

    def privilegedStartService(self) -> None:
        # Whoever finds our sockets open may send a signal, which would end a process that does not hear it yet.
        self.services.sort(key=lambda service: not isinstance(service, Signals))
        super().privilegedStartService()  # type: ignore[no-untyped-call]

    def startService(self) -> None:
        self._registry.start()
        for observer in (*self._observers, self._health):
            self._registry.subscribe(observer)
        for periodic in self._periodics:
            periodic.start()
        super().startService()  # type: ignore[no-untyped-call]
        for companion in self._companions:
            companion.startService()

    def stopService(self) -> "Deferred[None]":
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self.stopping = True
        self.giving_up()
        for companion in self._companions:
            await maybeDeferred(companion.stopService)
        # The listeners stay until what is under way has ended, so that nobody is refused before the process ends; but
        # every response now ends its connection.
        self._front.drain()
        await self._idle()
        await maybeDeferred(super().stopService)
        self._front.shut_down()
        for periodic in self._periodics:
            periodic.stop()
        self._health.stop()
        await self._registry.stop()
        await maybeDeferred(self._end)

    async def _idle(self) -> None:
        deadline = self._clock.seconds() + self.grace_s
        while self._front.busy and self._clock.seconds() < deadline:
            await deferLater(self._clock, POLL_S)
        if self._front.busy:
            self.log.warn("{count} requests were cut at shutdown", count=self._front.busy)
