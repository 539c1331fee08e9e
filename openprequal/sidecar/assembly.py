"""Assembly of the sidecar: settings in, one service out that stands before the upstream and speaks for it."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from ipaddress import ip_network
from random import Random
from typing import Any, Final

from attrs import frozen
from prometheus_client import CollectorRegistry
from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred

from openprequal.agent.gateways import Gateways
from openprequal.agent.heartbeat import HttpClient
from openprequal.agent.leaving import leave
from openprequal.agent.load import LoadTracker
from openprequal.agent.registration import gateways_of
from openprequal.agent.report_format import health_body, report_fields
from openprequal.clocks import Periodic
from openprequal.config.agent import AgentSettings
from openprequal.forwarding.downstream import Downstream
from openprequal.forwarding.forwarder import Forwarder, Timeouts
from openprequal.forwarding.http_date import HttpDate
from openprequal.forwarding.request_head import RequestRules
from openprequal.forwarding.request_ids import RequestIds
from openprequal.forwarding.response_head import ResponseRules
from openprequal.frontend.client_connection import ClientExchange
from openprequal.frontend.gateway_site import GatewaySite
from openprequal.frontend.limits import Limits
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead
from openprequal.listening import ListeningService
from openprequal.metrics.families import AgentMetrics, AgentSample
from openprequal.metrics.window import WindowAverage
from openprequal.probing.report_reader import ReportReader
from openprequal.routing.member import Member
from openprequal.routing.router import Router
from openprequal.routing.service import Service
from openprequal.sidecar.counted_exchange import CountedExchange, Counting
from openprequal.sidecar.only_upstream import OnlyUpstream
from openprequal.sidecar.own_answers import Content, OwnAnswer, own_paths
from openprequal.sidecar.readiness import Readiness
from openprequal.upstream.addresses import Addresses
from openprequal.upstream.connections import Connections
from openprequal.upstream.dialing import dialer
from openprequal.values import Backend, LoadState, ReportFormat

CONNECT_TIMEOUT_S: Final = 2.0
UPSTREAM_IDLE_S: Final = 1.5
"""gunicorn closes an idle connection after 2 s, Node and uvicorn after 5; one that we closed before cannot break a
request that may not be sent twice."""
MAX_IDLE: Final = 512
MAX_CONNECTIONS: Final = 20_000
LEAK_S: Final = 3600.0
"""Time-outs are the gateway's to have, and it ends a request by closing its connection. This bounds what a gateway that
vanished without a word leaves behind."""
EVERYBODY: Final = (ip_network("0.0.0.0/0"), ip_network("::/0"))
"""Whose X-Forwarded-* are passed on and added to: whoever reaches us could have reached the service, and told it so."""


def sidecar(reactor: Any, settings: AgentSettings, *, http: HttpClient | None = None) -> IService:
    """The sidecar before ``settings.upstream`` as a service.

    :param http: how gateways are talked to; None: over the network.
    :raises ListenFailed: (from its start) an address cannot be listened on.
    """
    assert settings.upstream is not None
    upstream = Backend(settings.upstream)
    rng = Random()
    tracker = LoadTracker(reactor, settings.latency_window_seconds)
    tracker.state = LoadState.DRAINING  # until the upstream has been seen
    gateways = gateways_of(reactor, settings, tracker, http)

    # The way of a request: the gateway's, with one service of one member.
    addresses = Addresses(reactor.nameResolver, upstream.host)
    connections = Connections(
        dialer(reactor, upstream, upstream.port, addresses.known, CONNECT_TIMEOUT_S),
        reactor,
        max_idle=MAX_IDLE,
        idle_timeout_s=UPSTREAM_IDLE_S,
    )
    member = Member(upstream, connections, connections, addresses, WindowAverage(settings.latency_window_seconds))
    service = Service("upstream", OnlyUpstream(), reports=ReportReader(ReportFormat.NONE))
    service.add(member)
    service.up(upstream)
    date = HttpDate(time.time)
    forwarder = _forwarder(reactor, rng, service, date)
    counting = Counting(forwarder, tracker, settings.report_formats)

    # What it answers itself.
    def health() -> Content:
        report = tracker.report()
        fields = [Field(b"Content-Type", b"application/json")]
        fields += [Field(*field) for field in report_fields(report, settings.report_formats)]
        return 503 if tracker.draining else 200, fields, health_body(report)

    metrics = CollectorRegistry()
    own = own_paths(
        settings.backend_health_path,
        health,
        metrics,
        prequal_rs=ReportFormat.PREQUAL_RS in settings.report_formats,
    )

    def exchange(client: Downstream, head: RequestHead) -> ClientExchange:
        content = own.get(head.path)
        if content is not None:
            return OwnAnswer(client, head, date(), reactor.seconds(), content)
        return CountedExchange(counting, client, head)

    front = GatewaySite(
        exchange,
        None,
        Limits(),
        now=reactor.seconds,
        date=date,
        refused=lambda status: None,
        max_connections=MAX_CONNECTIONS,
    )

    def sample() -> AgentSample:
        codes: Counter[int] = Counter()
        for (_, code), count in service.tally.counts().items():
            codes[int(code)] += count
        load = tracker.report()
        counts = gateways.counts if gateways is not None else {}
        return AgentSample(codes, load.rif or 0.0, load.latency_s, tracker.average_latency_s, counts)

    AgentMetrics(metrics, sample)

    # Whether the upstream is there.
    readiness = Readiness(
        reactor,
        connections,
        lambda ready: whole.upstream_is(ready),
        lambda: member.answered_at,
        path=settings.upstream_health_path,
        authority=upstream.authority,
        timeout_s=settings.upstream_check_timeout_seconds,
    )
    service.connect_failed = lambda backend: readiness.refused()

    # What happens again and again.
    periodics = [
        Periodic(reactor, settings.upstream_check_seconds, readiness.look, "upstream checks"),
        Periodic(reactor, 0.5, front.expire, "client time-outs"),
        Periodic(reactor, 0.25, lambda: connections.expire(reactor.seconds()), "idle connections"),
        Periodic(reactor, 30.0, addresses.refresh, "name of the upstream"),
    ]
    listening = ListeningService(reactor, settings.endpoints, front, settings.shown_name)
    whole = Sidecar(
        Parts(reactor, tracker, listening, gateways, front, connections, readiness, addresses, periodics),
        settings.shutdown_grace_seconds,
    )
    return whole


def _forwarder(reactor: Any, rng: Random, service: Service, date: Callable[[], Field]) -> Forwarder:
    pseudonym = f"openprequal-sidecar-{rng.getrandbits(48):012x}".encode("ascii")
    return Forwarder(
        now=reactor.seconds,
        route=Router(service).route,
        request_rules=RequestRules(
            pseudonym=pseudonym,
            request_ids=RequestIds(rng),
            trusted_proxies=EVERYBODY,
        ),
        response_rules=ResponseRules(via=Field(b"Via", b"1.1 " + pseudonym), date=date),
        timeouts=Timeouts(response_s=LEAK_S, stall_s=LEAK_S, connect_s=CONNECT_TIMEOUT_S),
    )


@frozen
class Parts:
    """What is started, watched and stopped together."""

    clock: Any
    tracker: LoadTracker
    listening: ListeningService
    gateways: Gateways | None
    front: GatewaySite
    connections: Connections
    readiness: Readiness
    addresses: Addresses
    periodics: Sequence[Periodic]


class Sidecar(MultiService):
    """Listens at once, registers when the upstream is there, says that it drains while it is not; leaves in order."""

    def __init__(self, parts: Parts, grace_s: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._parts = parts
        self._grace_s = grace_s
        self._leaving = False
        self.addService(parts.listening)  # type: ignore[no-untyped-call]

    def startService(self) -> None:
        super().startService()  # type: ignore[no-untyped-call]
        for periodic in self._parts.periodics:
            periodic.start()
        self._parts.addresses.refresh().addCallback(lambda _: self._parts.readiness.look())

    def upstream_is(self, ready: bool) -> None:
        """The upstream has come, or gone: gateways hear it at once."""
        gateways = self._parts.gateways
        if self._leaving:
            return
        self._parts.tracker.state = LoadState.READY if ready else LoadState.DRAINING
        if gateways is None:
            return
        if gateways.running:
            gateways.beat_now()
        elif ready:
            gateways.startService()

    def stopService(self) -> "Deferred[None]":
        """Drain, unregister, answer what is in flight (within the grace), close everything."""
        self._leaving = True
        return Deferred.fromCoroutine(self._leave())

    async def _leave(self) -> None:
        parts = self._parts
        await leave(parts.clock, parts.tracker, parts.gateways, self._grace_s)
        parts.front.drain()
        await parts.listening.stopService()
        parts.front.shut_down()
        parts.readiness.stop()
        for periodic in parts.periodics:
            periodic.stop()
        parts.connections.abort()
        self.running = False
