"""How are services and their members made of the settings, with all that brings requests to backends?"""

from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred

from openprequal.balancing.catalogue import BALANCERS, SLOW_START, WAITING
from openprequal.balancing.shadow import Shadowed
from openprequal.balancing.slow_start import SlowStart
from openprequal.clocks import Periodic
from openprequal.config.gateway import GatewaySettings
from openprequal.config.names import resolve
from openprequal.config.routes import RouteSettings
from openprequal.config.services import EffectiveService
from openprequal.errors import ConfigurationError
from openprequal.frontend.limits import Limits
from openprequal.frontend.sweep import interval_for
from openprequal.interfaces import BalancerContext, IBalancer, IProbeTransport
from openprequal.metrics.window import WindowAverage
from openprequal.probing.http_probe import HttpProbeTransport
from openprequal.probing.overheard import HeardByAnother, Overheard
from openprequal.probing.polled_probes import PolledProbes, as_in_band
from openprequal.probing.report_formats.queue_metrics import QueueMetrics
from openprequal.probing.report_reader import ReportReader
from openprequal.routing.concurrency_limit import TICK_S, AdaptiveLimit, FixedLimit
from openprequal.routing.lateness import TICK_S as LATENESS_TICK_S
from openprequal.routing.lateness import Lateness
from openprequal.routing.limited_service import LimitedService
from openprequal.routing.member import Member
from openprequal.routing.service import Service
from openprequal.routing.sticky_service import LimitedStickyService, StickyService
from openprequal.session_making import sessions_of
from openprequal.upstream.address_rules import AddressRules
from openprequal.upstream.addresses import Addresses
from openprequal.upstream.connections import Connections, Dial
from openprequal.upstream.dialing import dialer
from openprequal.upstream.one_client import OneClientConnections
from openprequal.upstream.trust import UpstreamTls, UpstreamTlsRules
from openprequal.values import Backend, LoadReport, ReportWay

Clock = Any
"""The reactor: time, connections and names; tests hand in a fake."""

Services = dict[str, Service]


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


def sweep_interval_s(settings: GatewaySettings) -> float:
    """How often is looked at what may have taken too long."""
    queued = any(
        each.backend_max_in_flight or each.service_max_in_flight for each in settings.effective_services.values()
    )
    timeouts_s = [
        settings.client_rate_window_seconds if settings.client_min_rate_bytes is not None else None,
        settings.header_timeout_seconds,
        settings.idle_timeout_seconds,
        *(check.timeout_seconds for check in settings.checks.values()),
    ]
    those: list[GatewaySettings | RouteSettings] = [settings, *settings.routes]
    for each in those:
        attempts = settings.retry_attempts if each.retry_attempts is None else each.retry_attempts
        timeouts_s += [
            each.queue_timeout_seconds if queued else None,
            (each.try_timeout_seconds or settings.try_timeout_seconds) if attempts else None,
            each.total_timeout_seconds,
            each.response_timeout_seconds,
            each.stall_timeout_seconds,
        ]
    return interval_for(timeouts_s)


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
        "max_in_flight": effective.backend_max_in_flight,
        "queue_max": effective.queue_max,
        "reports": parts.reports,
        "retry_share": effective.retry_budget,
    }
    most, sessions = effective.service_max_in_flight, sessions_of(reactor.seconds, name, effective, settings)
    if sessions is not None:
        options["sessions"] = sessions
    if most is None:
        service = (Service if sessions is None else StickyService)(name, parts.balancer, **options)
    else:
        limit = AdaptiveLimit(reactor.seconds()) if most == "auto" else FixedLimit(most)
        make = LimitedService if sessions is None else LimitedStickyService
        service = limited = make(name, parts.balancer, limit=limit, **options)
        lasting.append(Periodic(reactor, TICK_S, lambda: limited.tick(reactor.seconds()), f"limit of {name}"))
    # A second backend would know nothing of the session, and be quick to say so.
    if effective.hedge_percentile is not None and sessions is None:
        service.lateness = Lateness(effective.hedge_percentile, reactor.seconds)
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

    def told(backend: Backend, report: LoadReport) -> None:
        if shadowed is not None:
            shadowed.overheard(backend, report)

    running = effective.report_running_metric
    queue = QueueMetrics(running, effective.report_waiting_metric) if running else None
    reports = ReportReader(effective.format, queue)
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
    shadowed: Shadowed | None = None
    if effective.shadow_balancer is not None:
        asked = HeardByAnother(asked, told)
    balancer = _made(effective, BalancerContext(reactor, rng, asked, effective.balancer_parameters))
    periodics.append(Periodic(reactor, 0.05, probes.expire, f"probe time-outs of {name}"))
    tick = getattr(balancer, "tick", None)
    if tick is not None:
        periodics.append(Periodic(reactor, getattr(balancer, "tick_interval_s", 0.1), tick, f"balancer of {name}"))
    if effective.shadow_balancer is None:
        return Balancing(balancer, reports, probes.forget, periodics)
    overheard = Overheard(reactor)
    # Draws of its own: those of the one that decides are what they would be without it.
    shadow = shadow_balancer(reactor, Random(rng.getrandbits(64)), overheard, effective)
    balancer = shadowed = Shadowed(balancer, shadow, overheard, lambda backend: service_of().in_flight_at(backend))
    interval_s = min(0.05, getattr(shadow, "tick_interval_s", 0.05))
    periodics.append(Periodic(reactor, interval_s, shadowed.tick_shadow, f"shadow balancer of {name}"))

    def departed(backend: Backend) -> None:
        probes.forget(backend)
        shadowed.forget(backend)

    return Balancing(balancer, reports, departed, periodics)


