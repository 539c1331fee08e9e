"""An admin API over a real registry, called through twisted.web's own parser without a socket."""

import json
from collections.abc import Iterable
from random import Random
from typing import NoReturn

from attrs import define, field, frozen
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.web.server import Site

from openprequal.admin.access import AccessRules
from openprequal.admin.operations import Operations
from openprequal.admin.routes import Admin
from openprequal.errors import ConfigurationError
from openprequal.events.recorder import Recorder
from openprequal.events.ring import EventRing
from openprequal.health.monitor import HealthMonitor
from openprequal.hooks.registration import RegistrationHooks
from openprequal.interfaces import RegistryContext
from openprequal.registry.memory import MemoryRegistry
from openprequal.values import Backend, LoadReport

LOOPBACK = IPv4Address("TCP", "127.0.0.1", 40000)
ELSEWHERE = IPv4Address("TCP", "192.0.2.7", 40000)
JSON = (b"Content-Type", b"application/json")
HOST = (b"Host", b"localhost:8000")
TOKEN = "s3cret"


@frozen
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        document = json.loads(self.body)
        assert isinstance(document, dict)
        return document


@define
class InMemoryAdmin:
    """``call`` sends one request and returns the answer, or None while there is none."""

    services: tuple[str, ...] = ("default", "search")
    max_backends: int = 100
    rows: list[dict[str, object]] = field(factory=list)
    unready: str | None = None
    objection: str | None = None
    register_hook: object = None
    unregister_hook: object = None
    trust_loopback: bool = True
    clock: Clock = field(factory=Clock)
    reports: list[tuple[Backend, LoadReport]] = field(factory=list)
    accepted: list[bytes | None] = field(factory=list)
    hook_failures: list[str] = field(factory=list)
    registry: MemoryRegistry = field(init=False)
    events: EventRing = field(factory=lambda: EventRing(lambda: 1_700_000_000.0))

    def __attrs_post_init__(self) -> None:
        self.registry = MemoryRegistry(RegistryContext(self.clock, self.max_backends))

    def connect(self, peer: object = LOOPBACK) -> StringTransportWithDisconnection:
        hooks = RegistrationHooks(self.clock, 1.0, self.hook_failures.append, self.register_hook, self.unregister_hook)
        health = HealthMonitor(self.clock, Random(1), {}, _no_member, rules={})
        operations = Operations(self.services, health, _NoBalancers(), Recorder(self.events))
        admin = Admin(
            registry=self.registry,
            services=self.services,
            access=AccessRules(lambda: [TOKEN], self.trust_loopback),
            hooks=hooks,
            backend_rows=lambda: self.rows,
            ready=lambda: self.unready,
            metrics_page=self._metrics_page,
            heartbeat=lambda backend, report: self.reports.append((backend, report)),
            refuse=lambda backend: self.objection,
            operations=operations,
            events=self.events,
        )
        site = Site(admin.resource(), reactor=self.clock)
        transport = StringTransportWithDisconnection(peerAddress=peer)
        transport.protocol = site.buildProtocol(peer)
        transport.protocol.makeConnection(transport)
        return transport

    def call(
        self,
        method: bytes,
        path: bytes,
        body: bytes | None = None,
        headers: Iterable[tuple[bytes, bytes]] = (HOST, JSON),
        peer: object = LOOPBACK,
    ) -> Answer | None:
        transport = self.connect(peer)
        lines = [b"%s %s HTTP/1.1" % (method, path), *(name + b": " + value for name, value in headers)]
        if body is not None:
            lines.append(b"Content-Length: %d" % len(body))
        transport.protocol.dataReceived(b"\r\n".join([*lines, b"", body or b""]))
        return parse(transport.value())

    def post(self, path: bytes, document: object, **keywords: object) -> Answer:
        answer = self.call(b"POST", path, json.dumps(document).encode(), **keywords)  # type: ignore[arg-type]
        assert answer is not None
        return answer

    def get(self, path: bytes, **keywords: object) -> Answer:
        answer = self.call(b"GET", path, **keywords)  # type: ignore[arg-type]
        assert answer is not None
        return answer

    def _metrics_page(self, accept: bytes | None) -> "Deferred[tuple[str, bytes]]":
        self.accepted.append(accept)
        return succeed(("text/plain; version=0.0.4", b"up 1\n"))


def _no_member(backend: Backend) -> NoReturn:
    raise AssertionError("no backend is followed here")


class _NoBalancers:
    def __call__(self, service: str, balancer: str, parameters: object, by: str) -> NoReturn:
        raise ConfigurationError("there is none here", about=("load_balancer_class",))

    def rows(self) -> list[dict[str, object]]:
        return []


def parse(raw: bytes) -> Answer | None:
    if not raw:
        return None
    head, _, body = raw.partition(b"\r\n\r\n")
    status_line, *lines = head.split(b"\r\n")
    pairs = [line.decode("latin-1").split(": ", 1) for line in lines]
    return Answer(int(status_line.split(b" ")[1]), {name.lower(): value for name, value in pairs}, body)
