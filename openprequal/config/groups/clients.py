"""What may clients send, and how long may they take?"""

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
    max_connections: int = setting(20_000, "Client connections at a time.", group=GROUP, ge=1)
    max_connections_per_client: int | None = setting(
        None, "The same for one client address; none: no limit.", group=GROUP, ge=1
    )
