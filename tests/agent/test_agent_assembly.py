"""The backend as one service: the order in which it comes and goes."""

from typing import Any

from treq.testing import StubTreq
from twisted.application.service import IService
from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import Request

from openprequal.agent.assembly import backend
from openprequal.agent.leaving import LAST_REQUESTS_S
from openprequal.config.agent import AgentSettings


class Gateway(Resource):
    """Takes every registration, and notes its path and how many ports were listened on then."""

    isLeaf = True

    def __init__(self, reactor: MemoryReactorClock) -> None:
        super().__init__()
        self.heard: list[tuple[str, str, int]] = []
        self.told: list[Any] = []
        self._reactor = reactor
        self._stub = StubTreq(self)

    def post(self, url: str, /, **kwargs: Any) -> "Deferred[Any]":
        self.told.append(kwargs["json"])
        answer: Deferred[Any] = self._stub.post(url, **kwargs)
        return answer

    def render(self, request: Request) -> bytes:
        host = request.getHeader("host")
        self.heard.append((host, request.path.decode(), len(self._reactor.tcpServers)))
        return b"{}"


class Running:
    """A backend started on a reactor in memory."""

    def __init__(self, **settings: Any) -> None:
        self.reactor = MemoryReactorClock()
        self.gateway = Gateway(self.reactor)
        told: dict[str, Any] = {"listen": ("tcp:8001",), "work_seconds": 2.0, **settings}
        self.service: IService = backend(self.reactor, AgentSettings(**told), http=self.gateway)
        self.service.privilegedStartService()
        self.service.startService()

    def request(self, path: bytes = b"/") -> StringTransport:
        channel = self.reactor.tcpServers[0][1].buildProtocol(None)
        transport = StringTransport()
        channel.makeConnection(transport)
        channel.dataReceived(b"GET " + path + b" HTTP/1.1\r\nHost: b\r\n\r\n")
        return transport

    def paths(self) -> list[str]:
        return [path for _, path, _ in self.gateway.heard]


def test_a_backend_listens_before_it_registers() -> None:
    assert Running().gateway.heard == [("localhost:8000", "/register", 1)]


def test_a_backend_registers_with_every_gateway() -> None:
    running = Running(proxy_url=("http://localhost:8000", "http://127.0.0.1:9000"))
    assert [host for host, *_ in running.gateway.heard] == ["localhost:8000", "127.0.0.1:9000"]


def test_a_backend_tells_its_priority_and_zone() -> None:
    (told,) = Running(priority=2, zone="eu-1").gateway.told
    assert (told["priority"], told["zone"]) == (2, "eu-1")


def test_a_backend_told_not_to_does_not_register() -> None:
    running = Running(register=False)
    running.reactor.advance(100)
    assert running.gateway.heard == []


def test_a_backend_works_as_long_as_told() -> None:
    running = Running(name="left")
    transport = running.request()
    running.reactor.advance(1.9)
    assert transport.value() == b""
    running.reactor.advance(0.1)
    assert transport.value().endswith(b"left GET /\n")


def test_its_metrics_tell_requests_and_heartbeats() -> None:
    text = Running().request(b"/metrics").value()
    assert b'openprequal_agent_heartbeats_total{result="accepted"} 1.0\n' in text
    assert b"openprequal_agent_rif 0.0\n" in text


def test_a_stopping_backend_unregisters_at_once_and_finishes_what_is_in_flight() -> None:
    running = Running()
    transport = running.request()
    stopping = running.service.stopService()
    assert running.paths() == ["/register", "/unregister"]
    assert b"503" in running.request(b"/healthz").value().splitlines()[0]
    SynchronousTestCase().assertNoResult(stopping)
    running.reactor.advance(2)
    running.reactor.advance(0)
    SynchronousTestCase().successResultOf(stopping)
    assert transport.value().startswith(b"HTTP/1.1 200")


def test_a_stopping_backend_does_not_wait_for_ever() -> None:
    running = Running(work_seconds=1000.0)
    running.request()
    stopping = running.service.stopService()
    running.reactor.advance(LAST_REQUESTS_S)
    running.reactor.advance(5.0)
    running.reactor.advance(0)
    SynchronousTestCase().successResultOf(stopping)
    assert not running.service.running
