"""The one upstream, as the gateway's way of a request wants to see it: a service with one member."""

from collections.abc import Callable
from ipaddress import ip_network
from random import Random
from typing import Any, Final

from openprequal.forwarding.request_head import RequestRules
from openprequal.forwarding.request_ids import RequestIds
from openprequal.forwarding.response_head import ResponseRules
from openprequal.forwarding.route import Route, Timeouts
from openprequal.http1.fields import Field
from openprequal.metrics.window import WindowAverage
from openprequal.probing.report_reader import ReportReader
from openprequal.routing.member import Member
from openprequal.routing.service import Service
from openprequal.sidecar.only_upstream import OnlyUpstream
from openprequal.upstream.addresses import Addresses
from openprequal.upstream.connections import Connections
from openprequal.upstream.dialing import dialer
from openprequal.values import Backend, ReportFormat

CONNECT_TIMEOUT_S: Final = 2.0
IDLE_S: Final = 1.5
"""gunicorn closes an idle connection after 2 s, Node and uvicorn after 5; one that we closed before cannot break a
request that may not be sent twice."""
MAX_IDLE: Final = 512
LEAK_S: Final = 3600.0
"""Time-outs are the gateway's to have, and it ends a request by closing its connection. This bounds what a gateway that
vanished without a word leaves behind."""
EVERYBODY: Final = (ip_network("0.0.0.0/0"), ip_network("::/0"))
"""Whose X-Forwarded-* are passed on and added to: whoever reaches us could have reached the service, and told it so."""


def member_of(reactor: Any, upstream: Backend, latency_window_s: float) -> Member:
    """*upstream* with its connections and addresses."""
    addresses = Addresses(reactor.nameResolver, upstream.host)
    connections = Connections(
        dialer(reactor, upstream, upstream.port, addresses.known, CONNECT_TIMEOUT_S),
        reactor,
        max_idle=MAX_IDLE,
        idle_timeout_s=IDLE_S,
    )
    return Member(upstream, connections, connections, addresses, WindowAverage(latency_window_s))


def service_of(member: Member) -> Service:
    """The service whose only member is *member*; what it reports of itself is not believed, since we count."""
    service = Service("upstream", OnlyUpstream(), reports=ReportReader(ReportFormat.NONE))
    service.add(member)
    service.up(member.backend)
    return service


def route_to(reactor: Any, service: Service, date: Callable[[], Field]) -> Route:
    """The one route: everything goes to *service*."""
    rng = Random()
    pseudonym = f"openprequal-sidecar-{rng.getrandbits(48):012x}".encode("ascii")
    return Route(
        now=reactor.seconds,
        service=service,
        request_rules=RequestRules(pseudonym=pseudonym, request_ids=RequestIds(rng), trusted_proxies=EVERYBODY),
        response_rules=ResponseRules(via=Field(b"Via", b"1.1 " + pseudonym), date=date),
        timeouts=Timeouts(response_s=LEAK_S, stall_s=LEAK_S, connect_s=CONNECT_TIMEOUT_S),
    )
