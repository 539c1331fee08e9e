"""Where backends are asked at regular intervals, whatever balancers ask for: how do both get their answer?

An inference server's metrics are tens of kilobytes that it makes anew for each question; probes for each query would
cost it more than the queries.
"""

from collections.abc import Callable, Iterable
from random import Random

from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from openprequal.interfaces import IProbeTransport
from openprequal.values import Backend, LoadReport

_JITTER = 0.2
"""So that the gateways of a fleet do not ask in step."""


@implementer(IProbeTransport)
class PolledProbes:
    """Asks each backend once in *interval_s*; a probe is answered with the next answer, and costs nothing.

    :ivar tick_interval_s: how often to call :meth:`tick`.
    """

    def __init__(
        self,
        clock: IReactorTime,
        rng: Random,
        transport: IProbeTransport,
        backends: Callable[[], Iterable[Backend]],
        told: Callable[[Backend, LoadReport], None],
        interval_s: float,
    ) -> None:
        """
        :param transport: asks.
        :param backends: those to ask.
        :param told: hears of every answer that no probe waited for.
        """
        self.tick_interval_s = min(0.05, interval_s / 4)
        self._clock = clock
        self._rng = rng
        self._transport = transport
        self._backends = backends
        self._told = told
        self._interval_s = interval_s
        self._due_s: dict[str, float] = {}
        self._waiting: dict[str, list[Callable[[LoadReport | None], None]]] = {}

    def probe(self, backend: Backend, answered: Callable[[LoadReport | None], None], hint: bytes | None = None) -> None:
        """See :class:`~openprequal.interfaces.IProbeTransport`; one with a hint is sent, since a request waits for it.

        Answered within the interval and the transport's time-out.
        """
        if hint is not None:
            self._transport.probe(backend, answered, hint)
        else:
            self._waiting.setdefault(backend.id, []).append(answered)

    def tick(self) -> None:
        """Ask those whose turn it is; answer probes to those that have left."""
        now_s = self._clock.seconds()
        due_s, self._due_s = self._due_s, {}
        for backend in self._backends():
            due = due_s.get(backend.id, now_s)
            if due <= now_s:
                due = now_s + self._interval_s * (1.0 + _JITTER * (self._rng.random() - 0.5))
                self._ask(backend)
            self._due_s[backend.id] = due
        for gone in [backend_id for backend_id in self._waiting if backend_id not in self._due_s]:
            self._answer(gone, None)

    def _ask(self, backend: Backend) -> None:
        def answered(report: LoadReport | None) -> None:
            if not self._answer(backend.id, report) and report is not None:
                self._told(backend, report)

        self._transport.probe(backend, answered)

    def _answer(self, backend_id: str, report: LoadReport | None) -> bool:
        """Whether anybody waited for it."""
        waiting = self._waiting.pop(backend_id, ())
        for answered in waiting:
            answered(report)
        return bool(waiting)


def as_in_band(report: LoadReport, in_flight: int) -> LoadReport:
    """*report* as if it had come on a response, which leaves out the request it answers (PREQUAL.md section 5).

    :param in_flight: what this gateway has outstanding there.
    """
    if not in_flight or not report.rif:
        return report
    return report._replace(rif=max(0.0, report.rif - 1.0))
