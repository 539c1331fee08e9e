"""Connections that begin by naming a client serve that client only."""

from typing import Literal

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock

from openprequal.http1.origin import Origin
from openprequal.testing.network import RawBackend
from openprequal.upstream.connection import UpstreamConnection
from openprequal.upstream.one_client import OneClientConnections

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


def origin(number: int) -> Origin:
    here = IPv4Address("TCP", "198.51.100.1", 80)
    return Origin(source=IPv4Address("TCP", f"192.0.2.{number}", 5000), destination=here)


class Receiver:
    """Takes a response and does nothing with it."""

    def __getattr__(self, name: str) -> object:
        return lambda *_: None


class Case:
    """Connections to one raw backend."""

    def __init__(self, version: Literal["v1", "v2"] = "v1", max_idle: int = 4) -> None:
        self.clock = Clock()
        self.backend = RawBackend(self.clock, 0, 2.0)
        self.connections = OneClientConnections(
            self.backend.dial, self.clock, max_idle=max_idle, idle_timeout_s=30.0, version=version
        )

    def ask(self, of: Origin | None) -> None:
        """One request, answered."""
        made: list[UpstreamConnection] = []
        taken = self.connections.take(of)
        if taken is None:
            self.connections.connect(made.append, made.append, of)  # type: ignore[arg-type]
            self.clock.advance(0)
            (taken,) = made
        taken.begin(Receiver(), b"GET")  # type: ignore[arg-type]
        taken.send(b"GET")
        taken.dataReceived(OK)
        self.connections.give_back(taken)


@pytest.fixture
def case() -> Case:
    return Case()


def test_each_client_has_connections_of_its_own(case: Case) -> None:
    one, two = origin(1), origin(2)
    for asking in (one, two, one, two, one):
        case.ask(asking)
    first, second = case.backend.connections
    assert first.received == b"PROXY TCP4 192.0.2.1 198.51.100.1 5000 80\r\n" + b"GET" * 3
    assert second.received == b"PROXY TCP4 192.0.2.2 198.51.100.1 5000 80\r\n" + b"GET" * 2


def test_requests_of_our_own_share_theirs(case: Case) -> None:
    case.ask(None)
    case.ask(origin(1))
    case.ask(None)
    assert [each.received[:15] for each in case.backend.connections] == [b"PROXY UNKNOWN\r\n", b"PROXY TCP4 192."]


def test_version_2_says_the_same_in_binary() -> None:
    case = Case("v2")
    case.ask(None)
    assert case.backend.connections[0].received == b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00GET"


def test_when_too_many_are_idle_the_oldest_makes_room() -> None:
    case = Case(max_idle=2)
    clients = [origin(number) for number in range(3)]
    for each in clients:
        case.ask(each)
    case.clock.advance(0)
    assert [connection.ended is None for connection in case.backend.connections] == [False, True, True]
    assert case.connections.take(clients[2]) is not None
