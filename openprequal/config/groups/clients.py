"""What may clients send, and how long may they take?"""

from openprequal.config.rate_limits import RateLimitSettings
from openprequal.config.schema import Settings, setting

GROUP = "Limits on clients"


class ClientSettings(Settings):
    """Settings under "Limits on clients"."""

    request_line_max_bytes: int = setting(8192, "Bytes of a request line.", group=GROUP, ge=64, le=1 << 20)
    header_max_bytes: int = setting(32_768, "Bytes of a header section.", group=GROUP, ge=64, le=1 << 24)
    header_max_fields: int = setting(100, "Fields of a header section.", group=GROUP, ge=1)
    body_max_bytes: int | None = setting(None, "Bytes of a request body; none: no limit.", group=GROUP, ge=0)
    header_timeout_seconds: float = setting(10.0, "Seconds to send a request head.", group=GROUP, gt=0)
    idle_timeout_seconds: float = setting(75.0, "Seconds a connection may idle between requests.", group=GROUP, gt=0)
    client_min_rate_bytes: int | None = setting(
        100,
        "Bytes per second, at least, that a client must send of a request's body while it is read, and take of a "
        "response that waits for it; none: as slow as it likes.",
        group=GROUP,
        ge=1,
    )
    client_rate_window_seconds: float = setting(20.0, "Seconds over which that is measured.", group=GROUP, ge=1)
    max_connections: int = setting(
        20_000, "Client connections at a time; beyond it those idle longest are closed.", group=GROUP, ge=1
    )
    max_connections_per_client: int | None = setting(
        None,
        "The same for one client address (of IPv6: a /64), trusted proxies excepted; none: no limit.",
        group=GROUP,
        ge=1,
    )
    max_requests_per_second_per_client: float | None = setting(
        None, "Proxied requests a second of one client; beyond it 429; none: no limit.", group=GROUP, gt=0, le=1e6
    )
    rate_limits: tuple[RateLimitSettings, ...] = setting(
        (), "Further limits on the rate of requests (docs/flooding.md).", group=GROUP, text=False, allowed="tables"
    )
