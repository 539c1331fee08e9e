"""From settings to the running gateway: the only module that sees everything. Read it top to bottom."""

import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from random import Random
from secrets import token_bytes
from signal import SIGHUP, SIGUSR1
from typing import Generic, Protocol, TypeVar, cast

from attrs import frozen
from prometheus_client import CollectorRegistry
from twisted.application.service import IService
from twisted.internet.defer import Deferred
from twisted.web.server import Site

from openprequal.access_log.writer import FLUSH_S
from openprequal.admin.operations import Operations
from openprequal.admin.own_address import OwnAddress
from openprequal.checks.assembly import Checks
from openprequal.clocks import Periodic
from openprequal.config.gateway import GatewaySettings
from openprequal.control_plane import (
    access_rules,
    admin_listener,
    dashboard,
    health_of,
    not_read,
    restart_on_signal,
    source_of,
    surges_of,
    taking_over,
)
from openprequal.data_plane import (
    Clock,
    Services,
    abort_connections,
    address_rules,
    client_limits,
    expire_connections,
    refresh_addresses,
    service_with_balancer,
    sweep_interval_s,
)
from openprequal.demo import DemoBackends
from openprequal.descriptors import clients_allowed
from openprequal.edge import Edge
from openprequal.events.recorder import Recorder
from openprequal.events.ring import EventRing
from openprequal.explaining.answers import Explanations
from openprequal.explaining.asking import may_ask
from openprequal.explaining.pick_now import why_nobody
from openprequal.explaining.recent import Recent
from openprequal.explaining.recording import TICK_S as RECORDING_TICK_S
from openprequal.explaining.recording import Exchanges, Recording
from openprequal.forwarding.downstream import ProxyExchange
from openprequal.forwarding.error_pages import ErrorPages, read_error_pages
from openprequal.forwarding.http_date import HttpDate
from openprequal.forwarding.journey import Witness
from openprequal.forwarding.mirroring import Copies
from openprequal.frontend.gateway_site import GatewaySite
from openprequal.frontend.limits import Limits
from openprequal.frontend.proxy_resource import ProxyResource
from openprequal.frontend.sweep import TICK_S as SWEEP_TICK_S
from openprequal.frontend.sweep import Sweep
from openprequal.health.monitor import HealthMonitor
from openprequal.interfaces import IRegistry
from openprequal.lifecycle import Front, Gateway
from openprequal.listening import ListeningService
from openprequal.metrics.families import ClientCounts, GatewayMetrics, ServiceSample
from openprequal.metrics.gateway_samples import backend_samples, service_samples
from openprequal.metrics.loop_lag import LoopLag
from openprequal.metrics.route_counts import RouteCounts
from openprequal.metrics.tally import RequestTally
from openprequal.part import ALONE, Part
from openprequal.rebalancing import Rebalancing
from openprequal.reload import Reload, Running
from openprequal.restart.inheritance import Inheritance
from openprequal.restart.successor import CommandLine
from openprequal.route_answer import answer_for, request_of
from openprequal.route_making import Traffic
from openprequal.signals import Signals
from openprequal.tls.subject import subject_of
from openprequal.tracing.tracing import Tracing
from openprequal.witnessing import Witnessing

REFUSED_SERVICE = "-"
"""Service label of requests that were refused before they had one."""


