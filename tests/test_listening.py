"""Listening on several addresses, or on none."""

from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IProtocolFactory
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from openprequal.listening import ListenFailed, ListeningService, address_text


class Port:
    """A listening port that can be asked whether it still listens."""

    def __init__(self) -> None:
        self.listening = True

    def getHost(self) -> str:
        return "somewhere"

    def stopListening(self) -> None:
        self.listening = False


class Addresses(MemoryReactorClock):
    """A reactor on which port 81 is taken."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[Port] = []
        self.stopped = False

    def listenTCP(self, port: int, *args: Any, **kwargs: Any) -> Port:
        if port == 81:
            raise CannotListenError("", 81, OSError(98, "Address already in use"))
        self.given.append(Port())
        return self.given[-1]

    def stop(self) -> None:
        self.stopped = True


def service(reactor: Addresses, *descriptions: str) -> ListeningService:
    return ListeningService(reactor, descriptions, Factory(), "gateway")


def test_every_address_is_listened_on_from_start_to_stop() -> None:
    reactor = Addresses()
    listening = service(reactor, "tcp:80", "tcp:82")
    listening.startService()
    assert len(listening.ports) == len(reactor.given) == 2
    SynchronousTestCase().successResultOf(listening.stopService())
    assert [port.listening for port in reactor.given] == [False, False]


def test_addresses_are_bound_while_we_are_still_privileged_and_only_once() -> None:
    reactor = Addresses()
    listening = service(reactor, "tcp:80")
    listening.privilegedStartService()
    assert len(reactor.given) == 1
    listening.startService()
    assert len(reactor.given) == 1


def test_an_address_in_use_ends_the_start_with_one_line_and_a_status() -> None:
    reactor = Addresses()
    with pytest.raises(ListenFailed) as caught:
        service(reactor, "tcp:80", "tcp:81").privilegedStartService()
    # The interpreter prints the argument of a SystemExit and exits with status 1 if it is a text.
    assert caught.value.code == "gateway: cannot listen on 'tcp:81': Address already in use"
    assert [port.listening for port in reactor.given] == [False]


@pytest.mark.parametrize("description", ["nonsense:1", "tcp:eighty", "tcp", "", "tcp:80:colour=red"])
def test_what_is_no_endpoint_is_named_in_the_line(description: str) -> None:
    with pytest.raises(ListenFailed, match=f"^gateway: cannot listen on '{description}': no such endpoint"):
        service(Addresses(), description).startService()


def test_twistd_can_clean_up_after_a_failed_start() -> None:
    # It removes its pidfile on an Exception; only a SystemExit ends without a traceback.
    assert issubclass(ListenFailed, Exception)
    assert issubclass(ListenFailed, SystemExit)


class Later:
    """An endpoint that answers when told to."""

    def __init__(self) -> None:
        self.answer: Deferred[Any] = Deferred()

    def listen(self, factory: Factory) -> "Deferred[Any]":
        return self.answer


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    endpoint = Later()
    monkeypatch.setattr("openprequal.listening.serverFromString", lambda reactor, description: endpoint)
    return endpoint


def test_an_endpoint_that_fails_later_stops_the_reactor(later: Later) -> None:
    reactor = Addresses()
    service(reactor, "onion:80").startService()
    assert not reactor.stopped
    later.answer.errback(CannotListenError("", 80, OSError(98, "Address already in use")))
    assert reactor.stopped


def test_an_endpoint_that_answers_later_is_listened_on_until_the_stop(later: Later) -> None:
    reactor, port = Addresses(), Port()
    listening = service(reactor, "onion:80")
    listening.startService()
    later.answer.callback(port)
    SynchronousTestCase().successResultOf(listening.stopService())
    assert not port.listening


def test_an_endpoint_still_waiting_at_the_stop_is_given_up_quietly(later: Later) -> None:
    reactor = Addresses()
    listening = service(reactor, "onion:80")
    listening.startService()
    SynchronousTestCase().successResultOf(listening.stopService())
    assert later.answer.called
    assert not reactor.stopped


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (IPv4Address("TCP", "0.0.0.0", 8000), "0.0.0.0:8000"),
        (IPv6Address("TCP", "::", 8000), "[::]:8000"),
        (UNIXAddress("/run/gateway.sock"), "unix:/run/gateway.sock"),
    ],
)
def test_an_address_is_written_as_people_write_it(address: IAddress, text: str) -> None:
    assert address_text(address) == text


def test_what_goes_before_the_factory_is_asked_for_each_address() -> None:
    reactor, wrapped = MemoryReactorClock(), Factory()

    def layers(description: str, factory: IProtocolFactory) -> tuple[str, IProtocolFactory]:
        inner = description.removeprefix("wrapped:")
        return inner, factory if inner == description else wrapped

    plain = Factory()
    listening = ListeningService(reactor, ["tcp:80", "wrapped:tcp:81"], plain, "gateway", layers=layers)
    listening.startService()
    assert [(port, factory) for port, factory, *_ in reactor.tcpServers] == [(80, plain), (81, wrapped)]
