"""How is the way of a request put together from the settings? Services, their members, and what makes exchanges."""

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred

from openprequal.balancing.catalogue import BALANCERS
from openprequal.clocks import Periodic
from openprequal.config.gateway import GatewaySettings
from openprequal.config.names import resolve
from openprequal.config.services import EffectiveService
from openprequal.config.statuses import statuses_of
from openprequal.forwarding.downstream import Downstream
from openprequal.forwarding.exchange import Exchange
from openprequal.forwarding.forwarder import Forwarder, Timeouts
from openprequal.forwarding.hedged_exchange import HedgedExchange
from openprequal.forwarding.hooked_exchange import HookedExchange, TrafficHooks
from openprequal.forwarding.http_date import HttpDate
from openprequal.forwarding.request_head import RequestRules
from openprequal.forwarding.request_ids import RequestIds
from openprequal.forwarding.response_head import ResponseRules
from openprequal.forwarding.retry import RetryRules, Unsafe
from openprequal.frontend.client_connection import ClientExchange
from openprequal.frontend.limits import Limits
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead
from openprequal.interfaces import BalancerContext, IBalancer, IProbeTransport
from openprequal.limiting.rate_limits import RateRule
from openprequal.metrics.window import WindowAverage
from openprequal.probing.http_probe import HttpProbeTransport
from openprequal.probing.polled_probes import PolledProbes, as_in_band
from openprequal.probing.report_formats.queue_metrics import QueueMetrics
from openprequal.probing.report_reader import ReportReader
from openprequal.routing.concurrency_limit import TICK_S, AdaptiveLimit, FixedLimit
from openprequal.routing.lateness import TICK_S as LATENESS_TICK_S
from openprequal.routing.lateness import Lateness
from openprequal.routing.limited_service import LimitedService
from openprequal.routing.member import Member
from openprequal.routing.router import Router
from openprequal.routing.service import Service
from openprequal.upstream.addresses import Addresses
from openprequal.upstream.connections import Connections, Dial
from openprequal.upstream.dialing import dialer
from openprequal.upstream.trust import trust_root
from openprequal.values import Backend, LoadReport, ReportWay

Clock = Any
"""The reactor: time, connections and names; tests hand in a fake."""

Services = dict[str, Service]
ProxyExchange = Callable[[Downstream, RequestHead], ClientExchange]


def configured_hook(name: str | None, setting: str) -> Any:
    """The user's function of that dotted path, if one is set.

    :raises ConfigurationError: it cannot be used.
    """
    return resolve(name, setting) if name else None


def client_limits(settings: GatewaySettings) -> Limits:
    """What clients may send, and how long they may take."""
    return Limits(
        request_line_bytes=settings.request_line_max_bytes,
        header_bytes=settings.header_max_bytes,
        header_fields=settings.header_max_fields,
        body_bytes=settings.body_max_bytes,
        header_s=settings.header_timeout_seconds,
        idle_s=settings.idle_timeout_seconds,
        min_rate_bytes=settings.client_min_rate_bytes,
        rate_window_s=settings.client_rate_window_seconds,
    )


def rate_rules(settings: GatewaySettings) -> list[RateRule]:
    """How often requests may come; none: as often as they like."""
    return [
        RateRule(rule.effective_name, rule.by, rule.per_second, rule.effective_burst)
        for rule in settings.effective_rate_limits
    ]


def proxied_exchanges(
    reactor: Clock,
    settings: GatewaySettings,
    forwarder: Forwarder,
    count_hook_failure: Callable[[str], None],
) -> ProxyExchange:
    """What makes a proxied request's exchange: the plain one unless there are hooks.

    :raises ConfigurationError: a hook cannot be used.
    """
    hooks = TrafficHooks(
        reactor,
        settings.hook_timeout_seconds,
        count_hook_failure,
        path_rewrite=configured_hook(settings.custom_path_rewrite, "CUSTOM_PATH_REWRITE"),
        request=configured_hook(settings.custom_request_hook, "CUSTOM_REQUEST_HOOK"),
        response=configured_hook(settings.custom_response_hook, "CUSTOM_RESPONSE_HOOK"),
    )
    if hooks:
        return lambda client, request: HookedExchange(hooks, forwarder, client, request)
    return partial(Exchange if settings.hedge_percentile is None else HedgedExchange, forwarder)


