"""What must every probe transport do? Subclass :class:`ProbeTransportContract` in a test module to run it on yours."""

import pytest
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from openprequal.interfaces import IProbeTransport
from openprequal.values import Backend, LoadReport

ASKED = Backend(url="http://a.test:8001")
REPORT = LoadReport(3.0, 0.25)


class ProbeTransportContract:
    """The behaviour that :class:`~openprequal.interfaces.IProbeTransport` promises, in virtual time.

    :ivar clock: advanced by the suite; set by :meth:`setup_method`.
    """

    def make(self, clock: Clock, report: LoadReport | None) -> IProbeTransport:
        """A transport that reaches :data:`ASKED`, which answers with *report*, or (None) not in time."""
        raise NotImplementedError

    def setup_method(self) -> None:
        """A clock for each test."""
        self.clock = Clock()

    def answers(self, report: LoadReport | None, probes: int = 1) -> list[LoadReport | None]:
        """What *probes* probes one after another were answered with."""
        heard: list[LoadReport | None] = []
        transport = self.make(self.clock, report)
        for _ in range(probes):
            before = len(heard)
            transport.probe(ASKED, heard.append)
            assert len(heard) == before, "called back from inside the call"
            self.clock.pump([0.01] * 200)
        return heard

    def test_it_provides_the_interface(self) -> None:
        verifyObject(IProbeTransport, self.make(self.clock, REPORT))

    def test_an_answer_is_handed_over_once(self) -> None:
        assert self.answers(REPORT) == [REPORT]

    def test_no_answer_in_time_is_none_once(self) -> None:
        assert self.answers(None) == [None]

    def at_once(self, report: LoadReport | None, hint: bytes | None) -> list[LoadReport | None]:
        """What three probes at one time were answered with, in the order of the answers."""
        heard: list[LoadReport | None] = []
        transport = self.make(self.clock, report)
        for _ in range(3):
            transport.probe(ASKED, heard.append, hint)
        assert not heard, "called back from inside the call"
        self.clock.pump([0.01] * 200)
        return heard

    def test_one_probe_for_whatever_comes_next_is_under_way_at_most(self) -> None:
        assert self.at_once(REPORT, None) == [None, None, REPORT]

    @pytest.mark.parametrize("hint", [b"", b"0123456789abcdef"])
    def test_probes_for_one_request_each_go_out_side_by_side(self, hint: bytes) -> None:
        assert self.at_once(REPORT, hint) == [REPORT] * 3

    @pytest.mark.parametrize("hint", [b"", b"0123456789abcdef"])
    def test_probes_for_one_request_each_are_answered_none_once_when_nothing_comes(self, hint: bytes) -> None:
        assert self.at_once(None, hint) == [None] * 3

    def test_every_probe_is_answered(self) -> None:
        assert self.answers(REPORT, probes=3) == [REPORT] * 3
