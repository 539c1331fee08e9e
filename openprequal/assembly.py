"""From settings to the running gateway: the only module that sees everything. Read it top to bottom."""

import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from prometheus_client import CollectorRegistry
from twisted.application.service import IService
from twisted.internet.defer import Deferred
from twisted.web.server import Site

from openprequal.admin.access import AccessRules
from openprequal.admin.backend_rows import backend_rows
from openprequal.admin.own_address import OwnAddress
from openprequal.admin.routes import Admin
from openprequal.balancing.catalogue import BALANCERS
from openprequal.clocks import Periodic
from openprequal.config.gateway import EffectiveService, GatewaySettings
from openprequal.config.names import resolve
from openprequal.demo import DemoBackends
from openprequal.forwarding.downstream import Downstream
from openprequal.forwarding.exchange import Exchange
from openprequal.forwarding.forwarder import Forwarder, Timeouts
from openprequal.forwarding.hooked_exchange import HookedExchange, TrafficHooks
from openprequal.forwarding.http_date import HttpDate
from openprequal.forwarding.request_head import RequestRules
from openprequal.forwarding.request_ids import RequestIds
from openprequal.forwarding.response_head import ResponseRules
from openprequal.frontend.gateway_site import GatewaySite
from openprequal.frontend.limits import Limits
from openprequal.health.monitor import HealthMonitor
from openprequal.hooks.registration import RegistrationHooks
from openprequal.http1.fields import Field
from openprequal.http1.request import RequestHead
from openprequal.interfaces import BalancerContext, IBalancer, IRegistry, RegistryContext
from openprequal.lifecycle import Gateway
from openprequal.listening import ListeningService
from openprequal.metrics.exposition import exposition_in_turns
from openprequal.metrics.families import GatewayMetrics
from openprequal.metrics.gateway_samples import backend_samples, service_samples
from openprequal.metrics.loop_lag import LoopLag
from openprequal.metrics.tally import RequestTally
from openprequal.metrics.window import WindowAverage
from openprequal.probing.http_probe import HttpProbeTransport
from openprequal.registry.catalogue import REGISTRIES
from openprequal.routing.member import Member
from openprequal.routing.router import Router
from openprequal.routing.service import Service
from openprequal.upstream.addresses import Addresses
from openprequal.upstream.connections import Connections
from openprequal.upstream.dialing import dialer
from openprequal.upstream.trust import trust_root
from openprequal.values import DEFAULT_SERVICE, Backend, LoadReport

Clock = Any
"""The reactor: time, connections and names; tests hand in a fake."""

REFUSED_SERVICE = "-"
"""Service label of requests that were refused before they had one."""


