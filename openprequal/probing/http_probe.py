"""Probes over HTTP: a GET of the probe path on a kept-alive connection, answered by a load report."""

from collections import deque
from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from openprequal.hints import HINT_FIELD
from openprequal.interfaces import IProbeTransport
from openprequal.probing.report_reader import ReportReader
from openprequal.upstream.connections import Connections
from openprequal.upstream.fetch import Answer, Fetch, get_request
from openprequal.values import Backend, LoadReport

# A saturated synchronous server cannot answer in the paper's 1 to 3 ms (PREQUAL.md section 5).
PROBE_TIMEOUT_S: Final = 0.1

MAX_FOR_REQUESTS: Final = 32
"""Probes for waiting requests under way to one backend at most: each holds a connection, and one that hangs does so
until it is given up."""


class _Probe:
    """One probe under way."""

    __slots__ = ("answered", "backend", "deadline", "fetch", "hinted")

    def __init__(
        self, backend: Backend, answered: Callable[[LoadReport | None], None], deadline: float, hinted: bool
    ) -> None:
        self.backend = backend
        self.hinted = hinted
        self.answered: Callable[[LoadReport | None], None] | None = answered
        self.deadline = deadline
        self.fetch: Fetch | None = None


@implementer(IProbeTransport)
class HttpProbeTransport:
    """Sends probes; at most one is under way to a backend, so that a slow one cannot exhaust ports or its workers, or
    :data:`MAX_FOR_REQUESTS` where each is for a request that waits.

    A probe that is not answered in time is over for whoever asked, but goes on: a late answer is still news, unless it
    was meant for one request.
    """

    def __init__(
        self,
        clock: IReactorTime,
        connections: Callable[[Backend], Connections | None],
        heard: Callable[[Backend, LoadReport], None],
        late: Callable[[Backend, LoadReport], None],
        *,
        reports: ReportReader,
        probe_path: str | None = None,
        default_path: str,
        timeout_s: float = PROBE_TIMEOUT_S,
        give_up_s: float = 10.0,
    ) -> None:
        """
        :param connections: those to the port that answers a backend's probes; None if it has left.
        :param heard: told of every report, before whoever asked for it, but those that answer a hint.
        :param late: told of those of them that came after the time-out.
        :param reports: reads the answers.
        :param probe_path: for backends that named none; None: their health path.
        :param default_path: for those that named no health path either.
        :param give_up_s: an unanswered probe is abandoned after this, so that its backend is probed again.
        """
        self._clock = clock
        self._connections = connections
        self._heard = heard
        self._late = late
        self._reports = reports
        self._probe_path = probe_path
        self._default_path = default_path
        self._timeout_s = timeout_s
        self._give_up_s = give_up_s
        self._under_way: dict[str, dict[_Probe, None]] = {}
        self._by_deadline: deque[_Probe] = deque()
        self._requests: dict[Backend, bytes] = {}
        self._starting = False

    def probe(self, backend: Backend, answered: Callable[[LoadReport | None], None], hint: bytes | None = None) -> None:
        """See :class:`~openprequal.interfaces.IProbeTransport`."""
        connections = self._connections(backend)
        # Without connections, or where no report is believed, there is nothing to ask.
        asks = connections is not None and self._reports.believes
        under_way = self._under_way.setdefault(backend.id, {}) if asks else {}
        if connections is None or not asks or len(under_way) >= (1 if hint is None else MAX_FOR_REQUESTS):
            self._clock.callLater(0, answered, None)
            return
        probe = _Probe(backend, answered, self._clock.seconds() + self._timeout_s, bool(hint))
        under_way[probe] = None
        self._by_deadline.append(probe)
        request = self._request(backend)
        if hint:
            request = b"%b%b: %b\r\n\r\n" % (request[:-2], HINT_FIELD, hint)
        probe.fetch = Fetch(connections, request, lambda result: self._done(probe, result))
        self._starting = True
        probe.fetch.start()
        self._starting = False

    def expire(self) -> None:
        """Called often (every 50 ms or so): probes that took too long are answered with None."""
        now = self._clock.seconds()
        while self._by_deadline and self._by_deadline[0].deadline <= now:
            probe = self._by_deadline.popleft()
            answered, probe.answered = probe.answered, None
            if answered is not None:
                answered(None)
        given_up_s = now - self._give_up_s
        for under_way in self._under_way.values():
            for probe in [probe for probe in under_way if probe.deadline <= given_up_s]:
                del under_way[probe]
                _abandon(probe)

    def forget(self, backend: Backend) -> None:
        """*backend* has left: probes under way to it are abandoned."""
        for probe in self._under_way.pop(backend.id, ()):
            _abandon(probe)
        self._requests.pop(backend, None)

    def _done(self, probe: _Probe, result: Answer | Exception) -> None:
        self._under_way.get(probe.backend.id, {}).pop(probe, None)
        report = self._reports.in_answer(result) if isinstance(result, Answer) else None
        if report is not None and not probe.hinted:
            self._heard(probe.backend, report)
        answered, probe.answered = probe.answered, None
        if answered is not None:
            if self._starting:  # it failed at once, and the caller must not be called back from inside its call
                self._clock.callLater(0, answered, report)
            else:
                answered(report)
        elif report is not None and not probe.hinted:
            self._late(probe.backend, report)

    def _request(self, backend: Backend) -> bytes:
        request = self._requests.get(backend)
        if request is None:
            path = backend.probe_path or self._probe_path or backend.health_path or self._default_path
            request = self._requests[backend] = get_request(path, backend.authority)
        return request


def _abandon(probe: _Probe) -> None:
    if probe.fetch is not None:
        probe.fetch.cancel()
