"""Where does the gateway listen, and whom in front of it does it believe?"""

import os
from typing import Annotated, Final, Literal

from pydantic import Field, PlainValidator

from openprequal.config.schema import NETWORKS_ALLOWED, Networks, Settings, Texts, setting

GROUP = "Listening"

MOST_WORKERS: Final = 64
WORKERS_ALLOWED: Final = f"auto or a whole number from 1 to {MOST_WORKERS}"


def _workers(value: object) -> object:
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if value == "auto" or (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_WORKERS):
        return value
    raise ValueError(WORKERS_ALLOWED)


Workers = Annotated[
    int | Literal["auto"],
    PlainValidator(_workers, json_schema_input_type=Annotated[int, Field(ge=1, le=MOST_WORKERS)] | Literal["auto"]),
]


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
    workers: Workers = setting(
        1,
        "Processes that take requests, on the same sockets and as one gateway; auto: one a processor it may use.",
        group=GROUP,
        allowed=WORKERS_ALLOWED,
    )
    demo: int = setting(0, "Example backends to start beside, on the ports after --port.", group=GROUP, ge=0, le=64)
    shutdown_grace_seconds: float = setting(
        10.0, "Seconds that requests under way may take to end at shutdown.", group=GROUP, ge=0
    )

    @property
    def worker_count(self) -> int:
        """How many processes take requests."""
        if self.workers != "auto":
            return int(self.workers)
        usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return min(MOST_WORKERS, usable)
