"""How does a process start the one that takes its place, and when does it go? Only once the other accepts."""

import os
import sys
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from itertools import takewhile
from typing import Any, Final

from attrs import frozen
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from openprequal.config.endpoints import SOCKETS, is_socket, under_tls
from openprequal.listening import ListeningService
from openprequal.restart.inheritance import END, READY, VARIABLE, Inheritance

START_S: Final = 60.0
"""A successor that is not ready by then is ended."""

_SAYS: Final = 3
_HEARS: Final = 4
_ERRORS: Final = 5
_FIRST_LISTENING: Final = 6
_STDERR_KEPT: Final = 4096


@frozen
class CommandLine:
    """How this process was started, and so how its successor is."""

    arguments: Sequence[str]
    """Of the interpreter too."""
    directory: str
    twistd: MutableMapping[str, Any]
    """Its options; ``pidfile`` names the file that the successor takes over."""


class Restart:
    """Replaces this process by a new one of the same command line, on SIGUSR2.

    The new one inherits what we listen on and is told who is registered. Once it accepts, we stop accepting, finish
    what is under way and end. If it fails, we go on, and the log says why.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        command: CommandLine,
        listeners: Sequence[ListeningService],
        membership: Callable[[], bytes],
        *,
        why_not: Callable[[], str | None] = lambda: None,
    ) -> None:
        """
        :param membership: who is registered, as one line (``inheritance``).
        :param why_not: why this gateway cannot be replaced now; None: it can.
        """
        self._reactor = reactor
        self._command = command
        self._listeners = listeners
        self._membership = membership
        self._why_not = why_not
        self._successor: _Successor | None = None

    def begin(self) -> None:
        """Start a successor, unless there is one already."""
        why_not = self._why_not() or self._not_portable()
        if self._successor is not None:
            why_not = "a new process is starting already"
        if why_not is not None:
            self.log.error("not restarted: {reason}", reason=why_not)
            return
        self.log.info("starting a new process to take over")
        sockets = {
            description: port.fileno()  # type: ignore[attr-defined]
            for listening in self._listeners
            for description, port in zip(listening.descriptions, listening.ports, strict=True)
        }
        numbers = {description: _FIRST_LISTENING + index for index, description in enumerate(sockets)}
        inheritance = Inheritance(os.getpid(), numbers, _SAYS, _HEARS, _ERRORS)
        pipes: Mapping[int, int | str] = {0: 0, 1: 1, 2: "r", _SAYS: "w", _HEARS: "r", _ERRORS: 2}
        self._successor = successor = _Successor(self._reactor, self._ready, self._failed)
        try:
            self._reactor.spawnProcess(
                successor,
                sys.executable,
                [sys.executable, *self._command.arguments[1:]],
                {**os.environ, VARIABLE: inheritance.text},
                self._command.directory,
                childFDs={**pipes, **{numbers[description]: socket for description, socket in sockets.items()}},
            )
        except OSError as error:
            # Out of processes or descriptors.
            successor.not_started(str(error))
            return
        successor.tell(self._membership())

    def give_up(self) -> None:
        """This process is about to end for good, and with it one that was to replace it."""
        if self._successor is not None:
            self._successor.give_up()

    def _not_portable(self) -> str | None:
        for listening in self._listeners:
            for description in listening.descriptions:
                if not is_socket(under_tls(description) or description):
                    return f"{description!r} cannot be handed over: only {', '.join(SOCKETS)} endpoints can"
        return None

    def _ready(self, pid: str) -> None:
        assert self._successor is not None
        for listening in self._listeners:
            listening.hand_over()
        self.log.info("process {pid} has taken over: finishing what is under way", pid=pid)
        # It is the other's now.
        self._command.twistd["pidfile"] = ""
        # Who has come and gone since it was told; then we may go.
        self._successor.tell(self._membership(), last=self._reactor.stop)

    def _failed(self, reason: str) -> None:
        self._successor = None
        self.log.error("not restarted, going on: the new process failed: {reason}", reason=reason)
        pidfile = self._command.twistd["pidfile"]
        if pidfile:
            with open(os.path.join(self._command.directory, pidfile), "w") as file:
                file.write(str(os.getpid()))


class _Successor(ProcessProtocol):
    """The new process as the old one sees it, until it is ready or has failed."""

    def __init__(self, reactor: Any, ready: Callable[[str], None], failed: Callable[[str], None]) -> None:
        self._ready = ready
        self._failed = failed
        self._heard = b""
        self._errors = b""
        self._over = False
        self._told: Callable[[], None] = _nothing
        self._too_late = reactor.callLater(START_S, self._give_up)

    def tell(self, line: bytes, last: Callable[[], None] | None = None) -> None:
        """Say *line*; *last* is called once it has left, if nothing more will be said."""
        transport: Any = self.transport
        transport.writeToChild(_SAYS, line)
        if last is not None:
            self._told = last
            transport.closeChildFD(_SAYS)

    def give_up(self) -> None:
        """It is not to take over, but to end; nothing if it has taken over."""
        if self._over:
            return
        self._end()
        self.tell(END + b"\n")

    def not_started(self, why: str) -> None:
        """There is no such process."""
        self._end()
        self._failed(why)

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        if childFD == _HEARS:
            self._heard += data
            if self._heard.startswith(READY) and self._heard.endswith(b"\n") and not self._over:
                self._end()
                self._ready(self._heard.split()[1].decode("ascii", "replace"))
        else:
            self._errors = (self._errors + data)[-_STDERR_KEPT:]

    def childConnectionLost(self, childFD: int) -> None:
        if childFD == _SAYS:
            told, self._told = self._told, _nothing
            told()

    def processEnded(self, reason: Failure) -> None:
        # A daemon's first process ends once the daemon runs; but that holds our pipes open, and this comes only when
        # they are closed.
        if not self._over:
            self._end()
            self._failed(_last_words(self._errors.decode("utf-8", "replace")) or reason.getErrorMessage())

    def _give_up(self) -> None:
        self.give_up()
        transport: Any = self.transport
        # It may be beyond hearing; a daemon's first process has ended long ago.
        with suppress(ProcessExitedAlready):
            transport.signalProcess("KILL")
        self._failed(f"not ready within {START_S:g} s")

    def _end(self) -> None:
        self._over = True
        if self._too_late.active():
            self._too_late.cancel()


def _nothing() -> None:
    """Nobody waits for it."""


def _last_words(errors: str) -> str:
    """The last line, and those before it that the same command said: there is one for each mistake in its settings."""
    lines = [line.strip() for line in errors.split("\n") if line.strip()]
    beginning = lines[-1].partition(": ")[0] + ": " if lines else ""
    said = list(takewhile(lambda line: line.startswith(beginning), reversed(lines)))
    return "; ".join(reversed(said or lines[-1:]))
