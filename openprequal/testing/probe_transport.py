"""A probe transport in memory: backends answer as the test has them say, in virtual time."""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from openprequal.interfaces import IProbeTransport
from openprequal.values import Backend, LoadReport


@implementer(IProbeTransport)
class ScriptedProbes:
    """Answers probes from a script; held to the same contract as the real transport
    (:class:`~openprequal.testing.probe_transport_contract.ProbeTransportContract`).

    :ivar sent: the backends asked, in order.
    """

    def __init__(self, clock: IReactorTime, *, round_trip_s: float = 0.001, timeout_s: float = 0.1) -> None:
        self.sent: list[Backend] = []
        self.round_trip_s = round_trip_s
        self.timeout_s = timeout_s
        self._clock = clock
        self._script: dict[str, Callable[[], LoadReport | None]] = {}

    def answer(self, backend: Backend, report: LoadReport | Callable[[], LoadReport | None] | None) -> None:
        """From now on *backend* answers with *report*, or what it returns; None: it does not answer, as at first."""
        self._script[backend.id] = report if callable(report) else lambda: report

    def probe(self, backend: Backend, answered: Callable[[LoadReport | None], None]) -> None:
        """See :class:`~openprequal.interfaces.IProbeTransport`."""
        self.sent.append(backend)
        self._clock.callLater(self.round_trip_s, self._arrived, backend, answered)

    def _arrived(self, backend: Backend, answered: Callable[[LoadReport | None], None]) -> None:
        script = self._script.get(backend.id)
        report = None if script is None else script()
        if report is not None:
            answered(report)
        else:
            self._clock.callLater(self.timeout_s - self.round_trip_s, answered, None)
