"""The gateway's settings."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from attrs import frozen
from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, PlainValidator, model_validator

from openprequal.config.endpoints import listening_endpoints, url_of, url_of_endpoints
from openprequal.config.schema import (
    FieldName,
    Path,
    ServiceName,
    Settings,
    SplitTexts,
    Texts,
    Token,
    setting,
)
from openprequal.config.statuses import Statuses, statuses_of
from openprequal.values import DEFAULT_SERVICE, ReportFormat

_LISTENING = "Listening"
_REGISTRATION = "Registration"
_BALANCING = "Balancing and hooks"
_HEALTH = "Health and metrics"
_FAILURES = "Failures and overload"
_CLIENTS = "Limits on clients"
_BACKENDS = "Connections to backends"


FormatName = Literal[
    "auto",
    "none",
    "openprequal",
    "prequal-rs",
    "openprequal-fastapi",
    "libvmod-prequal",
    "json",
    "orca",
    "prometheus",
    "vllm",
    "sglang",
    "llamacpp",
]


@frozen
class InferenceServer:
    """What is known of a server whose load is the requests it runs and those that wait for it."""

    running: str
    """Its metric of the former,"""
    waiting: str
    """and of the latter."""


INFERENCE_SERVERS: Mapping[str, InferenceServer] = {
    "vllm": InferenceServer("vllm:num_requests_running", "vllm:num_requests_waiting"),
    "sglang": InferenceServer("sglang:num_running_reqs", "sglang:num_queue_reqs"),
    "llamacpp": InferenceServer("llamacpp:requests_processing", "llamacpp:requests_deferred"),
}
"""Presets: report formats that say more than how the report is written."""

INFERENCE_BALANCER = "least_rif"
"""Whose answer begins late says how long the queue was when it came, and of the others nothing: running and waiting
requests alone are what to go by (docs/benchmarks.md)."""

INFERENCE_POLL_S = 0.25
"""As often as such a server can make its page for several gateways without noticing."""


PollSeconds = Annotated[float, Field(ge=0.02)]


def _max_in_flight(value: object) -> object:
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if value is None or value == "auto" or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise ValueError("auto or a whole number of at least 1")


# A validator of its own: pydantic would tell of each member of the union what is wrong with it.
MaxInFlight = Annotated[int | Literal["auto"] | None, PlainValidator(_max_in_flight)]


class ServiceSettings(BaseModel):
    """One service, ``[services.NAME]`` in the file; what it leaves out is as for the gateway."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    load_balancer_class: str | None = None
    balancer_parameters: dict[str, Any] | None = None
    backend_health_path: Path | None = None
    report_format: FormatName | None = None
    backend_probe_path: Path | None = None
    report_running_metric: str | None = None
    report_waiting_metric: str | None = None
    report_poll_seconds: PollSeconds | None = None
    service_max_in_flight: MaxInFlight = None


@frozen
class EffectiveService:
    """A service with everything filled in that its own settings leave out."""

    load_balancer_class: str
    balancer_parameters: Mapping[str, Any]
    backend_health_path: str
    report_format: ReportFormat
    backend_probe_path: str | None
    """None: the health path."""
    report_running_metric: str | None
    report_waiting_metric: str | None
    report_poll_seconds: float | None
    """Every backend is asked once in so long; None: as the balancer asks."""
    service_max_in_flight: int | Literal["auto"] | None