def forwarder_to(
    router: Router,
    reactor: Clock,
    rng: Random,
    settings: GatewaySettings,
    date: HttpDate,
    *,
    pseudonym: bytes,
    secure: bool = False,
) -> Forwarder:
    """The rules and time-outs of all exchanges.

    :param pseudonym: what this process is called in Via, from its start to its end.
    :param secure: clients speak TLS to us.
    """
    return Forwarder(
        now=reactor.seconds,
        route=router.route,
        request_rules=RequestRules(
            pseudonym=pseudonym,
            request_ids=RequestIds(rng),
            trusted_proxies=settings.trusted_proxies,
            forwarded=settings.forwarded,
            keep_host=settings.host_header == "keep",
            scheme=b"https" if secure else b"http",
            deadline_field=settings.deadline_header.encode("ascii") if settings.deadline_header else None,
        ),
        response_rules=ResponseRules(
            via=Field(b"Via", b"1.1 " + pseudonym), date=date, strip_reports=settings.response_report_strip
        ),
        timeouts=Timeouts(
            response_s=settings.response_timeout_seconds,
            stall_s=settings.stall_timeout_seconds,
            queue_s=settings.queue_timeout_seconds,
            connect_s=settings.connect_timeout_seconds,
            total_s=settings.total_timeout_seconds,
        ),
        retries=RetryRules(
            attempts=settings.retry_attempts,
            try_s=settings.try_timeout_seconds,
            statuses=statuses_of(settings.retry_statuses) or frozenset(),
            body_bytes=settings.retry_body_max_bytes,
            unsafe=Unsafe(settings.retry_unsafe),
        ),
    )


def service_with_balancer(
    reactor: Clock,
    rng: Random,
    name: str,
    effective: EffectiveService,
    settings: GatewaySettings,
    periodics: list[Periodic],
    lasting: list[Periodic],
) -> Service:
    """A service with its balancer, and the probes the balancer sends.

    :param periodics: gets what its balancer does again and again.
    :param lasting: gets what the service itself does, whatever balancer it has.
    :raises ConfigurationError: the balancer or a parameter of it cannot be used.
    """
    service: Service
    parts = balancing_of(reactor, rng, name, effective, lambda: service)
    options: dict[str, Any] = {
        "max_in_flight": settings.backend_max_in_flight,
        "queue_max": settings.queue_max,
        "reports": parts.reports,
        "retry_share": settings.retry_budget,
    }
    most = effective.service_max_in_flight
    if most is None:
        service = Service(name, parts.balancer, **options)
    else:
        limit = AdaptiveLimit(reactor.seconds()) if most == "auto" else FixedLimit(most)
        service = limited = LimitedService(name, parts.balancer, limit=limit, **options)
        lasting.append(Periodic(reactor, TICK_S, lambda: limited.tick(reactor.seconds()), f"limit of {name}"))
    if settings.hedge_percentile is not None:
        service.lateness = Lateness(settings.hedge_percentile, reactor.seconds)
        lasting.append(Periodic(reactor, LATENESS_TICK_S, service.lateness.tick, f"late requests of {name}"))
    service.departed = parts.departed
    periodics += parts.periodics
    return service


@frozen
class Balancing:
    """What chooses among the backends of a service, and asks them; replaced as a whole when its settings change."""

    balancer: IBalancer
    reports: ReportReader
    departed: Callable[[Backend], None]
    """To be told of backends that have left."""
    periodics: list[Periodic]
    """What it does again and again."""


