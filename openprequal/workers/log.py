"""How does what a worker logs get into its parent's log?"""

import sys
from collections.abc import Callable

from twisted.internet.protocol import ProcessProtocol
from twisted.logger import ILogObserver, LogEvent, Logger, formatEvent
from twisted.python.failure import Failure
from zope.interface import implementer

_TWISTD = "twisted.application.app"
"""Says of itself that it starts and shuts down, which is of no news here."""


@implementer(ILogObserver)
class _ToParent:
    """Writes each event to standard error as lines without a time, which the parent adds."""

    def __call__(self, event: LogEvent) -> None:
        if str(event.get("log_namespace", "")).startswith(_TWISTD):
            return
        text = formatEvent(event)
        failure = event.get("log_failure")
        if isinstance(failure, Failure):
            text = f"{text}\n{failure.getTraceback()}"
        level = getattr(event.get("log_level"), "name", "info")
        if text:
            sys.__stderr__.write(f"{'' if level == 'info' else f'[{level}] '}{text}\n")  # type: ignore[union-attr]
            sys.__stderr__.flush()  # type: ignore[union-attr]


def observer() -> ILogObserver:
    """What twistd is to log to in a worker."""
    made: ILogObserver = _ToParent()
    return made


class WorkerProcess(ProcessProtocol):
    """A worker as a child process: what it says on standard error is logged here, line by line; its end is told."""

    log = Logger()

    def __init__(self, name: str, ended: Callable[[str], None]) -> None:
        """:param ended: called once with why, for people, when the process is gone and all it said is logged."""
        self._name = name
        self._ended = ended
        self._rest = b""

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.log.info("{name}: {line}", name=self._name, line=line.decode("utf-8", "replace"))

    def processEnded(self, reason: Failure) -> None:
        if self._rest:
            self.childDataReceived(2, b"\n")
        self._ended(reason.getErrorMessage())
