"""How are the sessions of a service told apart, by the settings?"""

from collections.abc import Callable, Iterable
from secrets import token_bytes

from twisted.logger import Logger

from openprequal.config.gateway import GatewaySettings
from openprequal.config.services import EffectiveService
from openprequal.routing.session_cookie import CookieRules, CookieSessions
from openprequal.routing.session_table import SessionTable
from openprequal.routing.sessions import Sessions

log = Logger()


def sessions_of(
    now: Callable[[], float], name: str, effective: EffectiveService, settings: GatewaySettings
) -> Sessions | None:
    """What knows the sessions of the service *name*; None: it has none."""
    kind, _, header = effective.sticky.partition(":")
    if kind == "no":
        return None
    if kind != "cookie":
        return SessionTable(
            header.lower().encode("ascii") if header else None,
            now,
            idle_s=settings.sticky_idle_seconds,
            most=settings.sticky_sessions_max,
        )
    keys = [key.get_secret_value().encode() for key in settings.sticky_keys]
    if not keys:
        log.warn(
            "sessions of {service} are known to this process alone: other gateways and the next start will not know "
            "them, unless sticky_keys_file or OPENPREQUAL_STICKY_KEYS is set",
            service=name,
        )
        keys = [token_bytes(32)]
    return CookieSessions(
        keys,
        CookieRules(
            effective.sticky_cookie.encode("ascii"),
            settings.sticky_cookie_max_age_seconds,
            settings.sticky_cookie_same_site.capitalize().encode("ascii"),
        ),
    )


def hidden_cookies(services: Iterable[EffectiveService]) -> tuple[bytes, ...]:
    """Names of the cookies that backends of *services* do not see."""
    return tuple(each.sticky_cookie.encode("ascii") for each in services if each.sticky == "cookie")
