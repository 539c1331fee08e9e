"""The registry that has its backends from Kubernetes: how do the slices become the membership?"""

from collections.abc import Callable, Collection

from attrs import evolve
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.web.iweb import IAgent
from zope.interface import implementer

from openprequal.errors import RegistrationRefused
from openprequal.interfaces import IMembershipObserver, IRegistry, RegistryContext
from openprequal.registry.kubernetes.api_server import ApiServer, api_server
from openprequal.registry.kubernetes.following import Following
from openprequal.registry.kubernetes.parameters import KubernetesParameters
from openprequal.registry.kubernetes.requests import ApiRequests
from openprequal.registry.kubernetes.slices import backends_of
from openprequal.registry.membership import Membership
from openprequal.registry.parameters import read_parameters
from openprequal.values import Backend

SETTLE_S = 0.1
"""Changes within that time are told together: an endpoint that moves may leave one slice before it is in the other."""


@implementer(IRegistry)
class KubernetesRegistry:
    """Exists who is an endpoint of the Services that are followed, as the API server has it.

    Nobody can register whom it does not know. A registration of one it knows (the heartbeat of an agent in the pod)
    changes nothing; the load report that comes with it counts as everywhere. One it knows that unregisters, because
    it ends or by hand, drains at once, before the API server has heard; until it registers again, or is gone.
    """

    log = Logger()

    def __init__(
        self,
        context: RegistryContext,
        server: ApiServer | None = None,
        agent: Callable[[], IAgent] | None = None,
    ) -> None:
        """
        :param server: None: as the context's parameters say.
        :param agent: makes what one request is sent with; None: over the network.
        :raises ConfigurationError: a parameter cannot be used.
        """
        parameters = read_parameters(KubernetesParameters, context.parameters, "kubernetes")
        server = server or api_server(parameters)
        self._clock = context.clock
        self._max_backends = context.max_backends
        self._membership = Membership()
        self._unregistered: set[str] = set()
        self._settling: IDelayedCall | None = None
        self._overflow = False
        make_agent = agent or (lambda: server.agent(context.reactor))
        requests = ApiRequests(context.clock, server.url, make_agent, server.token)
        self._followings = [
            Following(
                context.clock, context.rng, requests, source, source.namespace or server.namespace, self._slices_changed
            )
            for source in parameters.services
        ]

    @property
    def ignored(self) -> int:
        """Slices so far that made no sense."""
        return sum(following.ignored for following in self._followings)

    def register(self, backend: Backend) -> "Deferred[None]":
        if backend.id not in self._membership:
            reason = (
                f"url: {backend.url} is no endpoint (yet) of the Kubernetes Services that {backend.service} is "
                "made of: membership comes from the API server"
            )
            return fail(RegistrationRefused(reason, field="url", status=503))
        if backend.id in self._unregistered:
            self._unregistered.discard(backend.id)
            self._apply()
        return succeed(None)

    def unregister(self, backend_id: str) -> "Deferred[bool]":
        if backend_id not in self._membership:
            return succeed(False)
        self._unregistered.add(backend_id)
        self._apply()
        return succeed(True)

    def backends(self) -> Collection[Backend]:
        return self._membership.backends()

    def subscribe(self, observer: IMembershipObserver) -> None:
        self._membership.subscribe(observer)

    def start(self) -> None:
        for following in self._followings:
            following.start()

    def stop(self) -> "Deferred[None]":
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        for stopped in [following.stop() for following in self._followings]:
            await stopped

    def _slices_changed(self) -> None:
        if self._settling is None:
            self._settling = self._clock.callLater(SETTLE_S, self._settled)

    def _settled(self) -> None:
        self._settling = None
        self._apply()

    def _apply(self) -> None:
        """Make the membership what the slices say; only what is different is told."""
        meant: dict[str, Backend] = {}
        for following in self._followings:
            # Of two Services with one endpoint the first decides.
            meant = {**backends_of(following.source, following.slices.values()), **meant}
        self._unregistered &= meant.keys()
        gone = [backend.id for backend in self._membership.backends() if backend.id not in meant]
        room = self._max_backends - (len(self._membership) - len(gone))
        # Those that come before those that go, so that there is always somebody.
        for backend_id, backend in meant.items():
            if backend_id not in self._membership:
                room -= 1
                if room < 0:
                    continue
            self._membership.put(evolve(backend, draining=True) if backend_id in self._unregistered else backend)
        for backend_id in gone:
            self._membership.remove(backend_id, "no endpoint of its Service any more")
        if room < 0 and not self._overflow:
            self.log.error(
                "max_backends: {left_out} endpoints are left out: there are {most} backends, as many as are allowed",
                left_out=-room,
                most=self._max_backends,
            )
        self._overflow = room < 0