def gateway(
    reactor: Clock,
    settings: GatewaySettings,
    *,
    reread: Callable[[], GatewaySettings] | None = None,
    command: CommandLine | None = None,
    inheritance: Inheritance | None = None,
) -> IService:
    """The gateway as *settings* say, ready to be started.

    :param reread: reads the settings again, on SIGHUP and ``POST /_openprequal/reload``; None: from nowhere.
    :param command: starts a process that takes the place of this one, on SIGUSR2; None: nothing does.
    :param inheritance: what the process whose place this one takes has handed over; None: there is none.
    :raises ConfigurationError: a class, hook or parameter cannot be used.
    """

    site = partial(client_site, reactor, settings)
    demo = DemoBackends(reactor, settings) if settings.demo else None
    inherited = None if inheritance is None else inheritance.listening
    whole = whole_of(reactor, settings, site, demo=demo, reread=reread, inherited=inherited)
    layers = whole.edge.layers
    whole.listen(ListeningService(reactor, settings.endpoints, whole.front, "openprequal", inherited, layers=layers))
    listeners = whole.own_address.listening
    if command is not None:
        restart_on_signal(reactor, settings, whole.root, whole.registry, whole.health, listeners, command)
    if inheritance is not None:
        taking_over(reactor, whole.registry, whole.health, listeners, inheritance).setServiceParent(whole.root)  # type: ignore[no-untyped-call]
    return whole.root


def client_site(reactor: Clock, settings: GatewaySettings, given: "Given") -> GatewaySite:
    """What answers clients on the listeners of *settings*."""
    return GatewaySite(
        given.exchanges.usual,
        given.admin,
        given.limits,
        now=reactor.seconds,
        date=given.date,
        refused=given.refused,
        max_connections=clients_allowed(settings.max_connections),
        max_connections_per_client=settings.max_connections_per_client,
        errors=given.errors,
        subject_of=subject_of,
        trusted=settings.trusted_proxies,
        turned_away=given.turned_away,
        cut=given.cut,
        witnesses=given.witnesses,
        explained=given.exchanges.explained,
    )


def proxy_resource(
    reactor: Clock, settings: GatewaySettings, *, secure: bool = False
) -> tuple[IService, ProxyResource]:
    """The gateway as a resource for a ``twisted.web.server.Site`` of your own, and the service it needs running.

    The reserved paths are answered by the resource too, unless there is an admin port. What concerns listening, client
    connections and ``demo`` in *settings* has no meaning here (``docs/own-site.md``).

    :param secure: your Site speaks TLS, so backends are told ``X-Forwarded-Proto: https``.
    :raises ConfigurationError: a class, hook or parameter cannot be used.
    """

    def resource(given: Given) -> ProxyResource:
        return ProxyResource(
            given.exchanges.usual,
            given.admin.resource if given.admin is not None else None,
            given.limits,
            clock=reactor,
            date=given.date,
            refused=given.refused,
            errors=given.errors,
            witnesses=given.witnesses,
            explained=given.exchanges.explained,
        )

    whole = whole_of(reactor, settings, resource, secure=secure)
    return whole.root, whole.front


class _Frontend(Front, Protocol):
    """Where requests come in, as the whole sees it."""

    @property
    def connections(self) -> Collection[object]: ...
    def expire(self) -> None: ...
    def route_by(self, proxy: ProxyExchange) -> None: ...


F = TypeVar("F", bound=_Frontend)


@frozen
class Given:
    """What every frontend is made with."""

    exchanges: Exchanges
    admin: Site | None
    """Answers the reserved paths; None: they have listeners of their own."""
    limits: Limits
    date: HttpDate
    refused: Callable[[int], None]
    errors: ErrorPages
    turned_away: "Counter[str]"
    cut: "Counter[str]"
    witnesses: Sequence[Witness]


@frozen
class Whole(Generic[F]):
    """Everything, put together."""

    root: Gateway
    front: F
    registry: IRegistry
    services: Services
    health: HealthMonitor
    own_address: OwnAddress
    edge: Edge
    admin: Site
    metrics: CollectorRegistry
    reload: Reload | None
    rebalancing: Rebalancing
    events: EventRing
    recorder: Recorder
    reopen: Callable[[], None]
    """Opens the files of the access log anew."""

    def listen(self, listening: ListeningService) -> None:
        """Let *listening* start and stop with the whole."""
        listening.setServiceParent(self.root)  # type: ignore[no-untyped-call]
        self.own_address.listening.append(listening)


