"""To which address is a backend connected, and what happens when one does not answer?"""

from pathlib import Path
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

from openprequal.upstream.address_rules import AddressRefused, AddressRules
from openprequal.upstream.addresses import Addresses
from openprequal.upstream.dialing import Dialer, NoAddress, dialer
from openprequal.values import Backend

BACKEND = Backend(url="http://a.test:8001")


class Dialled:
    """A dialer on a reactor in memory."""

    def __init__(self, *addresses: str, rules: AddressRules | None = None) -> None:
        self.reactor = MemoryReactorClock()  # type: ignore[no-untyped-call]
        self.addresses = addresses
        self.dialer = Dialer(self.reactor, BACKEND, 9001, lambda: self.addresses, 2.5, rules=rules)

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


# ---- where a backend may be -----------------------------------------------------------------------------------------


def test_an_address_that_a_backend_may_not_have_is_passed_over() -> None:
    case = Dialled("169.254.169.254", "192.0.2.2", rules=AddressRules())
    case.dial()
    case.refuse()
    assert case.attempts == [("192.0.2.2", 9001, 2.5)]


def test_a_name_with_no_other_address_is_not_connected_to_and_says_why() -> None:
    case = Dialled("169.254.169.254", rules=AddressRules())
    (failure,) = case.dial()
    assert failure.check(AddressRefused)
    assert str(failure.value).startswith("a.test: 169.254.169.254 is a link-local")
    assert case.attempts == []


def test_a_name_that_later_leads_elsewhere_is_not_followed_there() -> None:
    case = Dialled("192.0.2.1", rules=AddressRules())
    case.dial()
    case.accept()
    case.addresses = ("169.254.169.254",)
    assert case.dial()[0].check(AddressRefused)
    assert len(case.attempts) == 1


def test_the_port_of_probes_is_looked_at_too() -> None:
    own = AddressRules(is_own=lambda address, port: port == 9001)
    assert Dialled("127.0.0.1", rules=own).dial()[0].check(AddressRefused)


def test_a_unix_socket_outside_the_directories_is_not_connected_to(tmp_path: Path) -> None:
    reactor = MemoryReactorClock()  # type: ignore[no-untyped-call]
    backend = Backend(url=f"unix://{tmp_path}/docker.sock")
    result: list[Any] = []
    dial = dialer(reactor, backend, 0, tuple, 2.5, rules=AddressRules())
    dial(Factory.forProtocol(Protocol)).addErrback(result.append)
    assert result[0].check(AddressRefused)
    assert reactor.unixClients == []


def test_a_unix_socket_is_connected_to_where_its_links_lead(tmp_path: Path) -> None:
    (tmp_path / "app.sock").symlink_to(tmp_path / "app-7.sock")
    reactor = MemoryReactorClock()  # type: ignore[no-untyped-call]
    backend = Backend(url=f"unix://{tmp_path}/app.sock")
    dial = dialer(reactor, backend, 0, tuple, 2.5, rules=AddressRules(sockets=(str(tmp_path),)))
    dial(Factory.forProtocol(Protocol))
    assert reactor.unixClients[0][0] == str((tmp_path / "app-7.sock").resolve())


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
