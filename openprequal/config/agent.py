"""The settings of what runs at a backend: the agent, and the example backend around it."""

import warnings
from ipaddress import ip_address
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, model_validator

from openprequal.config.endpoints import listening_endpoints
from openprequal.config.schema import (
    Path,
    ServiceName,
    Settings,
    SplitTexts,
    Texts,
    Token,
    setting,
)
from openprequal.hints import RULE_ALLOWED, HintRule
from openprequal.values import DEFAULT_SERVICE

_LISTENING = "Listening"
_REGISTRATION = "Registration"
_SIDECAR = "Sidecar, with --upstream"
_LOAD = "What a request costs, without --upstream"

# The name hides BaseModel.register, which is ABCMeta's and nothing here needs.
warnings.filterwarnings("ignore", message='Field name "register" in "AgentSettings" shadows')

REPORT_FORMATS = ("openprequal", "prequal-rs")

ReportFormatName = Literal["openprequal", "prequal-rs", "orca"]
URL_ALLOWED = "http(s)://host:port without credentials, query and fragment"
ORIGIN_ALLOWED = "http(s)://host:port and nothing else"
GATEWAY_ALLOWED = f"{URL_ALLOWED}, or dns+http://name:port for every address of the name"
UPSTREAM_ALLOWED = f"{ORIGIN_ALLOWED}, or unix:///path"


def _url(text: str) -> str:
    """*text* without a trailing slash, if it is an HTTP URL that a process can be reached by."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or set(text) & set("@?# ") or not text.isprintable():
        raise ValueError(URL_ALLOWED)
    return text.rstrip("/")


def _gateway(text: str) -> str:
    """*text* without a trailing slash, if it says where gateways are."""
    every_address = text.startswith("dns+http://")
    try:
        url = _url(text.removeprefix("dns+") if every_address else text)
    except ValueError:
        raise ValueError(GATEWAY_ALLOWED) from None
    if every_address and urlsplit(url).path:
        raise ValueError(GATEWAY_ALLOWED)
    return f"dns+{url}" if every_address else url


def _upstream(text: str) -> str:
    """*text* as :attr:`openprequal.values.Backend.url`, if it says where one server is."""
    if text.startswith("unix:///"):
        return text
    try:
        parts = urlsplit(_origin(_url(text)))
    except ValueError:
        raise ValueError(UPSTREAM_ALLOWED) from None
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _origin(text: str) -> str:
    """The same without a path, which a registration could not keep."""
    if urlsplit(text).path:
        raise ValueError(ORIGIN_ALLOWED)
    return text


def is_loopback(url: str) -> bool:
    """True if *url* leads to this host whoever resolves it: localhost, 127.0.0.0/8 or [::1]."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _hint_rule(text: str) -> str:
    """*text*, if it is a rule for hints."""
    HintRule.parse(text)
    return text


HintRuleText = Annotated[str, AfterValidator(_hint_rule)]
Url = Annotated[str, AfterValidator(_url)]
Gateway = Annotated[str, AfterValidator(_gateway)]
Upstream = Annotated[str, AfterValidator(_upstream)]
Origin = Annotated[str, AfterValidator(_url), AfterValidator(_origin)]


