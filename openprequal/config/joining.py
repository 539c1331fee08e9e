"""What does everything that joins a gateway, by itself or beside an application, say of how it does so?"""

import warnings
from ipaddress import ip_address
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator

from openprequal.config.schema import Path, ServiceName, Settings, SplitTexts, TokenTexts, setting
from openprequal.values import DEFAULT_SERVICE

GROUP = "Registration"

REPORT_FORMATS = ("openprequal", "prequal-rs")

ReportFormatName = Literal["openprequal", "prequal-rs", "orca"]
URL_ALLOWED = "http(s)://host:port without credentials, query and fragment"
ORIGIN_ALLOWED = "http(s)://host:port and nothing else"
GATEWAY_ALLOWED = f"{URL_ALLOWED}, or dns+http://name:port for every address of the name"


def http_url(text: str) -> str:
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
        url = http_url(text.removeprefix("dns+") if every_address else text)
    except ValueError:
        raise ValueError(GATEWAY_ALLOWED) from None
    if every_address and urlsplit(url).path:
        raise ValueError(GATEWAY_ALLOWED)
    return f"dns+{url}" if every_address else url


def http_origin(text: str) -> str:
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


Gateway = Annotated[str, AfterValidator(_gateway)]
Origin = Annotated[str, AfterValidator(http_url), AfterValidator(http_origin)]


def whether_to_register() -> Any:
    """The field ``register`` of those that inherit from :class:`JoiningSettings`.

    It hides ``BaseModel.register``, which is ABCMeta's and nothing here needs. In a class that only inherits the field
    pydantic would find that instead.
    """
    warnings.filterwarnings("ignore", message='Field name "register" in "(Agent|Middleware)Settings" shadows')
    return setting(True, "Register with the gateway; no: only count and report.", group=GROUP)


class JoiningSettings(Settings):
    """Settings under "Registration" of whatever runs at a backend."""

    proxy_url: Annotated[tuple[Gateway, ...], SplitTexts] = setting(
        ("http://localhost:8000",),
        "Gateway to register with; dns+http://name:port: every gateway behind the name.",
        group=GROUP,
        allowed=GATEWAY_ALLOWED,
        env="PROXY_URL",
        min_length=1,
    )
    backend_url: Origin | None = setting(
        None,
        "URL the gateway reaches this backend by; none: http://localhost:PORT for a gateway on loopback, else the"
        " address from which the gateway is reached.",
        group=GROUP,
        env="BACKEND_URL",
    )
    service: ServiceName = setting(DEFAULT_SERVICE, "Service it belongs to.", group=GROUP)
    weight: float = setting(1.0, "Carries this many times the load of a backend of weight 1.", group=GROUP, gt=0)
    priority: int = setting(
        0,
        "0 comes first; a backend of the next priority gets requests while too few of those before it are healthy.",
        group=GROUP,
        ge=0,
        le=1000,
    )
    zone: str | None = setting(
        None,
        "Where it is: gateways of the same zone prefer it; none: near to all.",
        group=GROUP,
        min_length=1,
        max_length=63,
    )
    backend_heartbeat_seconds: float = setting(
        30.0, "Seconds between two heartbeats.", group=GROUP, env="BACKEND_HEARTBEAT_SECONDS", gt=0
    )
    backend_health_path: Path = setting(
        "/healthz", "Path that answers with health and load.", group=GROUP, env="BACKEND_HEALTH_PATH"
    )
    report_formats: Annotated[tuple[ReportFormatName, ...], SplitTexts] = setting(
        REPORT_FORMATS,
        "Format of the load reports on responses.",
        group=GROUP,
        allowed="openprequal, prequal-rs or orca",
        min_length=1,
    )
    token: TokenTexts = setting(
        (), "What the gateway wants as Authorization: Bearer; of several the first is sent.", group=GROUP, secret=True
    )
    token_file: str | None = setting(
        None, "File that holds the token; read before each heartbeat, of several lines the first.", group=GROUP
    )

    @property
    def local_only(self) -> bool:
        """True if all gateways are on this host, so that nobody else has to reach us."""
        return all(is_loopback(url) for url in self.proxy_url)

    def url_to_announce(self, port: int | None) -> str | None:
        """The URL to register for what listens on *port*; None: find out the address from which the (remote) gateway
        is reached."""
        if self.backend_url is not None:
            return self.backend_url
        return f"http://localhost:{port}" if self.local_only else None
