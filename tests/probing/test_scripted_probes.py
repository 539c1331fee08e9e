"""The fake probe transport keeps the contract of the real one."""

from twisted.internet.task import Clock

from openprequal.interfaces import IProbeTransport
from openprequal.testing.probe_transport import ScriptedProbes
from openprequal.testing.probe_transport_contract import ASKED, ProbeTransportContract
from openprequal.values import LoadReport


class TestScriptedProbes(ProbeTransportContract):
    def make(self, clock: Clock, report: LoadReport | None) -> IProbeTransport:
        probes = ScriptedProbes(clock)
        probes.answer(ASKED, report)
        return probes


def test_it_writes_down_whom_it_asked() -> None:
    probes = ScriptedProbes(Clock())
    probes.probe(ASKED, lambda report: None)
    assert probes.sent == [ASKED]
