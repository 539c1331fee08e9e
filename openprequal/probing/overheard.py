"""What does a balancer hear of the backends that may ask none of them? The answers and reports that another gets."""

from collections.abc import Callable
from typing import Final

from attrs import frozen
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from openprequal.interfaces import IProbeTransport
from openprequal.values import Backend, LoadReport

WAIT_S: Final = 1.0
"""A probe that nothing came to in this time was not answered."""

Answered = Callable[[LoadReport | None], None]


@implementer(IProbeTransport)
class Overheard:
    """Sends nothing: a probe is answered with the next report of its backend, whichever way that comes.

    :ivar waiting: by backend id, until when each of its probes waits, and who is called then; read-only.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self.waiting: dict[str, list[tuple[float, Answered]]] = {}

    def probe(self, backend: Backend, answered: Answered, hint: bytes | None = None) -> None:
        """See :class:`~openprequal.interfaces.IProbeTransport`; a hint is told to nobody."""
        self.waiting.setdefault(backend.id, []).append((self._clock.seconds() + WAIT_S, answered))

    def told(self, backend: Backend, report: LoadReport) -> bool:
        """*backend* has reported, all its requests counted; False if nobody waited for that."""
        waiting = self.waiting.pop(backend.id, ())
        for _, answered in waiting:
            answered(report)
        return bool(waiting)

    def forget(self, backend: Backend) -> None:
        """It has left."""
        for _, answered in self.waiting.pop(backend.id, ()):
            answered(None)

    def expire(self) -> None:
        """Called often: who has waited too long is answered with None."""
        now_s = self._clock.seconds()
        for backend_id, waiting in list(self.waiting.items()):
            if waiting[0][0] > now_s:
                continue
            left = [each for each in waiting if each[0] > now_s]
            if left:
                self.waiting[backend_id] = left
            else:
                del self.waiting[backend_id]
            for _, answered in waiting[: len(waiting) - len(left)]:
                answered(None)


@implementer(IProbeTransport)
@frozen
class HeardByAnother:
    """*transport*, whose answers another hears too."""

    transport: IProbeTransport
    told: Callable[[Backend, LoadReport], None]

    def probe(self, backend: Backend, answered: Answered, hint: bytes | None = None) -> None:
        """See :class:`~openprequal.interfaces.IProbeTransport`."""

        def both(report: LoadReport | None) -> None:
            answered(report)
            if report is not None and not hint:  # the answer to a hint is meant for one request
                self.told(backend, report)

        self.transport.probe(backend, both, hint)
