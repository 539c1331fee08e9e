"""The registry in this process's memory, and perhaps in a file: how do leases and membership make a registry?"""

import os
from collections.abc import Collection
from pathlib import Path

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from zope.interface import implementer

from openprequal.errors import ConfigurationError, RegistrationRefused
from openprequal.interfaces import IMembershipObserver, IRegistry, RegistryContext
from openprequal.registry.leases import Leases
from openprequal.registry.membership import Membership
from openprequal.registry.parameters import RegistryParameters, read_parameters
from openprequal.registry.persistence import Persistence
from openprequal.values import Backend


class MemoryParameters(RegistryParameters):
    """What may be set on it."""

    file: str | None = None
    """File in which registrations survive a restart; none: they do not."""


@implementer(IRegistry)
class MemoryRegistry:
    """Knows who registered with this process; forgets all of them with it, unless it has a file.

    Without one, heartbeats fill it again within one heartbeat interval of a restart; backends registered by hand have
    to be registered again. With one, everybody is there from the start, and leases begin anew.
    """

    def __init__(self, context: RegistryContext) -> None:
        """:raises ConfigurationError: a parameter cannot be used, or its file can be neither read nor written."""
        file = read_parameters(MemoryParameters, context.parameters, "memory").file
        self._max_backends = context.max_backends
        self._membership = Membership()
        self._leases = Leases(context.clock, context.heartbeat_timeout_s, self._membership.remove)
        self._persistence: Persistence | None = None
        if file is not None:
            path = _usable(Path(file).absolute())
            self._persistence = Persistence(context, path, self._membership.backends)

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
        if self._persistence is not None:
            for backend in self._persistence.load():
                self._leases.renew(backend)
                self._membership.put(backend)
            self._membership.subscribe(self._persistence)
            self._persistence.start()
        self._leases.start()

    def stop(self) -> "Deferred[None]":
        self._leases.stop()
        return succeed(None) if self._persistence is None else self._persistence.stop()

    def _register(self, backend: Backend) -> None:
        if backend.id not in self._membership and len(self._membership) >= self._max_backends:
            raise RegistrationRefused(
                f"max_backends: there are already {self._max_backends} backends, as many as are allowed", status=503
            )
        self._leases.renew(backend)
        self._membership.put(backend)


def _usable(path: Path) -> Path:
    """:raises ConfigurationError: it could not be read or written."""
    reason = None
    if not path.parent.is_dir():
        reason = "there is no such directory"
    elif not os.access(path.parent, os.W_OK | os.X_OK):
        reason = "its directory cannot be written to"
    elif path.exists() and not (path.is_file() and os.access(path, os.R_OK)):
        reason = "cannot be read, or is no file"
    if reason is not None:
        raise ConfigurationError(f"{str(path)!r} cannot be used: {reason}", about=("registry_parameters", "file"))
    return path