def gateway(reactor: Clock, settings: GatewaySettings) -> IService:
    """The gateway as *settings* say, ready to be started.

    :raises ConfigurationError: a class, hook or balancer parameter cannot be used.
    """
    rng = Random()
    hook_failures: Counter[str] = Counter()
    count_hook_failure = _counter(hook_failures)

    # Who exists, and who of them may be picked.
    registry = _registry(reactor, settings)
    services: dict[str, Service] = {}
    periodics: list[Periodic] = []
    for name, effective in settings.effective_services.items():
        services[name] = _service(reactor, rng, name, effective, settings, periodics)
    trusted = trust_root(settings.upstream_ca_file)
    health = HealthMonitor(
        reactor,
        rng,
        services,
        lambda backend: _member(reactor, settings, trusted, backend),
        default_path=lambda backend: settings.effective_services[backend.service].backend_health_path,
        interval_s=settings.health_interval_seconds,
        timeout_s=settings.health_timeout_seconds,
    )
    for service in services.values():
        service.state_told = health.told_state
        service.connect_failed = health.connect_failed

    # The way of a request.
    date = HttpDate(time.time)
    forwarder = _forwarder(reactor, rng, settings, Router(services[DEFAULT_SERVICE]), date)
    proxy = _proxy(reactor, settings, forwarder, count_hook_failure)

    # What is asked of the gateway itself.
    own_address = OwnAddress()
    metrics = CollectorRegistry()
    admin = Admin(
        registry=registry,
        services=services,
        access=AccessRules(
            token=settings.token.get_secret_value() if settings.token else None, trust_loopback=settings.trust_loopback
        ),
        hooks=_registration_hooks(reactor, settings, count_hook_failure),
        backend_rows=lambda: backend_rows(services, health.standings, reactor.seconds()),
        ready=lambda: _not_ready(root, services),
        metrics_page=lambda accept: exposition_in_turns(reactor, metrics, (accept or b"").decode("latin-1")),
        heartbeat=lambda backend, report: _heartbeat(services, backend, report, reactor.seconds()),
        refuse=own_address.objection,
        heartbeat_timeout_s=settings.backend_heartbeat_timeout,
    )
    admin_site = Site(admin.resource())
    admin_site.displayTracebacks = False
    admin_site.noisy = False

    refused = RequestTally(REFUSED_SERVICE)
    site = GatewaySite(
        proxy,
        admin_site if settings.admin_port is None else None,
        Limits(
            request_line_bytes=settings.request_line_max_bytes,
            header_bytes=settings.header_max_bytes,
            header_fields=settings.header_max_fields,
            body_bytes=settings.body_max_bytes,
            header_s=settings.header_timeout_seconds,
            idle_s=settings.idle_timeout_seconds,
        ),
        now=reactor.seconds,
        date=date,
        refused=lambda status: refused.finished(b"-", status, 0.0),
        max_connections=settings.max_connections,
        max_connections_per_client=settings.max_connections_per_client,
    )

    # What happens again and again.
    lag = LoopLag(reactor)
    periodics += [
        lag.periodic,
        Periodic(reactor, 0.5, site.expire, "client time-outs"),
        Periodic(reactor, 0.1, health.tick, "health checks"),
        Periodic(reactor, 1.0, lambda: _expire_connections(services, reactor.seconds()), "idle connections"),
        Periodic(reactor, 30.0, lambda: _refresh_addresses(services), "names of backends"),
    ]
    GatewayMetrics(
        metrics,
        lambda: service_samples(services, refused),
        lambda: backend_samples(services, health.standings, reactor.seconds()),
        loop_lag=lag,
        client_connections=lambda: len(site.connections),
        hook_failures=hook_failures,
        periodics=lambda: periodics,
    )

    root = Gateway(
        reactor,
        registry,
        health,
        site,
        periodics,
        lambda: _abort_connections(services),
        [DemoBackends(reactor, settings)] if settings.demo else [],
        grace_s=settings.shutdown_grace_seconds,
    )
    listening = ListeningService(reactor, settings.endpoints, site, "openprequal")
    listening.setServiceParent(root)  # type: ignore[no-untyped-call]
    own_address.listening = [listening]
    if settings.admin_port is not None:
        description = f"tcp:{settings.admin_port}:interface={settings.admin_interface.replace(':', chr(92) + ':')}"
        admin_listening = ListeningService(reactor, [description], admin_site, "openprequal admin")
        admin_listening.setServiceParent(root)  # type: ignore[no-untyped-call]
        own_address.listening.append(admin_listening)
    return root


def _counter(failures: "Counter[str]") -> Callable[[str], None]:
    def count(hook: str) -> None:
        failures[hook] += 1

    return count


def _registry(reactor: Clock, settings: GatewaySettings) -> IRegistry:
    make = resolve(settings.registry_class, "REGISTRY_CLASS", REGISTRIES, IRegistry)
    registry: IRegistry = make(RegistryContext(reactor, settings.max_backends, settings.backend_heartbeat_timeout))
    return registry


def _service(
    reactor: Clock,
    rng: Random,
    name: str,
    effective: EffectiveService,
    settings: GatewaySettings,
    periodics: list[Periodic],
) -> Service:
    """A service with its balancer, and the probes the balancer sends."""

    def probe_connections(backend: Backend) -> Connections | None:
        member = service.members.get(backend.id)
        return member.probe_connections if member is not None else None

    def heard(backend: Backend, report: LoadReport) -> None:
        member = service.members.get(backend.id)
        if member is not None:
            service.noted(member, report, reactor.seconds())

    probes = HttpProbeTransport(
        reactor,
        probe_connections,
        heard,
        lambda backend, report: balancer.reported(backend, report),
        default_path=effective.backend_health_path,
    )
    make = resolve(effective.load_balancer_class, "LOAD_BALANCER_CLASS", BALANCERS, IBalancer)
    balancer: IBalancer = make(BalancerContext(reactor, rng, probes, effective.balancer_parameters))
    service = Service(name, balancer, max_in_flight=settings.backend_max_in_flight, queue_max=settings.queue_max)
    service.departed = probes.forget
    periodics.append(Periodic(reactor, 0.05, probes.expire, f"probe time-outs of {name}"))
    tick = getattr(balancer, "tick", None)
    if tick is not None:
        periodics.append(Periodic(reactor, getattr(balancer, "tick_interval_s", 0.1), tick, f"balancer of {name}"))
    return service


