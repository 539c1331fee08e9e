"""The gateway's settings."""

from collections.abc import Mapping, Sequence
from typing import Self

from pydantic import model_validator

from openprequal.config.endpoints import listening_endpoints, url_of, url_of_endpoints
from openprequal.config.groups.backends import BackendSettings
from openprequal.config.groups.balancing import BalancingSettings
from openprequal.config.groups.clients import ClientSettings
from openprequal.config.groups.failures import FailureSettings
from openprequal.config.groups.health import HealthSettings
from openprequal.config.groups.listening import ListeningSettings
from openprequal.config.groups.registering import RegistrationSettings
from openprequal.config.rate_limits import RateLimitSettings
from openprequal.config.services import (
    INFERENCE_BALANCER,
    INFERENCE_POLL_S,
    INFERENCE_SERVERS,
    EffectiveService,
    ServiceSettings,
)
from openprequal.config.statuses import statuses_of
from openprequal.values import DEFAULT_SERVICE, ReportFormat


# The last base comes first in ``--help``.
class GatewaySettings(
    BackendSettings,
    ClientSettings,
    FailureSettings,
    HealthSettings,
    BalancingSettings,
    RegistrationSettings,
    ListeningSettings,
):
    """Everything ``twistd openprequal`` can be told."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.admin_port == self.port and not self.listen:
            raise ValueError(f"admin_port and port are both {self.port}: must differ")
        if min(statuses_of(self.retry_statuses) or {500}) < 500:
            raise ValueError(f"retry_statuses: {', '.join(self.retry_statuses)}: only 500 and above can be retried")
        names = [rule.effective_name for rule in self.effective_rate_limits]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"rate_limits: two are called {min(twice)}: give each a name of its own")
        for name, service in self.effective_services.items():
            if service.report_waiting_metric and not service.report_running_metric:
                raise ValueError(f"report_waiting_metric: {name} needs report_running_metric too")
        if not self.demo:
            return self
        if self.port + self.demo > 65535:
            raise ValueError(f"demo: {self.demo} backends do not fit on the ports after {self.port}")
        if self.own_url is None:
            raise ValueError("demo: its backends cannot register: listen must have a tcp endpoint, or set admin_port")
        if self.token is None and not self.trust_loopback:
            raise ValueError("demo: its backends cannot register: trust_loopback must be yes, or set a token")
        return self

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Endpoint strings to listen on for clients; at least one."""
        return listening_endpoints(self.listen, self.port)

    @property
    def own_url(self) -> str | None:
        """Where a process of this host reaches our registration; None if only Unix sockets and the like lead to it."""
        if self.admin_port is not None:
            return url_of(self.admin_interface, self.admin_port)
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
        return {name: self._effective(service) for name, service in services.items()}

    def _effective(self, service: ServiceSettings) -> EffectiveService:
        name = service.report_format or self.report_format
        server = INFERENCE_SERVERS.get(name)
        report_format = ReportFormat.PROMETHEUS if server is not None else ReportFormat(name)
        balancer = service.load_balancer_class
        if balancer is None and server is not None and "load_balancer_class" not in self.model_fields_set:
            balancer = INFERENCE_BALANCER
        # Another balancer's parameters would only be refused.
        inherited = {} if balancer else self.balancer_parameters
        parameters = service.balancer_parameters
        # The path of the gateway's format leads nowhere in another.
        probe_path = service.backend_probe_path or (None if service.report_format else self.backend_probe_path)
        running = service.report_running_metric or self.report_running_metric
        waiting = service.report_waiting_metric or self.report_waiting_metric
        if server is not None and not running:
            running, waiting = server.running, server.waiting
        return EffectiveService(
            load_balancer_class=balancer or self.load_balancer_class,
            balancer_parameters=inherited if parameters is None else parameters,
            backend_health_path=service.backend_health_path or self.backend_health_path,
            report_format=report_format,
            backend_probe_path=probe_path or report_format.probe_path,
            report_running_metric=running,
            report_waiting_metric=waiting,
            report_poll_seconds=service.report_poll_seconds
            or self.report_poll_seconds
            or (INFERENCE_POLL_S if server is not None else None),
            service_max_in_flight=service.service_max_in_flight or self.service_max_in_flight,
        )
