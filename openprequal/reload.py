"""How does a running gateway take other settings, wholly or not at all, without losing a connection?

First everything that the new settings name is made, which finds what is wrong with them and changes nothing; then what
was made takes its place, which cannot fail.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random

from attrs import define
from twisted.logger import Logger
from twisted.web.server import Site

from openprequal.clocks import Periodic
from openprequal.config.changes import changed, needing_restart
from openprequal.config.gateway import GatewaySettings
from openprequal.config.services import EffectiveService
from openprequal.control_plane import follow, health_rules
from openprequal.data_plane import (
    Balancing,
    Clock,
    Services,
    address_rules,
    client_limits,
    configure_member,
    dialling,
    members,
    service_with_balancer,
    sweep_interval_s,
)
from openprequal.descriptors import clients_allowed
from openprequal.edge import Edge
from openprequal.errors import ConfigurationError, NeedsRestart
from openprequal.events.recorder import Recorder
from openprequal.explaining.recording import Exchanges, Recording
from openprequal.forwarding.error_pages import read_error_pages
from openprequal.forwarding.journey import Witness
from openprequal.frontend.gateway_site import GatewaySite
from openprequal.frontend.sweep import Sweep
from openprequal.health.monitor import HealthMonitor
from openprequal.lifecycle import Gateway
from openprequal.rebalancing import Rebalancing
from openprequal.routing.service import Service
from openprequal.upstream.head_memory import forget_heads


@define
class Running:
    """What runs, and makes what is to take its place."""

    reactor: Clock
    rng: Random
    settings: GatewaySettings
    services: Services
    health: HealthMonitor
    rebalancing: Rebalancing
    of_service: dict[str, list[Periodic]]
    """What a service's balancer does again and again."""
    lasting: dict[str, list[Periodic]]
    """Those that belong to a service, whatever balancer it has."""
    front: GatewaySite
    sweep: Sweep
    admin: Site
    root: Gateway
    make_proxy: Callable[[GatewaySettings, Mapping[str, Service]], Exchanges]
    make_admin: Callable[[GatewaySettings], Site]
    witnesses: Callable[[GatewaySettings], Sequence[Witness]]
    is_own: Callable[[str, int], bool]
    """Whether this process listens on an address and port."""
    edge: Edge
    recorder: Recorder
    recording: Recording


class Reload:
    """Reads the settings again and lets the gateway take them."""

    log = Logger()

    def __init__(self, reread: Callable[[], GatewaySettings], running: Running) -> None:
        self._reread = reread
        self._running = running

    def __call__(self, by: str) -> Sequence[str]:
        """Do it; whatever goes wrong has changed nothing.

        :param by: who wants it.
        :return: the names of the settings that changed.
        :raises ConfigurationError: as at the start.
        :raises NeedsRestart: settings have changed that cannot while the gateway runs.
        """
        try:
            names = self._reload()
        except ConfigurationError as error:
            self.log.error("settings not reloaded, nothing has changed: {reason}", reason=error)
            self._running.recorder.not_reloaded(str(error), by)
            raise
        self.log.info("settings reloaded by {by}: {names}", by=by, names=", ".join(names) or "nothing has changed")
        self._running.recorder.reloaded(names, by)
        return names

    def on_signal(self) -> None:
        """Do it where nobody waits for an answer but the log."""
        try:
            self("SIGHUP")
        except ConfigurationError:
            return
        except Exception:
            self.log.failure("settings not reloaded, nothing has changed")

    def _reload(self) -> Sequence[str]:
        new = self._reread()
        names = changed(self._running.settings, new)
        fixed = needing_restart(names)
        if fixed:
            raise NeedsRestart(f"{', '.join(fixed)}: cannot change while the gateway runs: restart it")
        # Certificates and pages are read again even if no setting has changed, wholly or not at all like the settings.
        steps = [self._running.edge.prepare(new)]
        if names or new.error_pages is not None or self._running.rebalancing.by_hand:
            steps.append(_prepare(self._running, new))
        # First the edge: backends of services that are new may be connected to at once.
        for put_in_place in steps:
            put_in_place()
        return names


