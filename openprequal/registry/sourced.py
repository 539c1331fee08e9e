"""What have registries in common whose backends come from a source of their own, so that nobody may register?"""

from collections.abc import Collection, Iterable

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from zope.interface import implementer

from openprequal.errors import RegistrationRefused
from openprequal.interfaces import IMembershipObserver, IRegistry
from openprequal.registry.membership import Membership
from openprequal.values import Backend


@implementer(IRegistry)
class SourcedRegistry:
    """A membership that follows a source; subclasses ask it, and say what they learn with :meth:`_learned`."""

    log = Logger()

    def __init__(self, source: str, max_backends: int) -> None:
        """:param source: for people, as in "backends come from …"."""
        self._source = source
        self._max_backends = max_backends
        self._membership = Membership()

    def register(self, backend: Backend) -> "Deferred[None]":
        return fail(self._refusal())

    def unregister(self, backend_id: str) -> "Deferred[bool]":
        return fail(self._refusal())

    def backends(self) -> Collection[Backend]:
        return self._membership.backends()

    def subscribe(self, observer: IMembershipObserver) -> None:
        self._membership.subscribe(observer)

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> "Deferred[None]":
        raise NotImplementedError

    def _learned(self, backends: Iterable[Backend]) -> None:
        """The source says now that *backends* exist, and nobody else."""
        now = {backend.id: backend for backend in backends}
        if len(now) > self._max_backends:
            self.log.error(
                "{source} has {count} backends: only max_backends, {most}, of them are used",
                source=self._source,
                count=len(now),
                most=self._max_backends,
            )
            now = dict(list(now.items())[: self._max_backends])
        # First those that come, so that there is always somebody.
        for backend in now.values():
            self._membership.put(backend)
        for backend in self._membership.backends():
            if backend.id not in now:
                self._membership.remove(backend.id, f"gone from {self._source}")

    def _refusal(self) -> RegistrationRefused:
        return RegistrationRefused(f"backends come from {self._source}: nobody can register here", status=409)
