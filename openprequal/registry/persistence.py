"""When is who exists written to a file, and what is known again after a restart?"""

import os
from collections.abc import Callable, Collection
from pathlib import Path
from random import Random
from socket import gethostname
from typing import Final

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from openprequal.clocks import Periodic
from openprequal.interfaces import IMembershipObserver, RegistryContext
from openprequal.registry.backend_file import BadFile, read_backends, write_backends, writer_of
from openprequal.registry.blocking import beside
from openprequal.values import Backend

EVERY_S: Final = 1.0
"""Changes are written this often at most: what a crash can lose."""
_KEPT: Final = 100
"""Files that could not be understood, at most."""


@implementer(IMembershipObserver)
class Persistence:
    """Keeps a file up to date with a membership, in a thread, once a second at most.

    The process that began last to write a file is the one that does: at a restart the former one, whose backends turn
    to the new one, writes no more.
    """

    log = Logger()

    def __init__(self, context: RegistryContext, path: Path, backends: Callable[[], Collection[Backend]]) -> None:
        """:param backends: everyone who exists."""
        self._reactor = context.reactor
        self._path = path
        self._backends = backends
        self._writer = _writer(context.rng)
        self._periodic = Periodic(context.clock, EVERY_S, self._tick, f"writing {path}")
        self._changed = True
        self._began = False
        self._troubled: str | None = None
        self._lost: str | None = None
        """Why writing would lose what the file held."""
        self._writing: Deferred[None] = succeed(None)

    def load(self) -> Collection[Backend]:
        """Everyone whom the file knows. A file that cannot be understood is kept beside, and told of."""
        try:
            read = read_backends(self._path)
        except FileNotFoundError:
            self.log.info("{path} is not there yet: nobody is known", path=self._path)
            return ()
        except (BadFile, OSError) as error:
            kept = self._keep_aside()
            self.log.error("{path}: {why}: nobody is known; {kept}", path=self._path, why=error, kept=kept)
            return ()
        if read.objections:
            kept = self._keep_aside()
            self.log.error(
                "{count} backends of {path} cannot be used: {why}; {kept}",
                count=len(read.objections),
                path=self._path,
                why=read.objections[0],
                kept=kept,
            )
        self.log.info("{count} backends are known from {path}", count=len(read.backends), path=self._path)
        return read.backends

    def start(self) -> None:
        """Begin to write."""
        self._periodic.start()

    def stop(self) -> "Deferred[None]":
        """Write what has changed, and end."""
        self._periodic.stop()
        return self._writing.addCallback(lambda _: self._tick())

    def joined(self, backend: Backend) -> None:
        """See :class:`~openprequal.interfaces.IMembershipObserver`."""
        self._changed = True

    def changed(self, old: Backend, new: Backend) -> None:
        """See :class:`~openprequal.interfaces.IMembershipObserver`."""
        self._changed = True

    def left(self, backend: Backend, reason: str) -> None:
        """See :class:`~openprequal.interfaces.IMembershipObserver`."""
        self._changed = True

    def _tick(self) -> "Deferred[None]":
        if not self._changed or self._lost is not None:
            return succeed(None)
        self._changed = False
        done: Deferred[None] = Deferred()
        self._writing = done
        written = beside(self._reactor, self._write, tuple(self._backends()))
        written.addCallbacks(self._written, self._failed).chainDeferred(done)
        return done

    def _write(self, backends: tuple[Backend, ...]) -> str | None:
        """Write them, unless another process does by now; then its name."""
        last = writer_of(self._path) if self._began else None
        if last is not None and last != self._writer and not _ended(last):
            return last
        write_backends(self._path, backends, self._writer)
        self._began = True
        return None

    def _written(self, other: str | None) -> None:
        if other is not None:
            # Should it end before us, the file is ours again.
            self._changed = True
        self._trouble("is written by another process now" if other is not None else None)

    def _failed(self, failure: Failure) -> None:
        self._changed = True
        self._trouble(f"cannot be written, trying again every second: {failure.getErrorMessage()}")

    def _trouble(self, why: str | None) -> None:
        """Log what has changed; None: it is written."""
        if why != self._troubled:
            self.log.warn("{path} {why}", path=self._path, why=why or "is written again")
        self._troubled = why

    def _keep_aside(self) -> str:
        """Let the file have another name too."""
        numbers = ("", *map(str, range(1, _KEPT)))
        for number in numbers:
            kept = self._path.with_name(f"{self._path.name}.bad{number}")
            try:
                os.link(self._path, kept)
            except FileExistsError:
                continue
            except OSError as error:
                self._lost = str(error)
                break
            return f"kept as {kept}"
        self._lost = self._lost or f"there are {_KEPT} files like {kept} already"
        return f"it cannot be kept, so that nothing is written: {self._lost}"


def _writer(rng: Random) -> str:
    """A name for this process, as :func:`_ended` knows it."""
    return f"{os.getpid()}-{rng.getrandbits(48):012x}@{gethostname()}"


def _ended(writer: str) -> bool:
    """Is that a process of this host, and no more?"""
    name, _, host = writer.partition("@")
    pid = name.partition("-")[0]
    if host != gethostname() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False
