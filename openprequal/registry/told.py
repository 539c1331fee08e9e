"""The registry of a process that is told by another one of its gateway: what does that one say?"""

from collections.abc import Collection

from twisted.internet.defer import Deferred, fail, succeed
from zope.interface import implementer

from openprequal.errors import RegistrationRefused
from openprequal.interfaces import IMembershipObserver, IRegistry
from openprequal.registry.membership import Membership
from openprequal.values import Backend


@implementer(IRegistry)
class ToldRegistry:
    """Knows whom its parent tells it of; whoever wants to register does so there."""

    def __init__(self) -> None:
        self._membership = Membership()

    def joined(self, backend: Backend) -> None:
        """*backend* exists, with these particulars."""
        self._membership.put(backend)

    def left(self, backend_id: str, reason: str) -> None:
        """It exists no more. Harmless if it did not."""
        self._membership.remove(backend_id, reason)

    def register(self, backend: Backend) -> "Deferred[None]":
        return fail(self._refusal())

    def unregister(self, backend_id: str) -> "Deferred[bool]":
        return fail(self._refusal())

    def backends(self) -> Collection[Backend]:
        return self._membership.backends()

    def subscribe(self, observer: IMembershipObserver) -> None:
        self._membership.subscribe(observer)

    def start(self) -> None:
        """There is nothing to begin."""

    def stop(self) -> "Deferred[None]":
        return succeed(None)

    def _refusal(self) -> RegistrationRefused:
        return RegistrationRefused("this process is told by its parent who exists", status=503)
