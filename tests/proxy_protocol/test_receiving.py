"""Whose PROXY header is believed, and what becomes of a connection behind it."""

from collections import Counter
from ipaddress import ip_network
from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock

from openprequal.admin.access import told_by_proxy_protocol
from openprequal.proxy_protocol.receiving import ProxiedFactory
from openprequal.testing.memory_transport import MemoryTransport, RawConnection

HERE = IPv4Address("TCP", "198.51.100.9", 8000)
BALANCER = IPv4Address("TCP", "10.0.0.5", 33000)
STRANGER = IPv4Address("TCP", "203.0.113.5", 33000)
LINE = b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 443\r\n"


class Inner(Protocol):
    """Notes what it hears, and of whom."""

    def __init__(self, addr: Any) -> None:
        self.addr = addr
        self.heard = b""

    def dataReceived(self, data: bytes) -> None:
        self.heard += data


class Case:
    """A listener that believes 10.0.0.0/8."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.inner: list[Inner] = []
        self.refused: Counter[str] = Counter()
        factory: Any = Factory()
        factory.buildProtocol = self._build
        self.factory = ProxiedFactory(
            factory, [ip_network("10.0.0.0/8")], now=self.clock.seconds, timeout_s=lambda: 10.0, refused=self.refused
        )

    def _build(self, addr: Any) -> Inner:
        self.inner.append(Inner(addr))
        return self.inner[-1]

    def connect(self, peer: Any = BALANCER) -> RawConnection:
        protocol: Any = self.factory.buildProtocol(peer)
        transport = MemoryTransport(self.clock, protocol, HERE, peer)
        protocol.makeConnection(transport)
        return RawConnection(self.clock, transport)


@pytest.fixture
def case() -> Case:
    return Case()


def test_what_follows_the_header_is_heard_as_if_the_client_had_connected_itself(case: Case) -> None:
    case.connect().send(LINE + b"GET / HTTP/1.1\r\n")
    (inner,) = case.inner
    client = IPv4Address("TCP", "192.0.2.7", 40000)
    assert inner.heard == b"GET / HTTP/1.1\r\n"
    assert inner.addr == client
    transport: Any = inner.transport
    assert (transport.getPeer(), transport.getHost()) == (client, IPv4Address("TCP", "198.51.100.1", 443))


def test_after_the_header_the_transport_calls_the_protocol_itself(case: Case) -> None:
    connection = case.connect()
    connection.send(LINE)
    connection.send(b"more")
    (inner,) = case.inner
    transport: Any = inner.transport
    assert transport.protocol is inner
    assert inner.heard == b"more"


def test_a_header_may_come_in_any_pieces(case: Case) -> None:
    data = LINE + b"GET /"
    case.connect().send(data, cuts=range(1, len(data)))
    assert case.inner[0].heard == b"GET /"


def test_whose_address_was_told_is_hearsay(case: Case) -> None:
    case.connect().send(LINE)
    assert told_by_proxy_protocol(case.inner[0].transport)


def test_whoever_speaks_for_itself_keeps_its_address_but_is_hearsay_too(case: Case) -> None:
    case.connect().send(b"PROXY UNKNOWN\r\n")
    (inner,) = case.inner
    transport: Any = inner.transport
    assert inner.addr == transport.getPeer() == BALANCER
    assert told_by_proxy_protocol(transport)


@pytest.mark.parametrize("peer", [STRANGER, IPv6Address("TCP", "2001:db8::1", 1), UNIXAddress("/run/a"), None])
def test_from_elsewhere_nothing_is_a_header(case: Case, peer: Any) -> None:
    case.connect(peer).send(LINE)
    (inner,) = case.inner
    assert (inner.addr, inner.heard) == (peer, LINE)
    transport: Any = inner.transport
    assert not told_by_proxy_protocol(transport)
    assert transport.getPeer() == peer


def test_a_balancer_in_ipv6_clothes_is_recognised(case: Case) -> None:
    case.connect(IPv6Address("TCP", "::ffff:10.0.0.5", 33000)).send(LINE)
    assert case.inner[0].heard == b""


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "missing"),
        (b"PROXY TCP4 x\r\n", "malformed"),
        (b"PROXY UNKNOWN " + b"x" * 100, "too_long"),
    ],
)
def test_from_there_a_connection_without_a_good_header_is_refused_and_counted(
    case: Case, data: bytes, reason: str
) -> None:
    connection = case.connect()
    connection.send(data)
    assert connection.ended
    assert (case.inner, case.refused) == ([], {reason: 1})


def test_a_header_that_takes_too_long_is_waited_for_no_more(case: Case) -> None:
    connection = case.connect()
    for byte in LINE[:20]:
        connection.send(bytes((byte,)))
        case.clock.advance(0.6)
        case.factory.expire()
    case.clock.advance(0)
    assert connection.ended
    assert case.refused == {"timeout": 1}


def test_whoever_leaves_before_the_header_is_forgotten(case: Case) -> None:
    connection = case.connect()
    connection.send(LINE[:9])
    connection.close()
    case.clock.advance(60)
    case.factory.expire()
    assert not case.refused


def test_whom_to_believe_may_change(case: Case) -> None:
    case.factory.networks = [ip_network("203.0.113.0/24")]
    case.connect(BALANCER).send(LINE)
    case.connect(STRANGER).send(LINE)
    assert [inner.heard for inner in case.inner] == [LINE, b""]


def test_a_client_that_is_turned_away_behind_the_header_is_closed(case: Case) -> None:
    factory: Any = case.factory.factory
    factory.buildProtocol = lambda addr: None
    connection = case.connect()
    connection.send(LINE + b"GET /")
    assert connection.ended
