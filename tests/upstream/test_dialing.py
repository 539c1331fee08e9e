"""To which address is a backend connected, and what happens when one does not answer?"""

from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.interfaces import IHostnameResolver, IHostResolution, IResolutionReceiver
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from zope.interface import implementer

from openprequal.upstream.addresses import Addresses
from openprequal.upstream.dialing import Dialer, NoAddress
from openprequal.values import Backend

BACKEND = Backend(url="http://a.test:8001")


class Dialled:
    """A dialer on a reactor in memory."""

    def __init__(self, *addresses: str) -> None:
        self.reactor = MemoryReactorClock()  # type: ignore[no-untyped-call]
        self.dialer = Dialer(self.reactor, BACKEND, 9001, lambda: addresses, 2.5)

    def dial(self) -> list[Any]:
        """Begin to connect; what comes of it will be in the list."""
        result: list[Any] = []
        dialling: Deferred[Any] = self.dialer.dial(Factory.forProtocol(Protocol))
        dialling.addBoth(result.append)
        return result

    def refuse(self) -> None:
        """The latest attempt is refused."""
        factory = self.reactor.tcpClients[-1][2]
        factory.clientConnectionFailed(None, Failure(Refused()))

    def accept(self) -> None:
        """The latest attempt succeeds."""
        self.reactor.tcpClients[-1][2].buildProtocol(None).makeConnection(None)

    @property
    def attempts(self) -> list[tuple[str, int, float]]:
        return [(host, port, timeout) for host, port, _, timeout, _ in self.reactor.tcpClients]


def test_addresses_are_tried_one_after_the_other() -> None:
    case = Dialled("192.0.2.1", "192.0.2.2")
    result = case.dial()
    assert case.attempts == [("192.0.2.1", 9001, 2.5)]
    case.refuse()
    assert case.attempts[1:] == [("192.0.2.2", 9001, 2.5)]
    case.accept()
    assert isinstance(result[0], Protocol)


def test_the_last_good_address_is_tried_first() -> None:
    case = Dialled("192.0.2.1", "192.0.2.2")
    case.dial()
    case.refuse()
    case.accept()
    case.dial()
    assert case.attempts[-1][0] == "192.0.2.2"


def test_when_all_refuse_it_fails_as_the_last_did() -> None:
    case = Dialled("192.0.2.1", "192.0.2.2")
    result = case.dial()
    case.refuse()
    case.refuse()
    assert result[0].check(Refused)
    assert len(case.attempts) == 2


def test_without_an_address_it_fails_at_once() -> None:
    assert Dialled().dial()[0].check(NoAddress)


def test_giving_up_tries_no_further_address() -> None:
    case = Dialled("192.0.2.1", "192.0.2.2")
    dialling: Deferred[Any] = case.dialer.dial(Factory.forProtocol(Protocol))
    dialling.addErrback(lambda _: None)
    dialling.cancel()
    assert len(case.attempts) == 1


# ---- names ----------------------------------------------------------------------------------------------------------


@implementer(IHostnameResolver)
class ScriptedNames:
    """Resolves every name to what the test says."""

    def __init__(self, *answers: list[str]) -> None:
        self.asked: list[str] = []
        self._answers = list(answers)

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: object = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        self.asked.append(hostName)
        for address in self._answers.pop(0):
            kind = IPv6Address if ":" in address else IPv4Address
            resolutionReceiver.addressResolved(kind("TCP", address, 0))
        resolutionReceiver.resolutionComplete()
        return None  # type: ignore[return-value]


def test_a_name_has_no_address_before_it_is_resolved() -> None:
    addresses = Addresses(ScriptedNames(["192.0.2.1", "2001:db8::1", "192.0.2.1"]), "a.test")
    assert list(addresses.known()) == []
    addresses.refresh()
    assert list(addresses.known()) == ["192.0.2.1", "2001:db8::1"]


def test_when_resolving_fails_the_last_good_answer_is_kept() -> None:
    addresses = Addresses(ScriptedNames(["192.0.2.1"], []), "a.test")
    fired: list[None] = []
    addresses.refresh()
    addresses.refresh().addCallback(fired.append)
    assert list(addresses.known()) == ["192.0.2.1"]
    assert fired == [None]


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_an_address_is_never_resolved(host: str) -> None:
    names = ScriptedNames()
    addresses = Addresses(names, host)
    fired: list[None] = []
    addresses.refresh().addCallback(fired.append)
    assert (list(addresses.known()), fired, names.asked) == ([host], [None], [])
