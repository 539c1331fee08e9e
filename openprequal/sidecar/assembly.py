"""Assembly of the sidecar: settings in, one service out that stands before the upstream and speaks for it."""

import time
from collections import Counter
from typing import Any, Final

from prometheus_client import CollectorRegistry
from twisted.application.service import IService

from openprequal.agent.gateways import Gateways
from openprequal.agent.heartbeat import HttpClient
from openprequal.agent.load import LoadTracker
from openprequal.agent.registration import gateways_of
from openprequal.clocks import Periodic
from openprequal.config.agent import AgentSettings
from openprequal.forwarding.downstream import ClientExchange, Downstream
from openprequal.forwarding.http_date import HttpDate
from openprequal.frontend.gateway_site import GatewaySite
from openprequal.frontend.limits import Limits
from openprequal.http1.request import RequestHead
from openprequal.listening import ListeningService
from openprequal.metrics.families import AgentMetrics, AgentSample
from openprequal.routing.member import Member
from openprequal.routing.service import Service
from openprequal.sidecar.counted_exchange import CountedExchange, Counting
from openprequal.sidecar.lifecycle import Parts, Sidecar
from openprequal.sidecar.own_answers import OwnAnswer, own_paths
from openprequal.sidecar.readiness import Readiness
from openprequal.sidecar.upstream import member_of, route_to, service_of
from openprequal.values import Backend, Ending, Outcome

MAX_CONNECTIONS: Final = 20_000


def sidecar(reactor: Any, settings: AgentSettings, *, http: HttpClient | None = None) -> IService:
    """The sidecar before ``settings.upstream`` as a service.

    :param http: how gateways are talked to; None: over the network.
    :raises ListenFailed: (from its start) an address cannot be listened on.
    """
    assert settings.upstream is not None
    tracker = LoadTracker(reactor, settings.latency_window_seconds)
    gateways = gateways_of(reactor, settings, tracker, http)
    member = member_of(reactor, Backend(settings.upstream), settings.latency_window_seconds)
    service = service_of(member)
    metrics = CollectorRegistry()
    AgentMetrics(metrics, lambda: _sample(tracker, service, gateways))
    front = _front(reactor, settings, tracker, service, metrics)
    readiness = Readiness(
        reactor,
        member.connections,
        lambda ready: whole.upstream_is(ready),
        lambda: member.answered_at,
        path=settings.upstream_health_path,
        authority=member.backend.authority,
        timeout_s=settings.upstream_check_timeout_seconds,
    )

    def failed(member: Member, outcome: Outcome) -> None:
        if outcome.ending is Ending.CONNECT_FAILED:
            readiness.refused()

    service.failed = failed
    periodics = [
        Periodic(reactor, settings.upstream_check_seconds, readiness.look, "upstream checks"),
        Periodic(reactor, 0.5, front.expire, "client time-outs"),
        Periodic(reactor, 0.25, lambda: member.connections.expire(reactor.seconds()), "idle connections"),
        Periodic(reactor, 30.0, member.addresses.refresh, "name of the upstream"),
    ]
    listening = ListeningService(reactor, settings.endpoints, front, settings.shown_name)
    parts = Parts(
        reactor, tracker, listening, gateways, front, member.connections, readiness, member.addresses, periodics
    )
    whole = Sidecar(parts, settings.shutdown_grace_seconds)
    return whole


def _front(
    reactor: Any, settings: AgentSettings, tracker: LoadTracker, service: Service, metrics: CollectorRegistry
) -> GatewaySite:
    """Where requests come in: a few are answered here, all others are counted and passed on."""
    date = HttpDate(time.time)
    counting = Counting(route_to(reactor, service, date), tracker, settings.report_formats)
    own = own_paths(settings.backend_health_path, tracker, settings.report_formats, metrics)

    def exchange(client: Downstream, head: RequestHead) -> ClientExchange:
        content = own.get(head.path)
        if content is not None:
            return OwnAnswer(client, head, date(), reactor.seconds(), content)
        return CountedExchange(counting, client, head)

    return GatewaySite(
        exchange,
        None,
        Limits(),
        now=reactor.seconds,
        date=date,
        refused=lambda status: None,
        max_connections=MAX_CONNECTIONS,
    )


def _sample(tracker: LoadTracker, service: Service, gateways: Gateways | None) -> AgentSample:
    codes: Counter[int] = Counter()
    for (_, code), count in service.tally.counts().items():
        codes[int(code)] += count
    load = tracker.report()
    counts = gateways.counts if gateways is not None else {}
    return AgentSample(codes, load.rif or 0.0, load.latency_s, tracker.average_latency_s, counts)
