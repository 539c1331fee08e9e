"""The settings of the middlewares: how does a Python application behind the gateway join it?"""

import warnings
from typing import Annotated, Self

from pydantic import model_validator

from openprequal.config.agent import (
    GATEWAY_ALLOWED,
    REPORT_FORMATS,
    Gateway,
    Origin,
    ReportFormatName,
    is_loopback,
)
from openprequal.config.schema import Path, ServiceName, Settings, SplitTexts, Token, setting
from openprequal.values import DEFAULT_SERVICE

_GROUP = "Registration"

# The name hides BaseModel.register, which is ABCMeta's and nothing here needs.
warnings.filterwarnings("ignore", message='Field name "register" in "MiddlewareSettings" shadows')


class MiddlewareSettings(Settings):
    """What ``OpenPrequal(app, …)`` and ``wrap(resource, …)`` can be told, by keyword or by the environment."""

    port: int | None = setting(
        None,
        "Port that the application's server listens on; needed unless backend_url is given.",
        group=_GROUP,
        env="BACKEND_PORT",
        ge=1,
        le=65535,
    )
    backend_url: Origin | None = setting(
        None,
        "URL the gateway reaches the application by; none: http://localhost:PORT for a gateway on loopback, else the"
        " address from which the gateway is reached.",
        group=_GROUP,
        env="BACKEND_URL",
    )
    proxy_url: Annotated[tuple[Gateway, ...], SplitTexts] = setting(
        ("http://localhost:8000",),
        "Gateway to register with; dns+http://name:port: every gateway behind the name.",
        group=_GROUP,
        allowed=GATEWAY_ALLOWED,
        env="PROXY_URL",
        min_length=1,
    )
    register: bool = setting(True, "Register with the gateway; no: only count and report.", group=_GROUP)
    service: ServiceName = setting(DEFAULT_SERVICE, "Service it belongs to.", group=_GROUP)
    weight: float = setting(
        1.0,
        "Carries this many times the load of a backend of weight 1.",
        group=_GROUP,
        gt=0,
    )
    priority: int = setting(
        0,
        "0 comes first; a backend of the next priority gets requests while too few of those before it are healthy.",
        group=_GROUP,
        ge=0,
        le=1000,
    )
    zone: str | None = setting(
        None,
        "Where it is: gateways of the same zone prefer it; none: near to all.",
        group=_GROUP,
        min_length=1,
        max_length=63,
    )
    backend_heartbeat_seconds: float = setting(
        30.0, "Seconds between two heartbeats.", group=_GROUP, env="BACKEND_HEARTBEAT_SECONDS", gt=0
    )
    backend_health_path: Path = setting(
        "/healthz", "Path that the middleware answers with health and load.", group=_GROUP, env="BACKEND_HEALTH_PATH"
    )
    report_formats: Annotated[tuple[ReportFormatName, ...], SplitTexts] = setting(
        REPORT_FORMATS,
        "Format of the load reports on responses.",
        group=_GROUP,
        allowed="openprequal, prequal-rs or orca",
        min_length=1,
    )
    probe_port: int | None = setting(
        None,
        "Port on which a thread answers probes; 0, and for WSGI unless set: any free one; none: probes go to the"
        " health path.",
        group=_GROUP,
        env="BACKEND_PROBE_PORT",
        ge=0,
        le=65535,
    )
    run_folder: str | None = setting(
        None,
        "Folder in which the processes of one application find each other; none: in the system's temporary one.",
        group=_GROUP,
        env="BACKEND_RUN_FOLDER",
    )
    token: Token | None = setting(None, "What the gateway wants as Authorization: Bearer.", group=_GROUP, secret=True)
    token_file: str | None = setting(None, "File that holds the token.", group=_GROUP)

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if self.register and self.port is None and self.backend_url is None:
            raise ValueError(
                "the gateway cannot be told where this application listens:"
                " set port= or BACKEND_PORT, or backend_url= or BACKEND_URL"
            )
        return self

    @property
    def announced_url(self) -> str | None:
        """The URL to register; None: find out the address from which the (remote) gateway is reached."""
        if self.backend_url is not None:
            return self.backend_url
        if self.local_only:
            return f"http://localhost:{self.port}"
        return None

    @property
    def local_only(self) -> bool:
        """True if all gateways are on this host, so that nobody else has to reach us."""
        return all(is_loopback(url) for url in self.proxy_url)
