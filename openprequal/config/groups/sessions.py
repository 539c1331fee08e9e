"""Do requests of one session stay with one backend?"""

from typing import Literal

from openprequal.config.schema import FieldName, Keys, Settings, setting
from openprequal.config.services import STICKY_ALLOWED, Sticky

GROUP = "Sticky sessions"


class SessionSettings(Settings):
    """Settings under "Sticky sessions"."""

    sticky: Sticky = setting(
        "no",
        "What tells sessions apart, each of which stays with a backend (docs/sticky-sessions.md).",
        group=GROUP,
        allowed=STICKY_ALLOWED,
    )
    sticky_cookie: FieldName = setting(
        "openprequal", "Name of the cookie; of another service than default, -NAME follows.", group=GROUP
    )
    sticky_cookie_max_age_seconds: int | None = setting(
        None, "Seconds a browser keeps it; none: as long as it runs.", group=GROUP, ge=1
    )
    sticky_cookie_same_site: Literal["lax", "strict", "none"] = setting(
        "lax", "With which requests from other sites browsers send it; none: all, by TLS.", group=GROUP
    )
    sticky_keys: Keys | None = setting(
        None,
        "What makes the cookie, the same for all gateways; of several the first makes it, and all are believed.",
        group=GROUP,
        secret=True,
        allowed="one or more keys of at least 32 characters, between commas or one a line",
    )
    sticky_keys_file: str | None = setting(None, "File that holds them.", group=GROUP)
    sticky_idle_seconds: float = setting(
        1800.0, "Seconds without a request after which a session by client or header is forgotten.", group=GROUP, gt=0
    )
    sticky_sessions_max: int = setting(
        65_536, "Sessions by client or header that are remembered for each service.", group=GROUP, ge=1
    )
