"""A registration at a gateway of several processes: when has it taken effect? Once all live workers have it too."""

from collections.abc import Callable, Collection
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import directlyProvides, providedBy

from openprequal.interfaces import IMembershipObserver, IRegistry
from openprequal.values import Backend


class Acknowledged:
    """*registry*, whose answers wait for the workers; it provides what that provides."""

    def __init__(self, registry: IRegistry, applied: Callable[[], "Deferred[None]"]) -> None:
        """:param applied: fires when the workers have taken in all that was told so far."""
        self._registry = registry
        self._applied = applied
        directlyProvides(self, providedBy(registry))

    def __getattr__(self, name: str) -> Any:
        # What it tells of its source, if it has one.
        return getattr(self._registry, name)

    def register(self, backend: Backend) -> "Deferred[None]":
        return self._registry.register(backend).addCallback(lambda _: self._applied())

    def unregister(self, backend_id: str) -> "Deferred[bool]":
        def known(existed: bool) -> "Deferred[bool]":
            return self._applied().addCallback(lambda _: existed)

        return self._registry.unregister(backend_id).addCallback(known)

    def backends(self) -> Collection[Backend]:
        return self._registry.backends()

    def subscribe(self, observer: IMembershipObserver) -> None:
        self._registry.subscribe(observer)