class AgentSettings(Settings):
    """Everything ``twistd openprequal-backend`` can be told."""

    file_table: ClassVar[str | None] = "backend"

    port: int = setting(
        8001, "TCP port, on all interfaces, IPv6 too.", group=_LISTENING, env="BACKEND_PORT", ge=1, le=65535
    )
    listen: Texts = setting(
        (),
        "Twisted endpoint string to listen on instead, like tcp:8001:interface=127.0.0.1.",
        group=_LISTENING,
        # OPENPREQUAL_LISTEN is the gateway's, which may share the environment.
        env="BACKEND_LISTEN",
    )
    name: str | None = setting(None, "Name shown in answers; none: backend-PORT.", group=_LISTENING)
    exit_with_parent: int | None = setting(None, "Process id of the parent to end with.", group="", ge=1)

    upstream: Upstream | None = setting(
        None,
        "Service to stand before, like http://127.0.0.1:5000; none: answer like the example backend.",
        group=_SIDECAR,
        allowed=UPSTREAM_ALLOWED,
    )
    upstream_health_path: Path | None = setting(
        None,
        "Path of the service that answers 2xx or 3xx while it can serve; none: that it accepts connections is enough.",
        group=_SIDECAR,
    )
    upstream_check_seconds: float = setting(1.0, "Seconds between two looks at it.", group=_SIDECAR, gt=0)
    upstream_check_timeout_seconds: float = setting(2.0, "Seconds a look may take.", group=_SIDECAR, gt=0)

    proxy_url: Annotated[tuple[Gateway, ...], SplitTexts] = setting(
        ("http://localhost:8000",),
        "Gateway to register with; dns+http://name:port: every gateway behind the name.",
        group=_REGISTRATION,
        allowed=GATEWAY_ALLOWED,
        env="PROXY_URL",
        min_length=1,
    )
    backend_url: Origin | None = setting(
        None,
        "URL the gateway reaches this backend by; none: http://localhost:PORT for a gateway on loopback, else the"
        " address from which the gateway is reached.",
        group=_REGISTRATION,
        env="BACKEND_URL",
    )
    register: bool = setting(True, "Register with the gateway.", group=_REGISTRATION)
    service: ServiceName = setting(DEFAULT_SERVICE, "Service it belongs to.", group=_REGISTRATION)
    weight: float = setting(
        1.0, "Carries this many times the load of a backend of weight 1.", group=_REGISTRATION, gt=0
    )
    priority: int = setting(
        0,
        "0 comes first; a backend of the next priority gets requests while too few of those before it are healthy.",
        group=_REGISTRATION,
        ge=0,
        le=1000,
    )
    zone: str | None = setting(
        None,
        "Where it is: gateways of the same zone prefer it; none: near to all.",
        group=_REGISTRATION,
        min_length=1,
        max_length=63,
    )
    backend_heartbeat_seconds: float = setting(
        30.0, "Seconds between two heartbeats.", group=_REGISTRATION, env="BACKEND_HEARTBEAT_SECONDS", gt=0
    )
    backend_heartbeat_timeout: float | None = setting(
        None,
        "Seconds of silence after which the gateway gives it up; none: twice the interval.",
        group=_REGISTRATION,
        env="BACKEND_HEARTBEAT_TIMEOUT",
        gt=0,
    )
    shutdown_grace_seconds: float = setting(
        5.0,
        "Seconds that requests under way may take to end at shutdown.",
        group=_LISTENING,
        # OPENPREQUAL_SHUTDOWN_GRACE_SECONDS is the gateway's.
        env="BACKEND_SHUTDOWN_GRACE_SECONDS",
        ge=0,
    )
    report_formats: Annotated[tuple[ReportFormatName, ...], SplitTexts] = setting(
        REPORT_FORMATS,
        "Format of the load reports on responses.",
        group=_REGISTRATION,
        allowed="openprequal, prequal-rs or orca",
        min_length=1,
    )
    backend_health_path: Path = setting(
        "/healthz",
        "Path that answers with health and load.",
        group=_REGISTRATION,
        env="BACKEND_HEALTH_PATH",
    )
    latency_window_seconds: float = setting(
        300.0,
        "Seconds that the averages in /metrics look back.",
        group=_REGISTRATION,
        env="LATENCY_WINDOW_SECONDS",
        gt=0,
    )
    token: Token | None = setting(
        None,
        "What the gateway wants as Authorization: Bearer.",
        group=_REGISTRATION,
        secret=True,
    )
    token_file: str | None = setting(None, "File that holds the token.", group=_REGISTRATION)

    work_seconds: float = setting(0.0, "Seconds a request takes alone.", group=_LOAD, ge=0)
    cores: float = setting(
        1.0, "Cores that the requests under way share; 0: no limit, the work is a mere delay.", group=_LOAD, ge=0
    )
    response_bytes: int | None = setting(
        None, "Bytes of a response body; none: one line of who it is.", group=_LOAD, ge=0
    )

    hint: HintRuleText = setting(
        "none",
        "What of a request its hint is made of, as the gateway's balancer_parameters have it (docs/sync-mode.md).",
        group=_LOAD,
        env="BACKEND_HINT",
        allowed=RULE_ALLOWED,
    )
    warm_hints: int = setting(
        1000, "Hints of requests last served, for which it reports a tenth of its load.", group=_LOAD, ge=0
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.heartbeat_timeout_s <= self.backend_heartbeat_seconds:
            raise ValueError(
                f"backend_heartbeat_timeout is {self.heartbeat_timeout_s:g}:"
                f" must be longer than backend_heartbeat_seconds, {self.backend_heartbeat_seconds:g}"
            )
        upstream = urlsplit(self.upstream or "")
        if upstream.port == self.port and not self.listen and is_loopback(self.upstream or ""):
            raise ValueError(f"upstream: {self.upstream} is the port this process itself would listen on")
        return self

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Endpoint strings to listen on; at least one."""
        return listening_endpoints(self.listen, self.port)

    @property
    def announced_url(self) -> str | None:
        """The URL to register; None: find out the address from which the (remote) gateway is reached."""
        if self.backend_url is not None:
            return self.backend_url
        if all(is_loopback(url) for url in self.proxy_url):
            return f"http://localhost:{self.port}"
        return None

    @property
    def heartbeat_timeout_s(self) -> float:
        """Seconds of silence after which the gateway gives this backend up."""
        return self.backend_heartbeat_timeout or 2 * self.backend_heartbeat_seconds

    @property
    def shown_name(self) -> str:
        """The name to show in answers."""
        return self.name or f"backend-{self.port}"
