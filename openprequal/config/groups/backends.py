"""How are requests brought to backends, and how long may that take?"""

from typing import Literal

from openprequal.config.schema import ServerName, Settings, setting

GROUP = "Connections to backends"


class ServiceConnections(Settings):
    """What a service may have of its own under "Connections to backends"."""

    upstream_idle_timeout_seconds: float = setting(30.0, "Seconds an idle connection is kept.", group=GROUP, gt=0)
    upstream_max_idle: int = setting(512, "Idle connections kept to each backend.", group=GROUP, ge=0)
    backend_max_in_flight: int | None = setting(
        None, "Requests under way to each backend; none: no limit.", group=GROUP, ge=1
    )
    queue_max: int = setting(128, "Requests of a service that may wait for a free backend.", group=GROUP, ge=0)
    upstream_ca_file: str | None = setting(
        None,
        "PEM file of the authorities whose certificates https backends may show; none: the system's.",
        group=GROUP,
    )
    upstream_certificate_file: str | None = setting(
        None,
        "PEM file of the certificate, chain and key that https backends are shown, or CERTIFICATE:KEY; none: none.",
        group=GROUP,
    )
    upstream_server_name: ServerName | None = setting(
        None, "Name that certificates of https backends must be for; none: the host in their URL.", group=GROUP
    )


class BackendSettings(ServiceConnections):
    """Settings under "Connections to backends"."""

    connect_timeout_seconds: float = setting(2.0, "Seconds to connect.", group=GROUP, gt=0)
    response_timeout_seconds: float = setting(60.0, "Seconds to wait for a response head.", group=GROUP, gt=0)
    stall_timeout_seconds: float = setting(
        60.0, "Seconds in which a body must move, in either direction.", group=GROUP, gt=0
    )
    total_timeout_seconds: float | None = setting(
        None, "Seconds a request may take in all; none: no limit.", group=GROUP, gt=0
    )
    queue_timeout_seconds: float = setting(1.0, "Seconds that requests may wait for a free backend.", group=GROUP, gt=0)
    upstream_proxy_protocol: Literal["none", "v1", "v2"] = setting(
        "none",
        "Begin connections to backends with a PROXY protocol header that names the client. They then serve one client"
        " only.",
        group=GROUP,
    )
    host_header: Literal["keep", "backend"] = setting(
        "keep", "Host that backends see; keep: what the client sent, backend: their own.", group=GROUP
    )
    forwarded: bool = setting(False, "Send Forwarded (RFC 7239) beside X-Forwarded-*.", group=GROUP)