def shadow_balancer(clock: Clock, rng: Random, probes: IProbeTransport, effective: EffectiveService) -> IBalancer:
    """The balancer that is asked beside the one that decides.

    :raises ConfigurationError: it or a parameter of it cannot be used.
    """
    name = effective.shadow_balancer
    assert name is not None
    said = effective.model_copy(
        update={"load_balancer_class": name, "balancer_parameters": effective.shadow_balancer_parameters}
    )
    try:
        shadow = _made(said, BalancerContext(clock, rng, probes, effective.shadow_balancer_parameters))
    except ConfigurationError as error:
        named = {"load_balancer_class": "shadow_balancer", "balancer_parameters": "shadow_balancer_parameters"}
        about = tuple(named.get(str(each), each) for each in error.about)
        raise ConfigurationError(error.reason, about=about) from error
    if type(shadow) in [BALANCERS[each] for each in WAITING]:
        reason = f"{name!r} cannot be a shadow: its picks wait for probes of their own"
        raise ConfigurationError(reason, about=("shadow_balancer",))
    return shadow


def _made(effective: EffectiveService, context: BalancerContext) -> IBalancer:
    make = resolve(effective.load_balancer_class, "load_balancer_class", BALANCERS, IBalancer)
    balancer: IBalancer = make(context)
    if make in SLOW_START and effective.slow_start_seconds:
        balancer = SlowStart(context.clock, balancer, effective.slow_start_seconds)
    return balancer


def address_rules(settings: GatewaySettings, is_own: Callable[[str, int], bool]) -> AddressRules:
    """Where backends may be.

    :param is_own: whether this process listens on an address (or path) and port.
    """
    return AddressRules(settings.backend_networks, settings.backend_sockets, is_own)


def members(
    reactor: Clock, settings: GatewaySettings, rules: AddressRules, tls: Mapping[str, UpstreamTls]
) -> Callable[[Backend], Member]:
    """What makes a backend's :class:`Member`: all that this process holds of it.

    :param rules: where it may be.
    :param tls: how it is spoken with https backends, by service.
    """
    dial = dialling(reactor, settings, rules, tls)
    services = settings.effective_services
    make: Callable[..., Connections] = Connections
    if settings.upstream_proxy_protocol != "none":
        make = partial(OneClientConnections, version=settings.upstream_proxy_protocol)

    def member(backend: Backend) -> Member:
        addresses = Addresses(reactor.nameResolver, backend.host)
        effective = services[backend.service]

        def connections(port: int) -> Connections:
            return make(
                dial(backend, port, addresses),
                reactor,
                max_idle=effective.upstream_max_idle,
                idle_timeout_s=effective.upstream_idle_timeout_seconds,
            )

        traffic = connections(backend.port)
        elsewhere = backend.probe_port is not None and backend.probe_port != backend.port
        probing = connections(backend.probe_port) if elsewhere and backend.probe_port else traffic
        return Member(backend, traffic, probing, addresses, WindowAverage(settings.latency_window_seconds))

    return member


def dialling(
    reactor: Clock, settings: GatewaySettings, rules: AddressRules, tls: Mapping[str, UpstreamTls]
) -> Callable[[Backend, int, Addresses], Dial]:
    """What opens connections to a port of a backend, whoever asks for them: traffic, checks or probes."""
    return lambda backend, port, addresses: dialer(
        reactor, backend, port, addresses.known, settings.connect_timeout_seconds, tls[backend.service], rules
    )


def upstream_tls_rules(service: EffectiveService) -> UpstreamTlsRules:
    """How TLS is spoken with the backends of *service*."""
    return UpstreamTlsRules(service.upstream_ca_file, service.upstream_certificate_file, service.upstream_server_name)


def configure_member(
    member: Member, dial: Callable[[Backend, int, Addresses], Dial], effective: EffectiveService
) -> None:
    """Let *member* go by other settings from now on."""
    backend = member.backend
    for connections, port in (
        (member.connections, backend.port),
        (member.probe_connections, backend.probe_port or backend.port),
    ):
        connections.configure(
            dial(backend, port, member.addresses),
            max_idle=effective.upstream_max_idle,
            idle_timeout_s=effective.upstream_idle_timeout_seconds,
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
