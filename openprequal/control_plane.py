"""How is what stands beside the requests put together from the settings? Registry, health, admin API, restart."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from random import Random
from signal import SIGUSR2
from typing import Any

from attrs import evolve
from prometheus_client import CollectorRegistry
from twisted.web.server import Site

from openprequal import __version__
from openprequal.admin.access import AccessRules
from openprequal.admin.backend_rows import backend_rows
from openprequal.admin.operations import Operations
from openprequal.admin.routes import Admin
from openprequal.admin.whereabouts import objection
from openprequal.balancing.catalogue import BALANCERS
from openprequal.clocks import Periodic
from openprequal.config.gateway import GatewaySettings
from openprequal.config.names import resolve
from openprequal.config.services import EffectiveService
from openprequal.config.statuses import statuses_of
from openprequal.config.tokens import Tokens
from openprequal.dashboard.history import SAMPLE_S, History
from openprequal.dashboard.paths import DashboardPaths
from openprequal.dashboard.snapshot import MOST_EVENTS, Looked
from openprequal.dashboard.stream import Stream
from openprequal.data_plane import Clock, Services, configured_hook, members
from openprequal.events.ring import EventRing, Kind
from openprequal.events.surges import LOOK_S, Surges
from openprequal.health.ejection import EjectionRules
from openprequal.health.monitor import CheckRules, HealthMonitor, HealthRules
from openprequal.hooks.registration import RegistrationHooks
from openprequal.interfaces import IRegistry, IRegistrySource, RegistryContext
from openprequal.lifecycle import Gateway
from openprequal.listening import ListeningService
from openprequal.metrics.exposition import exposition_in_turns
from openprequal.metrics.families import ServiceSample
from openprequal.registry.catalogue import REGISTRIES
from openprequal.registry.memory import MemoryRegistry
from openprequal.restart.inheritance import Inheritance, membership_line
from openprequal.restart.predecessor import Predecessor, TakingOver
from openprequal.restart.successor import CommandLine, Restart
from openprequal.route_table import route_rows
from openprequal.routing.service import Service
from openprequal.signals import Signals
from openprequal.upstream.address_rules import AddressRules
from openprequal.upstream.trust import UpstreamTls
from openprequal.values import Backend, LoadReport, ReportWay


def configured_registry(reactor: Clock, rng: Random, settings: GatewaySettings) -> IRegistry:
    """Who exists.

    :raises ConfigurationError: its class or a parameter cannot be used.
    """
    make = resolve(settings.registry_class, "registry_class", REGISTRIES, IRegistry)
    context = RegistryContext(
        reactor, settings.max_backends, settings.backend_heartbeat_timeout, settings.registry_parameters, rng, reactor
    )
    registry: IRegistry = make(context)
    return registry


def source_of(registry: IRegistry) -> IRegistrySource | None:
    """What *registry* tells of the source elsewhere that its membership is from; None: it has none."""
    return registry if IRegistrySource.providedBy(registry) else None


def not_read(registry: IRegistry) -> str | None:
    """Why a gateway should get no traffic on account of its *registry*; None: it may.

    A source that is away keeps nobody from serving those known last.
    """
    source = source_of(registry)
    return "the registry has not been read yet" if source is not None and source.age_s() is None else None


def health_of(
    services: Services,
    reactor: Clock,
    rng: Random,
    settings: GatewaySettings,
    rules: AddressRules,
    tls: Mapping[str, UpstreamTls],
    make: Callable[..., HealthMonitor] = HealthMonitor,
) -> HealthMonitor:
    """Who of those that exist may be picked.

    :param rules: where they may be.
    :param tls: how it is spoken with https backends, by service.
    """
    health = make(
        reactor, rng, services, members(reactor, settings, rules, tls), rules=health_rules(settings), zone=settings.zone
    )
    for service in services.values():
        follow(service, health)
    return health


def health_rules(settings: GatewaySettings) -> Mapping[str, HealthRules]:
    """How the backends of each service are judged."""
    return {name: _health_rules(service) for name, service in settings.effective_services.items()}


def _health_rules(service: EffectiveService) -> HealthRules:
    ejection = None
    if service.eject_after_failures is not None:
        ejection = EjectionRules(
            failures=service.eject_after_failures,
            error_rate=service.eject_error_rate,
            first_s=service.eject_seconds,
            most_s=service.eject_max_seconds,
        )
    checks = CheckRules(
        interval_s=service.health_interval_seconds,
        timeout_s=service.health_timeout_seconds,
        rise=service.health_rise,
        fall=service.health_fall,
        jitter=service.health_jitter,
        statuses=statuses_of(service.health_statuses),
    )
    return HealthRules(service.backend_health_path, checks, ejection, service.zone_healthy_share)


def follow(service: Service, health: HealthMonitor) -> None:
    """Let *health* watch over the backends of *service*, and hear what its traffic tells of them."""
    service.state_told = health.told_state
    service.failed = health.failed
    health.watch(service)


def access_rules(settings: GatewaySettings) -> AccessRules:
    """Who may call the admin API."""
    return AccessRules(
        tokens=Tokens(settings.token, settings.token_file, lambda why: Admin.log.warn("{why}", why=why)).now,
        trust_loopback=settings.trust_loopback,
        networks=settings.admin_networks,
    )


def accepting(access: AccessRules, token: str | None) -> AccessRules:
    """*access*, with *token* valid beside the others; None: none is."""
    return access if token is None else evolve(access, tokens=lambda: (*access.tokens(), token))


def admin_site(
    reactor: Clock,
    settings: GatewaySettings,
    registry: IRegistry,
    services: Services,
    health: HealthMonitor,
    metrics: CollectorRegistry,
    rules: AddressRules,
    *,
    stream: Stream,
    not_ready: Callable[[], str | None],
    count_hook_failure: Callable[[str], None],
    operations: Operations,
    events: EventRing,
    explain: Callable[[bytes], dict[str, object]],
    reload: Callable[[str], Sequence[str]] | None = None,
    answers: Mapping[str, Any] | None = None,
    demo_token: str | None = None,
    shows_all: bool = True,
) -> Site:
    """What is asked of the gateway itself.

    :param stream: what the dashboard shows; it lasts when the settings are read again.
    :param not_ready: why this gateway should get no traffic now; None: it should.
    :param explain: answers what is asked of picks, by the query.
    :param reload: reads the settings anew, for who asks; None: they came from a program.
    :param answers: parameters of :class:`~openprequal.admin.routes.Admin` that are others than those made here.
    :param shows_all: the requests of this gateway are this process's, so that *stream* can show them.
    :param demo_token: valid beside those of the settings; None: there is none.
    :raises ConfigurationError: a registration hook cannot be used.
    """
    access = accepting(evolve(access_rules(settings), own_origin=bool(settings.admin_endpoints)), demo_token)
    own: dict[str, Any] = {
        "registry": registry,
        "services": services,
        "access": access,
        "hooks": RegistrationHooks(
            reactor,
            settings.hook_timeout_seconds,
            count_hook_failure,
            register=configured_hook(settings.custom_register_hook, "custom_register_hook"),
            unregister=configured_hook(settings.custom_unregister_hook, "custom_unregister_hook"),
        ),
        "backend_rows": lambda: backend_rows(services, health.standings, reactor.seconds()),
        "ready": not_ready,
        "metrics_page": lambda accept: exposition_in_turns(reactor, metrics, (accept or b"").decode("latin-1")),
        "heartbeat": lambda backend, report: heartbeat(services, backend, report, reactor.seconds()),
        "refuse": partial(objection, rules),
        "heartbeat_timeout_s": settings.backend_heartbeat_timeout,
        "operations": operations,
        "events": events,
        "reload": reload,
        "route_rows": lambda: route_rows(settings.routes),
        "explain": explain,
    }
    resource = Admin(**own | dict(answers or {})).resource()
    site = Site(DashboardPaths(resource, access, stream if shows_all else None))
    site.displayTracebacks = False
    site.noisy = False
    return site


def dashboard(
    reactor: Clock,
    services: Services,
    health: HealthMonitor,
    samples: Callable[[], Iterable[ServiceSample]],
    balancers: Callable[[], Sequence[Mapping[str, object]]],
    ring: EventRing,
    *,
    own_origin: bool,
    more: Mapping[str, object],
) -> tuple[Stream, Periodic]:
    """What the dashboard shows, and what keeps the last minutes for it.

    :param balancers: which balancer each service has now.
    :param own_origin: no backend's page has the dashboard's origin, so that it may keep its token.
    :param more: what else it is told of this process.
    """

    def events(after: int) -> tuple[Sequence[object], int]:
        return [event.row for event in ring.after(after)[-MOST_EVENTS:]], ring.last

    history = History(services)
    looked = Looked(services, health.standings, samples, history, balancers, events)
    about = {"version": __version__, "balancers": list(BALANCERS), "own_origin": own_origin, **more}
    stream = Stream(reactor, looked, about)
    return stream, Periodic(reactor, SAMPLE_S, lambda: history.tick(reactor.seconds()), "samples of the last minutes")


def surges_of(clock: Clock, services: Services, ring: EventRing) -> Periodic:
    """Makes events of errors and retries."""
    surges = (
        Surges(
            ring,
            Kind.ERRORS,
            "requests were answered with an error (5xx)",
            lambda: {name: service.tally.errors for name, service in services.items()},
        ),
        Surges(
            ring,
            Kind.RETRIES,
            "requests were sent to a backend again",
            lambda: {name: sum(service.retry_budget.counts.values()) for name, service in services.items()},
        ),
    )

    def tick() -> None:
        for each in surges:
            each.tick(clock.seconds())

    return Periodic(clock, LOOK_S, tick, "events of errors")


def admin_listener(
    reactor: Clock, settings: GatewaySettings, site: Site, inherited: Mapping[str, int] | None
) -> ListeningService:
    """Listens where the admin API has listeners of its own."""
    return ListeningService(reactor, settings.admin_endpoints, site, "openprequal admin", inherited)


def restart_on_signal(
    reactor: Clock,
    settings: GatewaySettings,
    root: Gateway,
    registry: IRegistry,
    health: HealthMonitor,
    listeners: Sequence[ListeningService],
    command: CommandLine,
) -> None:
    """Let SIGUSR2 replace this process while *root* runs."""

    def why_not() -> str | None:
        if root.stopping:
            return "shutting down"
        return "its --demo backends end with it" if settings.demo else None

    def membership() -> bytes:
        return membership_line(registry.backends(), health.offered_ids(), health.by_hand.orders())

    restart = Restart(reactor, command, listeners, membership, why_not=why_not)
    root.giving_up = restart.give_up
    Signals(reactor, {SIGUSR2: restart.begin}).setServiceParent(root)  # type: ignore[no-untyped-call]


def taking_over(
    reactor: Clock,
    registry: IRegistry,
    health: HealthMonitor,
    listeners: Sequence[ListeningService],
    inheritance: Inheritance,
    ready: Callable[[], bool] = lambda: True,
) -> TakingOver:
    """What takes the place of the process that *inheritance* is from.

    :param ready: whether all is known here where requests come in.
    """

    def offered() -> set[str]:
        return health.offered_ids() if ready() else set()

    # Another registry has a source of its own.
    told = registry if isinstance(registry, MemoryRegistry) else None
    take_orders, restore_errors = health.by_hand.take_over, inheritance.restore_standard_error
    predecessor = Predecessor(reactor, told, offered, take_orders, listeners, restore_errors, reactor.stop)
    return TakingOver(reactor, inheritance, predecessor)


def heartbeat(services: Services, backend: Backend, report: LoadReport, now: float) -> None:
    """*backend* told its load with its registration."""
    service = services[backend.service]
    member = service.members.get(backend.id)
    if member is not None and service.reports.believes:
        service.reported(member, report, now, ReportWay.HEARTBEAT)
