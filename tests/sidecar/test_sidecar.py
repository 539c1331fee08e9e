"""The sidecar as one service, in memory: when it registers, what it answers itself, how it leaves."""

import json
from typing import Any

from treq.testing import StubTreq
from twisted.application.service import IService
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import Request

from openprequal.agent.leaving import LAST_REQUESTS_S
from openprequal.config.agent import AgentSettings
from openprequal.sidecar.assembly import sidecar

GATEWAY_HOST = "192.0.2.7"


class Gateway(Resource):
    """Takes every registration, and notes (path, state) of each."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[str, str | None]] = []
        self._stub = StubTreq(self)

    def post(self, url: str, /, **kwargs: Any) -> "Deferred[Any]":
        answer: Deferred[Any] = self._stub.post(url, **kwargs)
        return answer

    def render(self, request: Request) -> bytes:
        body = json.loads(request.content.read())
        self.heard.append((request.path.decode(), body.get("load", {}).get("state")))
        return b"{}"


class Transport(StringTransport):
    """Can do all that a TCP transport can, and remembers that it was closed."""

    def abortConnection(self) -> None:
        self.loseConnection()

    def loseWriteConnection(self) -> None:
        self.loseConnection()

    def unregisterProducer(self) -> None:
        self.producer = None


class Running:
    """A sidecar started on a reactor in memory, before an upstream that is there or not."""

    def __init__(self, **settings: Any) -> None:
        self.reactor = MemoryReactorClock()
        self.gateway = Gateway()
        self.there = False
        self.upstreams: list[tuple[Any, Transport]] = []
        self._dialled = 0
        told: dict[str, Any] = {"listen": ("tcp:8001",), "upstream": "http://127.0.0.1:5000", **settings}
        self.service: IService = sidecar(self.reactor, AgentSettings(**told), http=self.gateway)
        self.service.privilegedStartService()
        self.service.startService()
        self.connect()

    def connect(self) -> None:
        """What was dialled is connected, or refused."""
        while self._dialled < len(self.reactor.tcpClients):
            host, port, factory, *_ = self.reactor.tcpClients[self._dialled]
            self._dialled += 1
            assert (host, port) == ("127.0.0.1", 5000)
            if not self.there:
                factory.clientConnectionFailed(
                    self.reactor.connectors[self._dialled - 1], Failure(ConnectionRefusedError())
                )
                continue
            protocol = factory.buildProtocol(IPv4Address("TCP", host, port))
            transport = Transport()
            protocol.makeConnection(transport)
            self.upstreams.append((protocol, transport))

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds * 4)):
            self.reactor.advance(0.25)
            self.connect()

    def ask(self, path: bytes = b"/", *lines: bytes) -> Transport:
        connection = self.reactor.tcpServers[0][1].buildProtocol(IPv4Address("TCP", GATEWAY_HOST, 4000))
        transport = Transport(peerAddress=IPv4Address("TCP", GATEWAY_HOST, 4000))
        connection.makeConnection(transport)
        connection.dataReceived(b"\r\n".join([b"GET " + path + b" HTTP/1.1", b"Host: a", *lines, b"", b""]))
        self.connect()
        return transport

    def answer(self, data: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") -> None:
        self.upstreams[-1][0].dataReceived(data)


def ready(**settings: Any) -> Running:
    running = Running(**settings)
    running.there = True
    running.wait(1)
    return running


def test_nobody_is_told_before_the_upstream_is_there_and_then_at_once() -> None:
    running = Running()
    running.wait(30)
    assert running.gateway.heard == []
    running.there = True
    running.wait(1)
    assert running.gateway.heard == [("/register", "ready")]


def test_health_and_load_are_answered_without_the_upstream() -> None:
    running = Running()
    assert running.ask(b"/healthz").value().startswith(b"HTTP/1.1 503")
    running.there = True
    running.wait(1)
    answer = running.ask(b"/healthz").value()
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"\r\nOpenPrequal-Load: rif=0, state=ready\r\n" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["state"] == "ready"


def test_a_client_of_prequal_rs_is_answered_where_it_asks_unless_that_format_is_not_written() -> None:
    assert b"\r\nx-prequal-rif: 0\r\n" in ready().ask(b"/prequal/probe").value()
    other = ready(report_formats=("openprequal",))
    assert other.ask(b"/prequal/probe").value() == b""
    assert b"GET /prequal/probe" in other.upstreams[-1][1].value()


def test_a_gateway_hears_at_once_that_the_upstream_is_gone_and_that_it_is_back() -> None:
    running = ready()
    running.there = False
    running.wait(1)
    assert running.gateway.heard == [("/register", "ready"), ("/register", "draining")]
    running.there = True
    running.wait(1)
    assert running.gateway.heard[2:] == [("/register", "ready")]


def test_a_refused_request_tells_the_gateway_without_waiting_for_the_next_look() -> None:
    running = ready()
    running.there = False
    assert running.ask().value().startswith(b"HTTP/1.1 502")
    assert running.gateway.heard[-1] == ("/register", "draining")


def test_who_the_client_is_passes_on_with_the_gateway_added() -> None:
    running = ready()
    running.ask(b"/", b"X-Forwarded-For: 203.0.113.9", b"X-Forwarded-Proto: https")
    sent = running.upstreams[-1][1].value()
    assert b"\r\nX-Forwarded-For: 203.0.113.9, 192.0.2.7\r\n" in sent
    assert b"\r\nX-Forwarded-Proto: https\r\n" in sent


def test_metrics_are_under_a_path_of_our_own() -> None:
    running = ready()
    transport = running.ask()
    running.answer()
    assert transport.value().endswith(b"ok")
    metrics = running.ask(b"/_openprequal/metrics").value()
    assert b'openprequal_agent_requests_total{code="200"} 1.0\n' in metrics
    assert b'openprequal_agent_heartbeats_total{result="accepted"} 1.0\n' in metrics


def test_a_stopping_sidecar_unregisters_at_once_and_finishes_what_is_in_flight() -> None:
    running = ready()
    transport = running.ask()
    stopping = running.service.stopService()
    assert running.gateway.heard[-1] == ("/unregister", None)
    assert running.ask(b"/healthz").value().startswith(b"HTTP/1.1 503")
    SynchronousTestCase().assertNoResult(stopping)
    running.answer()
    running.wait(LAST_REQUESTS_S + 0.25)
    SynchronousTestCase().successResultOf(stopping)
    assert transport.value().endswith(b"ok")
    assert running.reactor.getDelayedCalls() == []


def test_a_request_that_was_sent_before_the_gateway_heard_is_still_answered() -> None:
    running = ready()
    stopping = running.service.stopService()
    late = running.ask()
    running.wait(LAST_REQUESTS_S)
    running.answer()
    assert late.value().endswith(b"ok")
    running.wait(0.25)
    SynchronousTestCase().successResultOf(stopping)


def test_a_stopping_sidecar_does_not_wait_for_ever() -> None:
    running = ready(shutdown_grace_seconds=3)
    running.ask()
    stopping = running.service.stopService()
    running.wait(3.5)
    SynchronousTestCase().successResultOf(stopping)


def test_a_sidecar_that_never_registered_unregisters_nowhere() -> None:
    running = Running()
    stopping = running.service.stopService()
    running.wait(0.25)
    SynchronousTestCase().successResultOf(stopping)
    assert running.gateway.heard == []


def test_a_sidecar_told_not_to_does_not_register() -> None:
    running = ready(register=False)
    assert running.gateway.heard == []
    assert running.ask(b"/healthz").value().startswith(b"HTTP/1.1 200")
