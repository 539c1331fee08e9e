"""Where does the gateway listen, and whom in front of it does it believe?"""

from openprequal.config.schema import NETWORKS_ALLOWED, Networks, Settings, Texts, setting

GROUP = "Listening"


class ListeningSettings(Settings):
    """Settings under "Listening"."""

    port: int = setting(8000, "TCP port, on all interfaces, IPv6 too.", group=GROUP, ge=1, le=65535)
    listen: Texts = setting(
        (),
        "Twisted endpoint string to listen on instead, like unix:/run/gateway.sock; with tls: before it, over TLS.",
        group=GROUP,
    )
    admin_port: int | None = setting(
        None,
        "Port for registration, metrics and the other paths of our own; none: they are on the proxied port.",
        group=GROUP,
        ge=1,
        le=65535,
    )
    admin_interface: str = setting("127.0.0.1", "Address the admin port is bound to.", group=GROUP)
    admin_listen: Texts = setting(
        (), "Twisted endpoint string instead of the admin port, like unix:/run/admin.sock:mode=660.", group=GROUP
    )
    trusted_proxies: Networks = setting(
        (),
        "Network of proxies in front whose X-Forwarded-* and Forwarded are believed.",
        group=GROUP,
        allowed=NETWORKS_ALLOWED,
    )
    proxy_protocol_from: Networks = setting(
        (),
        "Network of load balancers that must begin every connection with a PROXY protocol header, version 1 or 2; from"
        " anywhere else it is refused.",
        group=GROUP,
        allowed=NETWORKS_ALLOWED,
    )
    demo: int = setting(0, "Example backends to start beside, on the ports after --port.", group=GROUP, ge=0, le=64)
    shutdown_grace_seconds: float = setting(
        10.0, "Seconds that requests under way may take to end at shutdown.", group=GROUP, ge=0
    )
