"""The gateway's settings."""

from collections.abc import Iterator, Mapping, Sequence

from openprequal.config.cors import NO_CORS
from openprequal.config.endpoints import (
    TLS_PREFIX,
    all_interfaces,
    endpoint_of,
    listening_endpoints,
    under_tls,
    url_of,
    url_of_endpoints,
)
from openprequal.config.groups.access_log import AccessLogSettings
from openprequal.config.groups.backends import BackendSettings
from openprequal.config.groups.balancing import BalancingSettings
from openprequal.config.groups.checking import CheckingSettings
from openprequal.config.groups.clients import ClientSettings
from openprequal.config.groups.failures import FailureSettings
from openprequal.config.groups.health import HealthSettings
from openprequal.config.groups.listening import ListeningSettings
from openprequal.config.groups.registering import RegistrationSettings
from openprequal.config.groups.responses import ResponseSettings
from openprequal.config.groups.services import ServicesSettings
from openprequal.config.groups.sessions import SessionSettings
from openprequal.config.groups.tls import TlsSettings
from openprequal.config.groups.tracing import TracingSettings
from openprequal.config.rate_limits import RateLimitSettings
from openprequal.config.routes import RouteSettings
from openprequal.config.schema import Conflict
from openprequal.config.services import EffectiveService, ServiceSettings
from openprequal.errors import KeyPath, suggestion
from openprequal.values import DEFAULT_SERVICE


