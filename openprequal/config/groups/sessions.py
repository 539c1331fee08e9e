"""Do requests of one session stay with one backend?"""

from typing import Annotated, Literal

from openprequal.config.schema import FIELD_NAME, FieldName, Keys, Matching, Settings, setting

GROUP = "Sticky sessions"

_ALLOWED = "no, cookie, client or header:NAME"
Sticky = Annotated[str, Matching(rf"no|cookie|client|header:{FIELD_NAME}", _ALLOWED)]


class ServiceSessions(Settings):
    """What a service may have of its own under "Sticky sessions"."""

    sticky: Sticky = setting(
        "no",
        "What tells sessions apart, each of which stays with a backend (docs/sticky-sessions.md).",
        group=GROUP,
        allowed=_ALLOWED,
    )
    sticky_cookie: FieldName = setting(
        "openprequal", "Name of the cookie; of another service than default, -NAME follows.", group=GROUP
    )


class SessionSettings(ServiceSessions):
    """Settings under "Sticky sessions"."""

    sticky_cookie_max_age_seconds: int | None = setting(
        None, "Seconds a browser keeps it; none: as long as it runs.", group=GROUP, ge=1
    )
    sticky_cookie_same_site: Literal["lax", "strict", "none"] = setting(
        "lax", "With which requests from other sites browsers send it; none: all, by TLS.", group=GROUP
    )
    sticky_keys: Keys = setting(
        (),
        "What makes the cookie, the same for all gateways; of several the first makes it, and all are believed.",
        group=GROUP,
        secret=True,
        allowed="one or more keys of at least 32 characters",
    )
    sticky_keys_file: str | None = setting(None, "File that holds them.", group=GROUP)
    sticky_idle_seconds: float = setting(
        1800.0, "Seconds without a request after which a session by client or header is forgotten.", group=GROUP, gt=0
    )
    sticky_sessions_max: int = setting(
        65_536, "Sessions by client or header that are remembered for each service.", group=GROUP, ge=1
    )