def whole_of(
    reactor: Clock,
    settings: GatewaySettings,
    frontend: Callable[[Given], F],
    *,
    demo: DemoBackends | None = None,
    secure: bool = False,
    reread: Callable[[], GatewaySettings] | None = None,
    inherited: Mapping[str, int] | None = None,
    part: Part = ALONE,
) -> Whole[F]:
    """Everything behind a frontend, the frontend, and the service that runs it all."""
    rng = Random()
    hook_failures: Counter[str] = Counter()
    count_hook_failure = _counter(hook_failures)

    # Who exists, and who of them may be picked.
    registry = part.registry(reactor, rng, settings)
    services: Services = {}
    of_service: dict[str, list[Periodic]] = {}
    lasting: dict[str, list[Periodic]] = {}
    for name, effective in settings.effective_services.items():
        of_service[name], lasting[name] = [], []
        services[name] = service_with_balancer(
            reactor, rng, name, effective, settings, of_service[name], lasting[name], part.kind
        )
    own_address = OwnAddress()
    edge = Edge(reactor, settings, time.time)
    rules = address_rules(settings, own_address.is_own)
    health = health_of(services, reactor, rng, settings, rules, edge.upstream_tls, part.health)

    # What happens to them, and what operators change.
    events = EventRing(time.time)
    recorder = Recorder(events)
    health.turned, edge.replaced = recorder.turned, recorder.certificate
    periodics: list[Periodic] = []
    rebalancing = Rebalancing(reactor, rng, services, health, settings.effective_services, periodics, of_service)
    operations = Operations(services, health, part.balancers(rebalancing), recorder)

    # The way of a request.
    date = HttpDate(time.time)
    # Requests and connections that were too many or too slow, by why.
    limited: Counter[str] = Counter()
    turned_away: Counter[str] = Counter()
    slow: Counter[str] = Counter()
    refused = RequestTally(REFUSED_SERVICE)
    route_counts = RouteCounts()
    copies = Copies()
    tracing = Tracing(reactor, rng, time.time)
    witnessing = Witnessing(reactor.seconds, time.time, rng, tracing)
    recording = Recording(reactor.seconds, Recent(reactor.seconds, time.time))
    checks = Checks(reactor, wall_clock=time.time, secret=token_bytes(32), environ=os.environ)
    traffic = Traffic(
        reactor,
        rng,
        date,
        part.pseudonym or pseudonym(rng),
        route_counts,
        copies,
        refused,
        count_hook_failure,
        checks,
        limited,
        secure,
        witnessing.of,
        recording.recent,
        lambda given: may_ask(access_rules(given), given.trusted_proxies),
        lambda service: why_nobody(services[service], health.standings),
    )

    # What is asked of the gateway itself.
    metrics = CollectorRegistry()

    def samples() -> Iterator[ServiceSample]:
        return service_samples(services, refused, health.ejections, tracing.exemplars)

    stream, sampling = dashboard(
        *(reactor, services, health, samples, rebalancing.rows, events),
        own_origin=bool(settings.admin_endpoints),
        more=part.about,
    )

    def make_admin(given: GatewaySettings) -> Site:
        return part.admin(
            reactor,
            given,
            registry,
            services,
            health,
            metrics,
            address_rules(given, own_address.is_own),
            stream=stream,
            not_ready=lambda: "shutting down" if root.stopping else not_read(registry),
            count_hook_failure=count_hook_failure,
            operations=operations,
            events=events,
            explain=Explanations(
                services,
                health.standings,
                recording,
                request_of=request_of,
                route_of=lambda request: answer_for(given, request),
            ).answer,
            reload=None if reread is None else lambda by: cast(Reload, reload)(by),
            demo_token=None if demo is None else demo.token,
        )

    admin = make_admin(settings)

    # Where requests come in.
    exchanges = traffic.exchanges(settings, services)
    front = frontend(
        Given(
            exchanges,
            None if settings.admin_endpoints else admin,
            client_limits(settings),
            date,
            lambda status: refused.finished(b"-", status, 0.0),
            read_error_pages(settings.error_pages),
            turned_away,
            slow,
            witnessing.of(settings),
        )
    )

    recording.take(exchanges, front.route_by)

    # What happens again and again.
    sweep = Sweep(reactor.seconds, front.expire, sweep_interval_s(settings))
    lag = LoopLag(reactor)
    periodics += [
        *(periodic for each in (*of_service.values(), *lasting.values()) for periodic in each),
        lag,
        Periodic(reactor, SWEEP_TICK_S, sweep.tick, "client time-outs"),
        Periodic(reactor, 0.5, lambda: copies.expire(reactor.seconds()), "mirrored requests"),
        Periodic(reactor, 0.1, health.tick, "health checks"),
        Periodic(reactor, RECORDING_TICK_S, recording.tick, "requests remembered"),
        Periodic(reactor, 1.0, checks.tick, "files and keys of checks"),
        Periodic(reactor, 1.0, tracing.tick, "spans"),
        Periodic(reactor, 1.0, lambda: expire_connections(services, reactor.seconds()), "idle connections"),
        Periodic(reactor, 30.0, lambda: refresh_addresses(services), "names of backends"),
        sampling,
        Periodic(reactor, FLUSH_S, witnessing.outlets.tick, "access log"),
        *edge.periodics(),
        *part.extra(services),
        surges_of(reactor, services, events),
    ]
    GatewayMetrics(
        metrics,
        samples,
        lambda: backend_samples(services, health.standings, reactor.seconds()),
        loop_lag=lag,
        client_connections=lambda: len(front.connections),
        clients=ClientCounts(limited, turned_away, slow),
        hook_failures=hook_failures,
        check_refusals=checks.refusals,
        periodics=lambda: (*periodics, stream.showing),
        routes=route_counts.counts,
        copies=copies.counts,
        spans=tracing.counts,
        access_log_lost=lambda: witnessing.outlets.lost,
        edge=edge.sample,
        source=source_of(registry),
    )

    def cut() -> "Deferred[None]":
        copies.shut_down()
        abort_connections(services)
        checks.close()
        witnessing.outlets.close()
        return tracing.close()

    root = Gateway(
        reactor,
        registry,
        health,
        front,
        periodics,
        cut,
        [stream] if demo is None else [demo, stream],
        grace_s=settings.shutdown_grace_seconds,
        observers=[recorder],
    )
    reload: Reload | None = None
    if reread is not None:
        running = Running(
            reactor=reactor,
            rng=rng,
            settings=settings,
            services=services,
            health=health,
            rebalancing=rebalancing,
            of_service=of_service,
            lasting=lasting,
            front=cast(GatewaySite, front),
            sweep=sweep,
            admin=admin,
            root=root,
            make_proxy=traffic.exchanges,
            make_admin=make_admin,
            witnesses=witnessing.of,
            is_own=own_address.is_own,
            edge=edge,
            kind=part.kind,
            recorder=recorder,
            recording=recording,
        )
        reload = Reload(reread, running)
        if part.alone:
            Signals(reactor, {SIGHUP: reload.on_signal, SIGUSR1: witnessing.outlets.reopen}).setServiceParent(root)  # type: ignore[no-untyped-call]
    root.doubts = edge.doubts()
    whole = Whole(
        root,
        front,
        registry,
        services,
        health,
        own_address,
        edge,
        admin,
        metrics,
        reload,
        rebalancing,
        events,
        recorder,
        witnessing.outlets.reopen,
    )
    if settings.admin_endpoints and part.alone:
        whole.listen(admin_listener(reactor, settings, admin, inherited))
    return whole


def pseudonym(rng: Random) -> bytes:
    """What a gateway calls itself in Via (RFC 9110 section 7.6.3), so that it knows what comes back to it."""
    return f"openprequal-{rng.getrandbits(48):012x}".encode("ascii")


def _counter(failures: "Counter[str]") -> Callable[[str], None]:
    def count(hook: str) -> None:
        failures[hook] += 1

    return count