def _prepare(running: Running, new: GatewaySettings) -> Callable[[], None]:
    """Make everything *new* names.

    :return: what puts it in its place.
    :raises ConfigurationError: something cannot be made.
    """
    admin, rebalancing = running.make_admin(new), running.rebalancing
    errors = read_error_pages(new.error_pages)
    witnesses = running.witnesses(new)
    rules, tls = address_rules(new, running.is_own), running.edge.upstream_tls
    make_member, dial = members(running.reactor, new, rules, tls), dialling(running.reactor, new, rules, tls)
    before, after = running.settings.effective_services, new.effective_services
    _check_left(running.services, before, after)
    _check_fixed(before, after)
    balancings: dict[str, Balancing] = {}
    joining: dict[str, tuple[Service, list[Periodic], list[Periodic]]] = {}
    for name, effective in after.items():
        if name not in before:
            periodics: list[Periodic] = []
            lasting: list[Periodic] = []
            service = service_with_balancer(running.reactor, running.rng, name, effective, new, periodics, lasting)
            joining[name] = service, periodics, lasting
        elif name in rebalancing.by_hand or _differ(effective, before[name], _BALANCING):
            balancings[name] = rebalancing.made(name, effective)
    # Routes may lead to services that are not here yet, and to none that goes.
    staying = {name: service for name, service in running.services.items() if name in after}
    proxy = running.make_proxy(new, {**staying, **{name: service for name, (service, _, _) in joining.items()}})

    def put_in_place() -> None:
        old, running.settings = running.settings, new
        dialled_otherwise = any(getattr(old, each) != getattr(new, each) for each in _DIALLING)
        rebalancing.effective = after
        running.health.configure(make_member, health_rules(new))
        for name, (service, periodics, lasting) in joining.items():
            running.services[name] = service
            follow(service, running.health)
            rebalancing.begin(name, periodics)
            running.lasting[name] = lasting
            rebalancing.start(lasting)
        for name in before.keys() - after.keys():
            del running.services[name]
            rebalancing.by_hand.pop(name, None)
            rebalancing.retire([*running.of_service.pop(name), *running.lasting.pop(name)])
        for name, service in running.services.items():
            up = running.health.offered(name)
            if name in balancings:
                rebalancing.put_in_place(name, balancings[name])
            effective = after[name]
            service.set_limits(up, max_in_flight=effective.backend_max_in_flight, queue_max=effective.queue_max)
            service.retry_budget.configure(effective.retry_budget)
            if dialled_otherwise or name not in before or _differ(effective, before[name], _CONNECTING):
                for member in service.members.values():
                    configure_member(member, dial, effective)
        forget_heads()
        running.front.configure(
            proxy.usual,
            client_limits(new),
            max_connections=clients_allowed(new.max_connections),
            max_connections_per_client=new.max_connections_per_client,
            errors=errors,
            trusted=new.trusted_proxies,
            witnesses=witnesses,
            explained=proxy.explained,
        )
        running.recording.take(proxy, running.front.route_by)
        running.sweep.interval_s = sweep_interval_s(new)
        running.admin.resource = admin.resource
        running.root.grace_s = new.shutdown_grace_seconds

    return put_in_place


_BALANCING = (
    *("load_balancer_class", "balancer_parameters", "backend_health_path", "report_format", "backend_probe_path"),
    *("report_running_metric", "report_waiting_metric", "report_poll_seconds", "slow_start_seconds"),
    *("shadow_balancer", "shadow_balancer_parameters"),
)
"""Settings that a service's balancer and probes were made with."""

_CONNECTING = (
    *("upstream_max_idle", "upstream_idle_timeout_seconds"),
    *("upstream_ca_file", "upstream_certificate_file", "upstream_server_name"),
)
"""Settings that the connections to a service's backends were made with."""

_DIALLING = ("connect_timeout_seconds", "backend_networks", "backend_sockets")
"""The same for all services."""

_FIXED = ("service_max_in_flight", "hedge_percentile", "sticky", "sticky_cookie")
"""Settings that a service is made with for good."""


def _differ(one: EffectiveService, other: EffectiveService, names: Sequence[str]) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in names)


def _check_left(
    services: Services, before: Mapping[str, EffectiveService], after: Mapping[str, EffectiveService]
) -> None:
    """:raises NeedsRestart: a service is gone from the settings, but its backends are still here."""
    for name in before.keys() - after.keys():
        if services[name].members:
            count = len(services[name].members)
            raise NeedsRestart(f"services.{name}: cannot be removed: {count} backends are registered for it")


def _check_fixed(before: Mapping[str, EffectiveService], after: Mapping[str, EffectiveService]) -> None:
    """:raises NeedsRestart: a service that stays has another limit or hedges otherwise, or does now, or no more."""
    for name in before.keys() & after.keys():
        for each in _FIXED:
            if _differ(before[name], after[name], (each,)):
                raise NeedsRestart(f"services.{name}.{each}: cannot change while the gateway runs: restart it")
