"""The whole gateway on a reactor in memory: what clients, operators and backends see of it, without a socket."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.interfaces import IHostnameResolver
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from zope.interface import implementer

from openprequal.assembly import gateway
from openprequal.config.gateway import GatewaySettings
from openprequal.testing.memory_transport import MemoryTransport, RawConnection

HERE = IPv4Address("TCP", "127.0.0.1", 8000)
CALLER = IPv4Address("TCP", "127.0.0.1", 40000)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
UPGRADE = b"GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
STEP_S = 0.05


class FarBackend:
    """A backend that the gateway dials.

    :ivar connections: those it accepted, in order.
    :ivar accepts: None: attempts to connect are left unanswered.
    """

    def __init__(self, number: int) -> None:
        self.host = f"203.0.113.{number + 1}"
        self.url = f"http://{self.host}:8001"
        self.connections: list[RawConnection] = []
        self.accepts: bool | None = True

    def arrived(self, reactor: Any, factory: Any) -> None:
        """Somebody tries to connect."""
        if self.accepts:
            protocol = factory.buildProtocol(None)
            transport = MemoryTransport(reactor, protocol, HERE, IPv4Address("TCP", self.host, 8001))
            self.connections.append(RawConnection(reactor, transport))
            protocol.makeConnection(transport)
        elif self.accepts is False:
            factory.clientConnectionFailed(None, Failure(Refused()))

    def answer_all(self, answer: bytes = OK) -> None:
        """Answer whatever it was asked and has not answered, probes and checks too."""
        for connection in self.connections:
            if connection.news() and connection.ended is None:
                connection.send(answer)


@implementer(IHostnameResolver)
class Names:
    """Resolves each name to the addresses that the test says; at first none has any."""

    def __init__(self) -> None:
        self.addresses: dict[str, list[str]] = {}

    def resolveHostName(self, receiver: Any, name: str, *_: Any, **__: Any) -> None:
        for address in self.addresses.get(name, []):
            receiver.addressResolved(IPv4Address("TCP", address, 0))
        receiver.resolutionComplete()


class WholeGateway:
    """With some backends that are up, and settings to be read again.

    :ivar names: what they resolve to.
    """

    def __init__(self, backends: int | Sequence[str] = 1, **settings: Any) -> None:
        """:param backends: how many, or the service of each."""
        self.reactor = MemoryReactorClock()
        self.names = self.reactor.nameResolver = Names()
        self.settings: Callable[[], GatewaySettings] = lambda: GatewaySettings(listen=("tcp:8000",), **settings)
        self.service: Any = gateway(self.reactor, self.settings(), reread=lambda: self.settings())
        self.service.startService()
        self.site = next(factory for port, factory, *_ in self.reactor.tcpServers if port == 8000)
        tokens = self.settings().token
        self._token = {"Authorization": f"Bearer {tokens[0].get_secret_value()}"} if tokens else {}
        joined = ["default"] * backends if isinstance(backends, int) else backends
        self.backends = [FarBackend(number) for number in range(len(joined))]
        self.stopped: list[object] = []
        for each, service in zip(self.backends, joined, strict=True):
            self.post("/register", {"url": each.url, "service": service}, **self._token)
        self.wait(0.3)
        self.answer_all()
        assert not backends or all(row["up"] for row in self.rows), self.rows

    def client(self, peer: IPv4Address = CALLER) -> RawConnection:
        protocol = self.site.buildProtocol(peer)
        transport = MemoryTransport(self.reactor, protocol, HERE, peer)
        protocol.makeConnection(transport)
        return RawConnection(self.reactor, transport)

    def get(self, path: str = "/x", peer: IPv4Address = CALLER, **fields: str) -> RawConnection:
        """A new client that asks for *path*; :param fields: more header fields, ``_`` for ``-`` in their names."""
        return self._ask(b"GET", path, b"", peer, fields)

    def post(self, path: str, document: object = None, peer: IPv4Address = CALLER, **fields: str) -> tuple[int, Any]:
        """Status and document that posting *document* is answered with."""
        return answer(
            self._ask(
                b"POST", path, json.dumps(document).encode(), peer, {"Content-Type": "application/json", **fields}
            )
        )

    def _ask(
        self, method: bytes, path: str, body: bytes, peer: IPv4Address, fields: Mapping[str, str]
    ) -> RawConnection:
        told = {"Host": "localhost", **{name.replace("_", "-"): value for name, value in fields.items()}}
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items()).encode()
        client = self.client(peer)
        length = b"Content-Length: %d\r\n" % len(body) if body else b""
        client.send(b"%b %b HTTP/1.1\r\n%b%b\r\n%b" % (method, path.encode(), head, length, body))
        self.wait(0)
        return client

    def reload(self, **settings: Any) -> tuple[int, Any]:
        """Read *settings* now."""
        self.settings = lambda: GatewaySettings(**{"listen": ("tcp:8000",), **settings})
        return self.post("/_openprequal/reload")

    def stop(self) -> None:
        """As on SIGTERM; :attr:`stopped` fills when it is done."""
        self.service.stopService().addCallback(self.stopped.append)

    def end(self) -> None:
        """Stop it, however long that takes."""
        self.stop()
        self.wait(12)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What ``/backends`` shows."""
        rows: list[dict[str, Any]] = answer(self.get("/backends", **self._token))[1]["backends"]
        return rows

    @property
    def row(self) -> dict[str, Any]:
        """The same of the only backend."""
        (row,) = self.rows
        return row

    @property
    def backend(self) -> RawConnection:
        """The latest connection to the first backend."""
        return self.backends[0].connections[-1]

    def answer_all(self) -> None:
        """The backends answer whatever they were asked and have not answered."""
        for _ in range(3):
            for each in self.backends:
                each.answer_all()
            self.wait(0)

    def wait(self, seconds: float) -> None:
        """Let time go by."""
        for _ in range(int(seconds / STEP_S)):
            self.reactor.advance(STEP_S)
            self._connect()
        self.reactor.advance(0)
        self._connect()
        self.reactor.advance(0)

    def _connect(self) -> None:
        while self.reactor.tcpClients:
            host, _, factory, timeout_s, _ = self.reactor.tcpClients.pop(0)
            if factory._onConnection.called:
                continue  # it was given up
            (far,) = [each for each in self.backends if each.host == host]
            if far.accepts is None:
                self.reactor.callLater(timeout_s, _timed_out, factory)
            far.arrived(self.reactor, factory)


Start = Callable[..., WholeGateway]
"""Starts one, like :class:`WholeGateway`."""


def _timed_out(factory: Any) -> None:
    from twisted.internet.error import TimeoutError as ConnectTimedOut

    if not factory._onConnection.called:  # it was given up
        factory.clientConnectionFailed(None, Failure(ConnectTimedOut()))


def answer(client: RawConnection) -> tuple[int, Any]:
    """Status and JSON document of the first response."""
    head, _, body = client.received.partition(b"\r\n\r\n")
    return int(head[9:12]), json.loads(body)


def status(client: RawConnection) -> int:
    """Status of the first response; 0: there is none."""
    return int(client.received[9:12] or 0)
