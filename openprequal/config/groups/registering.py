"""Who may register a backend, and what happens when one does?"""

from openprequal.config.schema import Settings, Token, setting

GROUP = "Registration"


class RegistrationSettings(Settings):
    """Settings under "Registration"."""

    token: Token | None = setting(
        None,
        "What everyone but trusted loopback must send as Authorization: Bearer.",
        group=GROUP,
        secret=True,
    )
    token_file: str | None = setting(None, "File that holds the token.", group=GROUP)
    trust_loopback: bool = setting(
        True, "Clients of this host need no token; no behind a proxy on this host.", group=GROUP
    )
    max_backends: int = setting(10_000, "Backends that may be registered.", group=GROUP, ge=1)
    backend_heartbeat_timeout: float | None = setting(
        None,
        "Seconds of silence after which a backend with a heartbeat is removed; none: twice its interval.",
        group=GROUP,
        env="BACKEND_HEARTBEAT_TIMEOUT",
        gt=0,
    )
    registry_class: str = setting(
        "memory", "Registry: a short name or a dotted path.", group=GROUP, env="REGISTRY_CLASS"
    )
    custom_register_hook: str | None = setting(
        None, "Called before a backend is registered: a dotted path.", group=GROUP, env="CUSTOM_REGISTER_HOOK"
    )
    custom_unregister_hook: str | None = setting(
        None, "Called after one unregistered: a dotted path.", group=GROUP, env="CUSTOM_UNREGISTER_HOOK"
    )
