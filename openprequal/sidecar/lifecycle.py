"""When does the sidecar register, what does it tell while the service is gone, and in which order does it end?"""

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred

from openprequal.agent.gateways import Gateways
from openprequal.agent.leaving import leave
from openprequal.agent.load import LoadTracker
from openprequal.clocks import Periodic
from openprequal.frontend.gateway_site import GatewaySite
from openprequal.listening import ListeningService
from openprequal.sidecar.readiness import Readiness
from openprequal.upstream.addresses import Addresses
from openprequal.upstream.connections import Connections
from openprequal.values import LoadState


@frozen
class Parts:
    """What is started, watched and stopped together."""

    clock: Any
    tracker: LoadTracker
    listening: ListeningService
    gateways: Gateways | None
    front: GatewaySite
    connections: Connections
    readiness: Readiness
    addresses: Addresses
    periodics: Sequence[Periodic]


class Sidecar(MultiService):
    """Listens at once, registers when the upstream is there, says that it drains while it is not; leaves in order."""

    def __init__(self, parts: Parts, grace_s: float) -> None:
        """:param grace_s: how long requests in flight may take to end at shutdown."""
        super().__init__()  # type: ignore[no-untyped-call]
        self._parts = parts
        self._grace_s = grace_s
        self._leaving = False
        parts.tracker.state = LoadState.DRAINING  # until the upstream has been seen
        self.addService(parts.listening)  # type: ignore[no-untyped-call]

    def startService(self) -> None:
        """Listen, and begin to look for the upstream."""
        super().startService()  # type: ignore[no-untyped-call]
        for periodic in self._parts.periodics:
            periodic.start()
        self._parts.addresses.refresh().addCallback(lambda _: self._parts.readiness.look())

    def upstream_is(self, ready: bool) -> None:
        """The upstream has come, or gone: gateways hear it at once."""
        gateways = self._parts.gateways
        if self._leaving:
            return
        self._parts.tracker.state = LoadState.READY if ready else LoadState.DRAINING
        if gateways is None:
            return
        if gateways.running:
            gateways.beat_now()
        elif ready:
            gateways.startService()

    def stopService(self) -> "Deferred[None]":
        """Drain, unregister, answer what is in flight (within the grace), close everything."""
        self._leaving = True
        return Deferred.fromCoroutine(self._leave())

    async def _leave(self) -> None:
        parts = self._parts
        await leave(parts.clock, parts.tracker, parts.gateways, self._grace_s)
        parts.front.drain()
        await parts.listening.stopService()
        parts.front.shut_down()
        parts.readiness.stop()
        for periodic in parts.periodics:
            periodic.stop()
        parts.connections.abort()
        self.running = False
