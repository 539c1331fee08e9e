"""What may be said of one service, and what follows from that and from what is said of all?"""

from typing import Any, Self

from openprequal.config.groups.backends import ServiceConnections
from openprequal.config.groups.balancing import ServiceBalancing
from openprequal.config.groups.failures import ServiceFailures
from openprequal.config.groups.health import ServiceHealth
from openprequal.config.groups.sessions import ServiceSessions
from openprequal.config.report_presets import INFERENCE_BALANCER, INFERENCE_POLL_S, INFERENCE_SERVERS
from openprequal.config.schema import Settings
from openprequal.values import DEFAULT_SERVICE, ReportFormat


# The last base comes first in the documentation.
class ServiceSettings(ServiceConnections, ServiceFailures, ServiceHealth, ServiceSessions, ServiceBalancing):
    """One service, ``[services.NAME]`` in the file; what it leaves out is as for the gateway.

    What was said is in ``model_fields_set``; everything else has a default of no meaning here: see
    :class:`EffectiveService`.
    """

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and self.model_fields_set == getattr(other, "model_fields_set", None)

    @property
    def said(self) -> dict[str, Any]:
        """What this service says itself."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class EffectiveService(ServiceSettings):
    """A service with everything filled in that its own settings leave out, as the planes read it."""

    @classmethod
    def of(cls, name: str, service: ServiceSettings, gateway: Settings) -> Self:
        """What *service*, of that name, comes to in *gateway*, the settings that hold for all services."""
        said = service.said
        values = {name: getattr(gateway, name) for name in ServiceSettings.model_fields}
        if "load_balancer_class" in said:
            # Another balancer's parameters would only be refused.
            values["balancer_parameters"] = {}
        if "shadow_balancer" in said:
            values["shadow_balancer_parameters"] = {}
        if "report_format" in said:
            # The path of the gateway's format leads nowhere in another.
            values["backend_probe_path"] = None
        if name != DEFAULT_SERVICE:
            # Else a client of two services would lose the session of one at the other.
            values["sticky_cookie"] += f"-{name}"
        values |= said
        server = INFERENCE_SERVERS.get(values["report_format"])
        if server is not None:
            values["report_format"] = ReportFormat.PROMETHEUS.value
            values["report_poll_seconds"] = values["report_poll_seconds"] or INFERENCE_POLL_S
            if not values["report_running_metric"]:
                values |= {"report_running_metric": server.running, "report_waiting_metric": server.waiting}
            if "load_balancer_class" not in said.keys() | gateway.model_fields_set:
                values |= {
                    "load_balancer_class": INFERENCE_BALANCER,
                    "balancer_parameters": said.get("balancer_parameters", {}),
                }
        values["backend_probe_path"] = values["backend_probe_path"] or ReportFormat(values["report_format"]).probe_path
        return cls.model_construct(**values)

    @property
    def format(self) -> ReportFormat:
        """How its backends write their load reports."""
        return ReportFormat(self.report_format)
