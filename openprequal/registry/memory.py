"""The registry in this process's memory: how do leases and membership make a registry?"""

from collections.abc import Collection

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from zope.interface import implementer

from openprequal.errors import RegistrationRefused
from openprequal.interfaces import IMembershipObserver, IRegistry, RegistryContext
from openprequal.registry.leases import Leases
from openprequal.registry.membership import Membership
from openprequal.registry.parameters import NoParameters, read_parameters
from openprequal.values import Backend


@implementer(IRegistry)
class MemoryRegistry:
    """Knows who registered with this process, and forgets all of them with it.

    Heartbeats fill it again within one heartbeat interval of a restart; backends registered by hand have to be
    registered again.
    """

    def __init__(self, context: RegistryContext) -> None:
        read_parameters(NoParameters, context.parameters, "memory")
        self._max_backends = context.max_backends
        self._membership = Membership()
        self._leases = Leases(context.clock, context.heartbeat_timeout_s, self._membership.remove)

    def register(self, backend: Backend) -> "Deferred[None]":
        return maybeDeferred(self._register, backend)

    def unregister(self, backend_id: str) -> "Deferred[bool]":
        self._leases.end(backend_id)
        return succeed(self._membership.remove(backend_id, "unregistered"))

    def backends(self) -> Collection[Backend]:
        return self._membership.backends()

    def subscribe(self, observer: IMembershipObserver) -> None:
        self._membership.subscribe(observer)

    def start(self) -> None:
        self._leases.start()

    def stop(self) -> "Deferred[None]":
        self._leases.stop()
        return succeed(None)

    def _register(self, backend: Backend) -> None:
        if backend.id not in self._membership and len(self._membership) >= self._max_backends:
            raise RegistrationRefused(
                f"max_backends: there are already {self._max_backends} backends, as many as are allowed", status=503
            )
        self._leases.renew(backend)
        self._membership.put(backend)
