"""A probe transport in memory: backends answer as the test has them say, in virtual time."""

from collections import Counter
from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from openprequal.interfaces import IProbeTransport
from openprequal.values import Backend, LoadReport


@implementer(IProbeTransport)
class ScriptedProbes:
    """Answers probes from a script; held to the same contract as the real transport
    (:class:`~openprequal.testing.probe_transport_contract.ProbeTransportContract`).

    :ivar sent: the backends that were to be asked, in order.
    :ivar hints: the hint of each of these.
    """

    def __init__(self, clock: IReactorTime, *, round_trip_s: float = 0.001, timeout_s: float = 0.1) -> None:
        self.sent: list[Backend] = []
        self.hints: list[bytes | None] = []
        self.round_trip_s = round_trip_s
        self.timeout_s = timeout_s
        self._clock = clock
        self._script: dict[tuple[str, bytes | None], Callable[[], LoadReport | None]] = {}
        self._under_way: Counter[str] = Counter()

    def answer(
        self,
        backend: Backend,
        report: LoadReport | Callable[[], LoadReport | None] | None,
        *,
        hint: bytes | None = None,
    ) -> None:
        """From now on *backend* answers with *report*, or what it returns; None: it does not answer, as at first.

        :param hint: answers so only to probes with this hint.
        """
        self._script[backend.id, hint] = report if callable(report) else lambda: report

    def probe(self, backend: Backend, answered: Callable[[LoadReport | None], None], hint: bytes | None = None) -> None:
        """See :class:`~openprequal.interfaces.IProbeTransport`."""
        self.sent.append(backend)
        self.hints.append(hint)
        if hint is None and self._under_way[backend.id]:
            self._clock.callLater(0, answered, None)
            return
        self._under_way[backend.id] += 1
        self._clock.callLater(self.round_trip_s, self._arrived, backend, answered, hint)

    def _arrived(self, backend: Backend, answered: Callable[[LoadReport | None], None], hint: bytes | None) -> None:
        script = self._script.get((backend.id, hint)) or self._script.get((backend.id, None))
        report = None if script is None else script()
        if report is not None:
            self._over(backend, answered, report)
        else:
            self._clock.callLater(self.timeout_s - self.round_trip_s, self._over, backend, answered, None)

    def _over(self, backend: Backend, answered: Callable[[LoadReport | None], None], report: LoadReport | None) -> None:
        self._under_way[backend.id] -= 1
        answered(report)
