"""Which gateways are told: those named, and all behind a name, as its addresses come and go."""

from random import Random
from typing import Any

from treq.testing import StubTreq
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import Request

from openprequal.agent.behind_name import MISSES, RESOLVE_S
from openprequal.agent.gateways import Gateways
from openprequal.agent.heartbeat import Heartbeat, Registration
from openprequal.values import LoadReport

NAME = "dns+http://gateways.test:8000"


class _Taken(Resource):
    isLeaf = True

    def render(self, request: Request) -> bytes:
        return b"{}"


class World:
    """Names, and gateways that take everything and note what they are told."""

    def __init__(self, *proxy_urls: str) -> None:
        self.clock = Clock()
        self.hosts: list[str] = ["192.0.2.1", "192.0.2.2"]
        self.asked: list[str] = []
        self.told: list[str] = []
        self.silent = False
        self._stub = StubTreq(_Taken())
        self.gateways = Gateways(self.clock, self, proxy_urls, self._heartbeat_to)  # type: ignore[arg-type]

    def resolveHostName(self, receiver: Any, name: str, *rest: Any) -> None:
        self.asked.append(name)
        for host in self.hosts:
            receiver.addressResolved(IPv6Address("TCP", host, 0) if ":" in host else IPv4Address("TCP", host, 0))
        receiver.resolutionComplete()

    def post(self, url: str, /, **kwargs: Any) -> "Deferred[Any]":
        self.told.append(url)
        if self.silent:
            return Deferred()
        answer: Deferred[Any] = self._stub.post(url, **kwargs)
        return answer

    def news(self) -> list[str]:
        told, self.told = self.told, []
        return told

    def _heartbeat_to(self, url: str) -> Heartbeat:
        registration = Registration("default", 1.0, "/healthz", 30.0)
        return Heartbeat(
            self.clock, self, Random(1), url, registration, lambda: succeed("http://me:1"), lambda: LoadReport(0, None)
        )


def test_every_gateway_that_is_named_is_told_at_once() -> None:
    world = World("http://a.test:8000", "https://b.test")
    world.gateways.startService()
    assert world.news() == ["http://a.test:8000/register", "https://b.test/register"]
    assert world.asked == []


def test_every_gateway_behind_a_name_is_told_at_once() -> None:
    world = World(NAME)
    world.hosts.append("2001:db8::1")
    world.gateways.startService()
    assert sorted(world.news()) == [
        "http://192.0.2.1:8000/register",
        "http://192.0.2.2:8000/register",
        "http://[2001:db8::1]:8000/register",
    ]
    assert world.asked == ["gateways.test"]


def test_a_gateway_that_is_new_behind_the_name_is_told() -> None:
    world = World(NAME)
    world.gateways.startService()
    world.news()
    world.hosts.append("192.0.2.3")
    world.clock.advance(RESOLVE_S)
    assert "http://192.0.2.3:8000/register" in world.news()


def test_an_address_that_has_left_the_name_for_good_is_unregistered_from() -> None:
    world = World(NAME)
    world.gateways.startService()
    world.hosts.remove("192.0.2.2")
    for _ in range(MISSES - 1):
        world.clock.advance(RESOLVE_S)
    assert "http://192.0.2.2:8000/unregister" not in world.news()
    world.clock.advance(RESOLVE_S)
    assert world.news().count("http://192.0.2.2:8000/unregister") == 1
    world.clock.advance(100)
    assert not [url for url in world.news() if "192.0.2.2" in url]


def test_an_address_that_is_missing_now_and_then_stays() -> None:
    world = World(NAME)
    world.gateways.startService()
    for _ in range(2 * MISSES):
        world.hosts.remove("192.0.2.2")
        world.clock.advance(RESOLVE_S)
        world.hosts.append("192.0.2.2")
        world.clock.advance(RESOLVE_S)
    assert "http://192.0.2.2:8000/unregister" not in world.news()


def test_a_name_that_does_not_resolve_changes_nothing() -> None:
    world = World(NAME)
    world.gateways.startService()
    world.news()
    world.hosts.clear()
    for _ in range(2 * MISSES):
        world.clock.advance(RESOLVE_S)
    assert not [url for url in world.news() if url.endswith("/unregister")]


def test_a_name_that_resolves_later_is_told_then() -> None:
    world = World(NAME)
    hosts, world.hosts = world.hosts, []
    world.gateways.startService()
    assert world.news() == []
    world.hosts = hosts
    world.clock.advance(RESOLVE_S)
    assert len(world.news()) == 2


def test_a_stop_unregisters_everywhere_and_asks_no_name_again() -> None:
    world = World("http://a.test:8000", NAME)
    world.gateways.startService()
    world.news()
    world.silent = True
    stopping = world.gateways.stopService()
    assert sorted(world.news()) == [
        "http://192.0.2.1:8000/unregister",
        "http://192.0.2.2:8000/unregister",
        "http://a.test:8000/unregister",
    ]
    SynchronousTestCase().assertNoResult(stopping)
    world.clock.advance(5)
    SynchronousTestCase().successResultOf(stopping)
    assert (len(world.asked), world.clock.getDelayedCalls()) == (1, [])


def test_counts_are_those_of_all_gateways_gone_ones_included() -> None:
    world = World(NAME)
    world.silent = True
    world.gateways.startService()
    world.clock.advance(6)  # nobody answers in time
    assert world.gateways.counts["failed"] == 2
    world.hosts.remove("192.0.2.2")
    before = world.gateways.counts["failed"]
    for _ in range(MISSES):
        world.clock.advance(RESOLVE_S)
        assert world.gateways.counts["failed"] >= before
        before = world.gateways.counts["failed"]
