"""Backends that are polled: asked once in an interval, whoever wants to know."""

from collections.abc import Callable
from random import Random

from twisted.internet.task import Clock
from zope.interface import implementer
from zope.interface.verify import verifyObject

from openprequal.interfaces import IProbeTransport
from openprequal.probing.polled_probes import PolledProbes, as_in_band
from openprequal.values import Backend, LoadReport

ONE, OTHER = Backend("http://192.0.2.1:80"), Backend("http://192.0.2.2:80")
INTERVAL_S = 0.5
REPORT = LoadReport(7, None)

Answered = Callable[[LoadReport | None], None]


@implementer(IProbeTransport)
class Asked:
    """Notes who is asked when, and answers when told to."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.asked: list[tuple[float, Backend, bytes | None]] = []
        self.waiting: list[Answered] = []

    def probe(self, backend: Backend, answered: Answered, hint: bytes | None = None) -> None:
        self.asked.append((self.clock.seconds(), backend, hint))
        self.waiting.append(answered)

    def answer(self, report: LoadReport | None = REPORT) -> None:
        waiting, self.waiting = self.waiting, []
        for answered in waiting:
            answered(report)


class Polled:
    def __init__(self, *backends: Backend) -> None:
        self.clock = Clock()
        self.transport = Asked(self.clock)
        self.backends = list(backends)
        self.told: list[tuple[Backend, LoadReport]] = []
        self.probes = PolledProbes(
            self.clock,
            Random(1),
            self.transport,
            lambda: self.backends,
            lambda backend, report: self.told.append((backend, report)),
            INTERVAL_S,
        )
        verifyObject(IProbeTransport, self.probes)

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds / self.probes.tick_interval_s)):
            self.clock.advance(self.probes.tick_interval_s)
            self.probes.tick()

    def times(self, backend: Backend) -> list[float]:
        return [at for at, asked, _ in self.transport.asked if asked is backend]


def test_a_backend_is_asked_at_once_and_then_once_in_an_interval() -> None:
    polled = Polled(ONE, OTHER)
    polled.probes.tick()
    polled.wait(10)
    for backend in (ONE, OTHER):
        times = polled.times(backend)
        assert times[0] == 0
        assert 17 <= len(times) <= 24


def test_two_gateways_do_not_go_on_asking_together() -> None:
    polled = Polled(ONE, OTHER)
    polled.wait(10)
    assert len(set(polled.times(ONE)) & set(polled.times(OTHER))) < len(polled.times(ONE))


def test_an_answer_that_nobody_waited_for_is_told() -> None:
    polled = Polled(ONE)
    polled.probes.tick()
    polled.transport.answer()
    assert polled.told == [(ONE, REPORT)]


def test_no_answer_is_no_report() -> None:
    polled = Polled(ONE)
    polled.probes.tick()
    polled.transport.answer(None)
    assert polled.told == []


def test_a_probe_asks_nobody_and_gets_the_next_answer() -> None:
    polled = Polled(ONE)
    polled.probes.tick()
    polled.transport.answer()
    heard: list[LoadReport | None] = []
    for _ in range(3):
        polled.probes.probe(ONE, heard.append)
    assert (len(polled.transport.asked), heard) == (1, [])
    polled.wait(2 * INTERVAL_S)
    polled.transport.answer()
    assert heard == [REPORT] * 3


def test_a_probe_of_a_backend_that_has_left_is_answered_with_nothing() -> None:
    polled = Polled(ONE)
    polled.probes.tick()
    polled.transport.answer()
    heard: list[LoadReport | None] = []
    polled.probes.probe(ONE, heard.append)
    polled.backends.clear()
    polled.probes.tick()
    assert heard == [None]


def test_a_probe_for_one_request_is_sent_at_once() -> None:
    polled = Polled(ONE)
    heard: list[LoadReport | None] = []
    polled.probes.probe(ONE, heard.append, b"hint")
    assert polled.transport.asked == [(0.0, ONE, b"hint")]
    polled.transport.answer()
    assert heard == [REPORT]


def test_a_polled_report_leaves_out_one_of_ours_where_responses_do() -> None:
    assert as_in_band(REPORT, 2).rif == 6
    assert as_in_band(REPORT, 0).rif == 7
    assert as_in_band(LoadReport(0.5, None), 1).rif == 0
    assert as_in_band(LoadReport(None, None), 1).rif is None