def _member(reactor: Clock, settings: GatewaySettings, trusted: Any, backend: Backend) -> Member:
    """What this process holds of one backend."""
    addresses = Addresses(reactor.nameResolver, backend.host)

    def connections(port: int) -> Connections:
        return Connections(
            dialer(reactor, backend, port, addresses.known, settings.connect_timeout_seconds, trusted),
            reactor,
            max_idle=settings.upstream_max_idle,
            idle_timeout_s=settings.upstream_idle_timeout_seconds,
        )

    traffic = connections(backend.port)
    elsewhere = backend.probe_port is not None and backend.probe_port != backend.port
    probing = connections(backend.probe_port) if elsewhere and backend.probe_port else traffic
    return Member(backend, traffic, probing, addresses, WindowAverage(settings.latency_window_seconds))


def _forwarder(reactor: Clock, rng: Random, settings: GatewaySettings, router: Router, date: HttpDate) -> Forwarder:
    pseudonym = f"openprequal-{rng.getrandbits(48):012x}".encode("ascii")
    return Forwarder(
        now=reactor.seconds,
        route=router.route,
        request_rules=RequestRules(
            pseudonym=pseudonym,
            request_ids=RequestIds(rng),
            trusted_proxies=settings.trusted_proxies,
            forwarded=settings.forwarded,
            keep_host=settings.host_header == "keep",
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
    )


def _proxy(
    reactor: Clock, settings: GatewaySettings, forwarder: Forwarder, count_failure: Callable[[str], None]
) -> Callable[[Downstream, RequestHead], Exchange]:
    """What makes a proxied request's exchange: the plain one unless there are hooks."""
    hooks = TrafficHooks(
        reactor,
        settings.hook_timeout_seconds,
        count_failure,
        path_rewrite=_hook(settings.custom_path_rewrite, "CUSTOM_PATH_REWRITE"),
        request=_hook(settings.custom_request_hook, "CUSTOM_REQUEST_HOOK"),
        response=_hook(settings.custom_response_hook, "CUSTOM_RESPONSE_HOOK"),
    )
    if hooks:
        return lambda client, request: HookedExchange(hooks, forwarder, client, request)
    return lambda client, request: Exchange(forwarder, client, request)


def _registration_hooks(
    reactor: Clock, settings: GatewaySettings, count_failure: Callable[[str], None]
) -> RegistrationHooks:
    return RegistrationHooks(
        reactor,
        settings.hook_timeout_seconds,
        count_failure,
        register=_hook(settings.custom_register_hook, "CUSTOM_REGISTER_HOOK"),
        unregister=_hook(settings.custom_unregister_hook, "CUSTOM_UNREGISTER_HOOK"),
    )


def _hook(name: str | None, setting: str) -> Any:
    return resolve(name, setting) if name else None


def _not_ready(root: Gateway, services: dict[str, Service]) -> str | None:
    return "shutting down" if root.stopping else None


def _heartbeat(services: dict[str, Service], backend: Backend, report: LoadReport, now: float) -> None:
    service = services[backend.service]
    member = service.members.get(backend.id)
    if member is not None:
        service.reported(member, report, now)


def _members(services: dict[str, Service]) -> list[Member]:
    return [member for service in services.values() for member in service.members.values()]


def _expire_connections(services: dict[str, Service], now: float) -> None:
    for member in _members(services):
        member.connections.expire(now)
        member.probe_connections.expire(now)


def _refresh_addresses(services: dict[str, Service]) -> "Deferred[None] | None":
    for member in _members(services):
        member.addresses.refresh()
    return None


def _abort_connections(services: dict[str, Service]) -> None:
    for member in _members(services):
        member.connections.abort()
        member.probe_connections.abort()
