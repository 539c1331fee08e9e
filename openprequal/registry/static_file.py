"""The registry that follows a file: which backends does it list now?"""

import os
from pathlib import Path
from typing import Final

from twisted.internet.defer import Deferred, succeed

from openprequal.clocks import Periodic
from openprequal.errors import ConfigurationError
from openprequal.interfaces import RegistryContext
from openprequal.registry.backend_list import read_list
from openprequal.registry.blocking import beside
from openprequal.registry.parameters import RegistryParameters, read_parameters
from openprequal.registry.sourced import SourcedRegistry

LOOK_S: Final = 0.5
"""How often the file is looked at."""

Look = tuple[int, ...]
"""What tells one state of a file from another; empty: there is none."""


class StaticFileParameters(RegistryParameters):
    """What may be set on it."""

    file: str
    """TOML (or JSON, if its name ends in `.json`) file that lists the backends; followed as it changes."""


class StaticFileRegistry(SourcedRegistry):
    """Knows the backends that a file lists.

    A change counts once the file has looked the same twice, so that one that is being written is not read. A file that
    is gone or has a mistake changes nothing. That a directory is put in the place of another by a symbolic link
    (Kubernetes' ConfigMaps) is a change like others.
    """

    def __init__(self, context: RegistryContext) -> None:
        """:raises ConfigurationError: a parameter cannot be used, or the file has a mistake."""
        self._path = Path(read_parameters(StaticFileParameters, context.parameters, "file").file).absolute()
        super().__init__(str(self._path), context.max_backends)
        self._reactor = context.reactor
        self._periodic = Periodic(context.clock, LOOK_S, self._look, f"looking at {self._path}")
        self._used = _look(self._path)
        """The state in which it was read last, or found unreadable."""
        self._seen = self._used
        self._listed = read_list(self._path, self._max_backends)
        self._reading: Deferred[None] = succeed(None)

    def start(self) -> None:
        self._learned(self._listed)
        self._periodic.start()

    def stop(self) -> "Deferred[None]":
        self._periodic.stop()
        return self._reading

    def _look(self) -> "Deferred[None] | None":
        # A look at a file does not block for long even where reading it may.
        before, self._seen = self._seen, _look(self._path)
        if self._seen == self._used or self._seen != before:
            return None
        self._used = self._seen
        self._reading = Deferred.fromCoroutine(self._read())
        return self._reading

    async def _read(self) -> None:
        try:
            listed = await beside(self._reactor, read_list, self._path, self._max_backends)
        except ConfigurationError as error:
            for line in error.lines:
                self.log.error("the backends stay as they are: {line}", line=line)
            return
        if self._periodic.running:
            self._learned(listed)
            self.log.info("{path} read: {count} backends", path=self._path, count=len(listed))


def _look(path: Path) -> Look:
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev
