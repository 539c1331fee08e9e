"""The registry that has its backends from Kubernetes: how do the slices become the membership?"""

from collections.abc import Callable

from attrs import evolve
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.web.iweb import IAgent
from zope.interface import implementer

from openprequal.errors import RegistrationRefused
from openprequal.interfaces import IRegistrySource, RegistryContext
from openprequal.registry.kubernetes.api_server import ApiServer, api_server
from openprequal.registry.kubernetes.following import Following
from openprequal.registry.kubernetes.parameters import KubernetesParameters
from openprequal.registry.kubernetes.requests import ApiRequests
from openprequal.registry.kubernetes.slices import backends_of
from openprequal.registry.parameters import read_parameters
from openprequal.registry.sourced import SourcedRegistry
from openprequal.values import Backend

SETTLE_S = 0.1
"""Changes within that time are told together: an endpoint that moves may leave one slice before it is in the other."""


@implementer(IRegistrySource)
class KubernetesRegistry(SourcedRegistry):
    """Exists who is an endpoint of the Services that are followed, as the API server has it.

    Nobody can register whom it does not know. A registration of one it knows (the heartbeat of an agent in the pod)
    changes nothing; the load report that comes with it counts as everywhere. One it knows that unregisters, because
    it ends or by hand, drains at once, before the API server has heard; until it registers again, or is gone.
    """

    def __init__(
        self, context: RegistryContext, server: ApiServer | None = None, agent: Callable[[], IAgent] | None = None
    ) -> None:
        """
        :param server: None: as the context's parameters say.
        :param agent: makes what one request is sent with; None: over the network.
        :raises ConfigurationError: a parameter cannot be used.
        """
        super().__init__("the Kubernetes API server", context.max_backends)
        parameters = read_parameters(KubernetesParameters, context.parameters, "kubernetes")
        api = server or api_server(parameters)
        self._clock = context.clock
        self._unregistered: set[str] = set()
        self._settling: IDelayedCall | None = None
        requests = ApiRequests(context.clock, api.url, agent or (lambda: api.agent(context.reactor)), api.token)
        self._followings = [
            Following(
                context.clock, context.rng, requests, source, source.namespace or api.namespace, self._slices_changed
            )
            for source in parameters.services
        ]

    @property
    def connected(self) -> bool:
        return all(following.watching for following in self._followings)

    def age_s(self) -> float | None:
        ages = [age_s for following in self._followings if (age_s := following.age_s()) is not None]
        return max(ages) if len(ages) == len(self._followings) else None

    @property
    def ignored(self) -> int:
        """Slices so far that made no sense."""
        return sum(following.ignored for following in self._followings)

    def register(self, backend: Backend) -> "Deferred[None]":
        if backend.id not in self._membership:
            return fail(
                RegistrationRefused(
                    f"url: {backend.url} is no endpoint (yet) of the Kubernetes Services that are the backends of "
                    f"{backend.service}: nobody else can register here",
                    field="url",
                    status=409,
                )
            )
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
        """Make the membership what the slices say."""
        known = {backend.id: backend for backend in self._membership.backends()}
        meant: dict[str, Backend] = {}
        for following in self._followings:
            # Of two Services with one endpoint the first decides.
            meant = {**backends_of(following.source, following.slices.values(), known), **meant}
        self._unregistered &= meant.keys()
        for backend_id in self._unregistered:
            meant[backend_id] = evolve(meant[backend_id], draining=True)
        # Where there are more than are allowed, those known stay.
        self._learned(sorted(meant.values(), key=lambda backend: backend.id not in known))
