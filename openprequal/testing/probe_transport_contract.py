"""What must every probe transport do? Subclass :class:`ProbeTransportContract` in a test module to run it on yours."""

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

    def test_every_probe_is_answered(self) -> None:
        assert self.answers(REPORT, probes=3) == [REPORT] * 3