class GatewaySettings(Settings):
    """Everything ``twistd openprequal`` can be told."""

    port: int = setting(8000, "TCP port, on all interfaces, IPv6 too.", group=_LISTENING, ge=1, le=65535)
    listen: Texts = setting(
        (), "Twisted endpoint string to listen on instead, like unix:/run/gateway.sock.", group=_LISTENING
    )
    admin_port: int | None = setting(
        None,
        "Port for registration, metrics and the other paths of our own; none: they are on the proxied port.",
        group=_LISTENING,
        ge=1,
        le=65535,
    )
    admin_interface: str = setting("127.0.0.1", "Address the admin port is bound to.", group=_LISTENING)
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], SplitTexts] = setting(
        (),
        "Network of proxies in front whose X-Forwarded-* and Forwarded are believed.",
        group=_LISTENING,
        allowed="networks like 10.0.0.0/8 or fd00::/8",
    )
    demo: int = setting(
        0, "Example backends to start beside, on the ports after --port.", group=_LISTENING, ge=0, le=64
    )
    shutdown_grace_seconds: float = setting(
        10.0, "Seconds that requests under way may take to end at shutdown.", group=_LISTENING, ge=0
    )

    token: Token | None = setting(
        None,
        "What everyone but trusted loopback must send as Authorization: Bearer.",
        group=_REGISTRATION,
        secret=True,
    )
    token_file: str | None = setting(None, "File that holds the token.", group=_REGISTRATION)
    trust_loopback: bool = setting(
        True, "Clients of this host need no token; no behind a proxy on this host.", group=_REGISTRATION
    )
    max_backends: int = setting(10_000, "Backends that may be registered.", group=_REGISTRATION, ge=1)
    backend_heartbeat_timeout: float | None = setting(
        None,
        "Seconds of silence after which a backend with a heartbeat is removed; none: twice its interval.",
        group=_REGISTRATION,
        env="BACKEND_HEARTBEAT_TIMEOUT",
        gt=0,
    )
    registry_class: str = setting(
        "memory", "Registry: a short name or a dotted path.", group=_REGISTRATION, env="REGISTRY_CLASS"
    )
    custom_register_hook: str | None = setting(
        None, "Called before a backend is registered: a dotted path.", group=_REGISTRATION, env="CUSTOM_REGISTER_HOOK"
    )
    custom_unregister_hook: str | None = setting(
        None, "Called after one unregistered: a dotted path.", group=_REGISTRATION, env="CUSTOM_UNREGISTER_HOOK"
    )

    load_balancer_class: str = setting(
        "Prequal",
        "Balancer: Prequal, RoundRobin, another of docs/balancers.md, or a dotted path.",
        group=_BALANCING,
        env="LOAD_BALANCER_CLASS",
    )
    balancer_parameters: dict[str, Any] = setting(
        {}, "Parameters of the balancer: a table.", group=_BALANCING, text=False
    )
    services: dict[ServiceName, ServiceSettings] = setting(
        {}, "Named sets of backends: a table for each.", group=_BALANCING, text=False
    )
    custom_path_rewrite: str | None = setting(
        None,
        "Maps the path a client asked for to the backend's: a dotted path.",
        group=_BALANCING,
        env="CUSTOM_PATH_REWRITE",
    )
    custom_request_hook: str | None = setting(
        None, "Called for each request: a dotted path.", group=_BALANCING, env="CUSTOM_REQUEST_HOOK"
    )
    custom_response_hook: str | None = setting(
        None, "Called for each response head: a dotted path.", group=_BALANCING, env="CUSTOM_RESPONSE_HOOK"
    )
    hook_timeout_seconds: float = setting(1.0, "Seconds a hook may take.", group=_BALANCING, gt=0)

    backend_health_path: Path = setting(
        "/healthz",
        "Path that health checks ask for.",
        group=_HEALTH,
        env="BACKEND_HEALTH_PATH",
    )
    health_interval_seconds: float = setting(5.0, "Seconds between two checks of a backend.", group=_HEALTH, gt=0)
    health_timeout_seconds: float = setting(2.0, "Seconds a check may take.", group=_HEALTH, gt=0)
    health_rise: int = setting(1, "Passed checks in a row that bring a backend up.", group=_HEALTH, ge=1)
    health_fall: int = setting(2, "Failed checks in a row that take it down.", group=_HEALTH, ge=1)
    health_jitter: float = setting(0.2, "Share of the interval by which intervals differ.", group=_HEALTH, ge=0, le=1)
    health_statuses: Statuses = setting(
        (),
        "Status that a check must be answered with; none: 2xx and 3xx, and 4xx where no health path was registered.",
        group=_HEALTH,
        allowed="status codes like 200, or ranges like 200-299",
    )
    latency_window_seconds: float = setting(
        300.0,
        "Seconds that the averages in /metrics and /backends look back; never used to balance.",
        group=_HEALTH,
        env="LATENCY_WINDOW_SECONDS",
        gt=0,
    )
    report_format: FormatName = setting(
        "auto",
        "How backends report their load; auto: whatever is recognised, none: nothing is believed. With vllm, sglang and"
        " llamacpp their metrics are polled, and the balancer is least_rif unless you name one.",
        group=_HEALTH,
    )
    backend_probe_path: Path | None = setting(
        None,
        "Path that probes ask for where a registration names none; none: the report format's own, or the health path.",
        group=_HEALTH,
    )
    report_running_metric: str | None = setting(
        None, "Metric that tells how many requests a backend runs; none: those of known servers.", group=_HEALTH
    )
    report_waiting_metric: str | None = setting(
        None, "Metric that tells how many wait there, to be added; none: no such metric.", group=_HEALTH
    )
    report_poll_seconds: float | None = setting(
        None,
        "Seconds between two probes of a backend, whatever the balancer asks for; none: as it asks, and 0.25 with vllm,"
        " sglang and llamacpp.",
        group=_HEALTH,
        ge=0.02,
    )
    response_report_strip: bool = setting(
        True, "Remove load reports from responses before clients see them.", group=_HEALTH
    )

    zone: str | None = setting(
        None, "Where this gateway is: backends that registered the same zone, or none, come first.", group=_FAILURES
    )
    zone_healthy_share: float = setting(
        0.5,
        "Share of a zone's backends, or of a priority's, that must be healthy, or the next is used too.",
        group=_FAILURES,
        gt=0,
        le=1,
    )
    eject_after_failures: int | None = setting(
        5,
        "Failures in a row, while its peers do not fail alike, after which a backend gets no requests for a while; "
        "none: nobody is ejected.",
        group=_FAILURES,
        ge=1,
    )
    eject_error_rate: float = setting(
        0.5, "The same by the share that fails, if above twice its peers'.", group=_FAILURES, gt=0, le=1
    )
    eject_seconds: float = setting(
        10.0, "Seconds of the first ejection; each that follows soon is twice as long.", group=_FAILURES, gt=0
    )
    eject_max_seconds: float = setting(300.0, "Seconds of the longest.", group=_FAILURES, gt=0)

    service_max_in_flight: MaxInFlight = setting(
        None,
        "Requests under way to all backends of a service; beyond it they wait in its queue or get 503. auto: found by "
        "the latency; none: no limit.",
        group=_FAILURES,
        allowed="auto or a whole number of at least 1",
    )
    deadline_header: FieldName | None = setting(
        None,
        "Field, like X-Deadline-Ms, that tells backends how many milliseconds are left for a request; none: none.",
        group=_FAILURES,
        allowed="a field name",
    )
    retry_attempts: int = setting(
        2,
        "Further backends tried when one breaks before its response, if the request may be repeated.",
        group=_FAILURES,
        ge=0,
    )
    retry_budget: float = setting(
        0.2,
        "Share of requests that may be sent again, refused connects included, with 3 a second at least; 0: none.",
        group=_FAILURES,
        ge=0,
        le=1,
    )
    retry_statuses: Statuses = setting(
        (),
        "Status of a response after which another backend is tried, like 502-504.",
        group=_FAILURES,
        allowed="status codes like 503, or ranges like 502-504, all from 500",
    )
    retry_unsafe: Literal["no", "keyed", "yes"] = setting(
        "no",
        "Repeat POST and PATCH too; keyed: those with an Idempotency-Key.",
        group=_FAILURES,
    )
    retry_body_max_bytes: int = setting(
        65_536, "Bytes of a request body that are kept to be sent again.", group=_FAILURES, ge=0
    )
    try_timeout_seconds: float | None = setting(
        None,
        "Seconds without a response head after which another backend is tried, if one may; none: never.",
        group=_FAILURES,
        gt=0,
    )

    hedge_percentile: float | None = setting(
        None,
        "Ask a second backend when a response takes longer than so many percent do, within retry_budget; none: never.",
        group=_FAILURES,
        ge=1,
        le=99.9,
    )

    request_line_max_bytes: int = setting(8192, "Bytes of a request line.", group=_CLIENTS, ge=64, le=1 << 20)
    header_max_bytes: int = setting(32_768, "Bytes of a header section.", group=_CLIENTS, ge=64, le=1 << 24)
    header_max_fields: int = setting(100, "Fields of a header section.", group=_CLIENTS, ge=1)
    body_max_bytes: int | None = setting(None, "Bytes of a request body; none: no limit.", group=_CLIENTS, ge=0)
    header_timeout_seconds: float = setting(10.0, "Seconds to send a request head.", group=_CLIENTS, gt=0)
    idle_timeout_seconds: float = setting(75.0, "Seconds a connection may idle between requests.", group=_CLIENTS, gt=0)
    max_connections: int = setting(20_000, "Client connections at a time.", group=_CLIENTS, ge=1)
    max_connections_per_client: int | None = setting(
        None, "The same for one client address; none: no limit.", group=_CLIENTS, ge=1
    )

    connect_timeout_seconds: float = setting(2.0, "Seconds to connect.", group=_BACKENDS, gt=0)
    response_timeout_seconds: float = setting(60.0, "Seconds to wait for a response head.", group=_BACKENDS, gt=0)
    stall_timeout_seconds: float = setting(
        60.0, "Seconds in which a body must move, in either direction.", group=_BACKENDS, gt=0
    )
    total_timeout_seconds: float | None = setting(
        None, "Seconds a request may take in all; none: no limit.", group=_BACKENDS, gt=0
    )
    upstream_idle_timeout_seconds: float = setting(30.0, "Seconds an idle connection is kept.", group=_BACKENDS, gt=0)
    upstream_max_idle: int = setting(512, "Idle connections kept to each backend.", group=_BACKENDS, ge=0)
    backend_max_in_flight: int | None = setting(
        None, "Requests under way to each backend; none: no limit.", group=_BACKENDS, ge=1
    )
    queue_max: int = setting(128, "Requests of a service that may wait for a free backend.", group=_BACKENDS, ge=0)
    queue_timeout_seconds: float = setting(1.0, "Seconds they may wait.", group=_BACKENDS, gt=0)
    upstream_ca_file: str | None = setting(
        None,
        "PEM file of the authorities whose certificates https backends may show; none: the system's.",
        group=_BACKENDS,
    )
    host_header: Literal["keep", "backend"] = setting(
        "keep", "Host that backends see; keep: what the client sent, backend: their own.", group=_BACKENDS
    )
    forwarded: bool = setting(False, "Send Forwarded (RFC 7239) beside X-Forwarded-*.", group=_BACKENDS)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.admin_port == self.port and not self.listen:
            raise ValueError(f"admin_port and port are both {self.port}: must differ")
        if min(statuses_of(self.retry_statuses) or {500}) < 500:
            raise ValueError(f"retry_statuses: {', '.join(self.retry_statuses)}: only 500 and above can be retried")
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