def balancing_of(
    reactor: Clock, rng: Random, name: str, effective: EffectiveService, service_of: Callable[[], Service]
) -> Balancing:
    """A balancer and the probes it sends.

    :param service_of: the service they are for, which may not exist yet.
    :raises ConfigurationError: the balancer or a parameter of it cannot be used.
    """
    periodics: list[Periodic] = []

    def probe_connections(backend: Backend) -> Connections | None:
        member = service_of().members.get(backend.id)
        return member.probe_connections if member is not None else None

    def heard(backend: Backend, report: LoadReport) -> None:
        service = service_of()
        member = service.members.get(backend.id)
        if member is not None:
            service.noted(member, report, reactor.seconds(), ReportWay.PROBE)

    running = effective.report_running_metric
    queue = QueueMetrics(running, effective.report_waiting_metric) if running else None
    reports = ReportReader(effective.report_format, queue)
    probes = HttpProbeTransport(
        reactor,
        probe_connections,
        heard,
        lambda backend, report: balancer.reported(backend, report),
        reports=reports,
        probe_path=effective.backend_probe_path,
        default_path=effective.backend_health_path,
    )
    asked: IProbeTransport = probes
    if effective.report_poll_seconds is not None:
        asked = polled = PolledProbes(
            reactor,
            rng,
            probes,
            lambda: [member.backend for member in service_of().members.values()],
            lambda backend, report: balancer.reported(backend, as_in_band(report, service_of().in_flight_at(backend))),
            effective.report_poll_seconds,
        )
        periodics.append(Periodic(reactor, polled.tick_interval_s, polled.tick, f"polls of {name}"))
    make = resolve(effective.load_balancer_class, "LOAD_BALANCER_CLASS", BALANCERS, IBalancer)
    balancer: IBalancer = make(BalancerContext(reactor, rng, asked, effective.balancer_parameters))
    periodics.append(Periodic(reactor, 0.05, probes.expire, f"probe time-outs of {name}"))
    tick = getattr(balancer, "tick", None)
    if tick is not None:
        periodics.append(Periodic(reactor, getattr(balancer, "tick_interval_s", 0.1), tick, f"balancer of {name}"))
    return Balancing(balancer, reports, probes.forget, periodics)


def members(reactor: Clock, settings: GatewaySettings) -> Callable[[Backend], Member]:
    """What makes a backend's :class:`Member`: all that this process holds of it.

    :raises ConfigurationError: the file of authorities cannot be used.
    """
    dial = dialling(reactor, settings)

    def member(backend: Backend) -> Member:
        addresses = Addresses(reactor.nameResolver, backend.host)

        def connections(port: int) -> Connections:
            return Connections(
                dial(backend, port, addresses),
                reactor,
                max_idle=settings.upstream_max_idle,
                idle_timeout_s=settings.upstream_idle_timeout_seconds,
            )

        traffic = connections(backend.port)
        elsewhere = backend.probe_port is not None and backend.probe_port != backend.port
        probing = connections(backend.probe_port) if elsewhere and backend.probe_port else traffic
        return Member(backend, traffic, probing, addresses, WindowAverage(settings.latency_window_seconds))

    return member


def dialling(reactor: Clock, settings: GatewaySettings) -> Callable[[Backend, int, Addresses], Dial]:
    """What opens connections to a port of a backend.

    :raises ConfigurationError: the file of authorities cannot be used.
    """
    trusted = trust_root(settings.upstream_ca_file)
    return lambda backend, port, addresses: dialer(
        reactor, backend, port, addresses.known, settings.connect_timeout_seconds, trusted
    )


def configure_member(
    member: Member, dial: Callable[[Backend, int, Addresses], Dial], settings: GatewaySettings
) -> None:
    """Let *member* go by other settings from now on."""
    backend = member.backend
    for connections, port in (
        (member.connections, backend.port),
        (member.probe_connections, backend.probe_port or backend.port),
    ):
        connections.configure(
            dial(backend, port, member.addresses),
            max_idle=settings.upstream_max_idle,
            idle_timeout_s=settings.upstream_idle_timeout_seconds,
        )


def expire_connections(services: Services, now: float) -> None:
    """Close connections to backends that have been idle for too long."""
    for member in _members(services):
        member.connections.expire(now)
        member.probe_connections.expire(now)


def refresh_addresses(services: Services) -> "Deferred[None] | None":
    """Look up the backends' names again."""
    for member in _members(services):
        member.addresses.refresh()
    return None


def abort_connections(services: Services) -> None:
    """Close what is left of connections to backends."""
    for member in _members(services):
        member.connections.abort()
        member.probe_connections.abort()


def _members(services: Services) -> list[Member]:
    return [member for service in services.values() for member in service.members.values()]