# The last base comes first in ``--help``.
class GatewaySettings(
    TracingSettings,
    AccessLogSettings,
    BackendSettings,
    CheckingSettings,
    ClientSettings,
    FailureSettings,
    HealthSettings,
    ResponseSettings,
    SessionSettings,
    ServicesSettings,
    BalancingSettings,
    RegistrationSettings,
    TlsSettings,
    ListeningSettings,
):
    """Everything ``twistd openprequal`` can be told."""

    def conflicts(self) -> Iterator[Conflict]:
        """What does not fit together."""
        if self.admin_port == self.port and not self.listen:
            reason = f"admin_port and port are both {self.port}: must differ"
            yield Conflict(reason, (("admin_port",), ("port",), ("listen",)))
        if self.admin_port is not None and self.admin_listen:
            reason = "admin_port and admin_listen are both set: only one can say where the admin API is"
            yield Conflict(reason, (("admin_port",), ("admin_listen",)))
        yield from self._tls_conflicts()
        yield from self._rate_limit_conflicts()
        for name, service in self.effective_services.items():
            if service.report_waiting_metric and not service.report_running_metric:
                yield Conflict(
                    f"report_waiting_metric: {name} needs report_running_metric too",
                    (("services", name, "report_waiting_metric"), ("services", name, "report_running_metric")),
                )
            if service.shadow_balancer_parameters and service.shadow_balancer is None:
                yield Conflict(
                    f"shadow_balancer_parameters: {name} needs shadow_balancer too",
                    (("services", name, "shadow_balancer_parameters"), ("services", name, "shadow_balancer")),
                )
        yield from self._route_conflicts()
        yield from self._check_conflicts()
        if self.demo:
            yield from self._demo_conflicts()

    def _tls_conflicts(self) -> Iterator[Conflict]:
        if self.tls_port is not None and self.tls_port in (self.admin_port, None if self.listen else self.port):
            reason = f"tls_port: {self.tls_port} is taken by port or admin_port: must differ"
            yield Conflict(reason, (("tls_port",), ("port",), ("admin_port",)))
        if any(under_tls(endpoint) is not None for endpoint in self.admin_listen):
            reason = "admin_listen: tls: can only be put before what listen names: the admin API speaks no TLS"
            yield Conflict(reason, (("admin_listen",),))
        over_tls = self.tls_port is not None or any(under_tls(endpoint) is not None for endpoint in self.listen)
        if over_tls and not self.tls_certificate:
            reason = "tls_certificate: must be set, because of tls_port or of tls: in listen"
            yield Conflict(reason, (("tls_certificate",), ("tls_port",), ("listen",)))
        if self.tls_certificate and not over_tls:
            reason = "tls_certificate: needs TLS to listen on: set tls_port, or put tls: before an endpoint"
            yield Conflict(reason, (("tls_certificate",), ("tls_port",), ("listen",)))
        if self.tls_client_certificates != "none" and self.tls_client_ca_file is None:
            reason = f"tls_client_certificates: {self.tls_client_certificates} needs tls_client_ca_file too"
            yield Conflict(reason, (("tls_client_certificates",), ("tls_client_ca_file",)))

    def _rate_limit_conflicts(self) -> Iterator[Conflict]:
        limits: dict[KeyPath, tuple[str, Sequence[RateLimitSettings]]] = {
            ("rate_limits",): ("rate_limits", self.effective_rate_limits)
        }
        limits |= {
            ("routes", number, "rate_limits"): (f"routes.{route.name}.rate_limits", route.rate_limits)
            for number, route in enumerate(self.routes)
        }
        for path, (where, rules) in limits.items():
            names = [rule.effective_name for rule in rules]
            for name in sorted({name for name in names if names.count(name) > 1}):
                yield Conflict(f"{where}: two are called {name}: give each a name of its own", (path,))

    def _demo_conflicts(self) -> Iterator[Conflict]:
        if self.port + self.demo > 65535:
            reason = f"demo: {self.demo} backends do not fit on the ports after {self.port}"
            yield Conflict(reason, (("demo",), ("port",)))
        if self.own_url is None:
            reason = "demo: its backends cannot register: the admin API must have a tcp endpoint"
            yield Conflict(reason, (("demo",), ("listen",), ("admin_port",), ("admin_listen",)))
        if not self.token and not self.trust_loopback:
            reason = "demo: its backends cannot register: trust_loopback must be yes, or set a token"
            yield Conflict(reason, (("demo",), ("trust_loopback",), ("token",), ("token_file",)))

    def _route_conflicts(self) -> Iterator[Conflict]:
        services = self.effective_services
        names: set[str] = set()
        for number, route in enumerate(self.routes):
            if route.name in names:
                reason = f"routes: route {number + 1}: the name {route.name} is another's: must be unique"
                yield Conflict(reason, (("routes", number, "name"),))
            names.add(route.name)
            led_to = dict.fromkeys(route.weights, "services" if route.services else "service")
            if route.mirror:
                led_to.setdefault(route.mirror.service, "mirror")
            for service, key in led_to.items():
                if service not in services:
                    reason = (
                        f"routes.{route.name}: there is no service {service}{suggestion(service, services)}"
                        f": must be one of {', '.join(services)}, or add [services.{service}]"
                    )
                    yield Conflict(reason, (("routes", number, key), ("services", service)))
            if route.cors not in (None, NO_CORS, *self.cors):
                reason = f"routes.{route.name}.cors: there is no [cors.{route.cors}]"
                yield Conflict(reason, (("routes", number, "cors"), ("cors",)))

    def checks_of(self, route: RouteSettings | None) -> tuple[str, ...]:
        """Names of the checks that requests of *route* must pass; None: it is the one for all."""
        own = route.checks if route is not None else None
        if own is not None:
            return own
        answered_here = route is not None and (route.redirect is not None or route.respond is not None)
        return () if answered_here else self.default_checks

    def _check_conflicts(self) -> Iterator[Conflict]:
        named: dict[KeyPath, tuple[str, tuple[str, ...]]] = {
            ("default_checks",): ("default_checks", self.default_checks),
            **{
                ("routes", number, "checks"): (f"routes.{route.name}.checks", self.checks_of(route))
                for number, route in enumerate(self.routes)
                if route.checks
            },
        }
        for path, (where, names) in named.items():
            for name in names:
                if name not in self.checks:
                    known = ", ".join(self.checks) or "none is there"
                    reason = f"{where}: there is no check {name}{suggestion(name, self.checks)}: must be one of {known}"
                    yield Conflict(reason, (path, ("checks", name)))
            if len({self.checks[name].kind for name in names if name in self.checks} & {"basic", "jwt"}) > 1:
                yield Conflict(f"{where}: no request can bring both a password and a token in Authorization", (path,))

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Endpoint strings to listen on for clients; at least one."""
        over_tls = () if self.tls_port is None else all_interfaces(self.tls_port)
        return (*listening_endpoints(self.listen, self.port), *(TLS_PREFIX + endpoint for endpoint in over_tls))

    @property
    def admin_endpoints(self) -> tuple[str, ...]:
        """Endpoint strings to listen on for the paths of our own; empty: they are where clients are."""
        if self.admin_port is not None:
            return (endpoint_of(self.admin_interface, self.admin_port),)
        return self.admin_listen

    @property
    def summary(self) -> str:
        """The whole in a line."""
        names = list(self.effective_services)
        routes = f", {len(self.routes)} route{'s' if len(self.routes) > 1 else ''}" if self.routes else ""
        services = f"{len(names)} services ({', '.join(names)})" if len(names) > 1 else "1 service"
        admin = f", admin on {', '.join(self.admin_listen)}" if self.admin_listen else ""
        if self.admin_port:
            admin = f", admin on {self.admin_interface} port {self.admin_port}"
        tls = f", TLS on port {self.tls_port}" if self.tls_port else ""
        return f"{services}{routes}, listening on {', '.join(self.listen) or f'port {self.port}'}{tls}{admin}"

    @property
    def own_url(self) -> str | None:
        """Where a process of this host reaches our registration; None if only Unix sockets and the like lead to it."""
        if self.admin_endpoints:
            return url_of_endpoints(self.admin_endpoints)
        return url_of_endpoints(self.listen) if self.listen else url_of("", self.port)

    @property
    def effective_rate_limits(self) -> Sequence[RateLimitSettings]:
        """All limits on the rate of requests, the one that is a flag first."""
        rate = self.max_requests_per_second_per_client
        if rate is None:
            return self.rate_limits
        name = "max_requests_per_second_per_client"
        return (RateLimitSettings(by="client", per_second=rate, name=name), *self.rate_limits)

    @property
    def effective_services(self) -> Mapping[str, EffectiveService]:
        """Every service by name, with what it inherits filled in; ``default`` always exists."""
        services = {DEFAULT_SERVICE: ServiceSettings(), **self.services}
        return {name: EffectiveService.of(name, service, self) for name, service in services.items()}
